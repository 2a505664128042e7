"""Small files that claim much, and files of other versions: refused before they cost anything."""

import json
import os
import shlex

import h5py
import keras
import pytest

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.networks import keras_archive, network
from mmnet_deploy.training import initial_weights
from tests.support.foreign import (
    members_of,
    reconfigured,
    refused,
    reweighted,
    rewritten,
    saved,
    to_matte,
)

layers = keras.layers
WEIGHTS = keras_archive.WEIGHTS


@pytest.fixture
def path(tmp_path):
    """A sound file of one convolution."""
    return saved(tmp_path / "mine.keras", to_matte())


def test_a_sound_file_is_within_the_bounds(path):
    """What Keras saves passes, and compressing it again changes nothing."""
    kernel, bias = 3 * 3 * 3, 1
    contents = keras_archive.read(path)
    assert contents == keras_archive.Contents(4 * (kernel + bias), keras.version())
    assert keras_archive.read(rewritten(path, members_of(path))) == contents
    assert network.load(path).output_channels == 1


# --- Claims ------------------------------------------------------------------


def test_members_that_unpack_to_far_more_are_not_unpacked(path):
    """Zeros compress a thousandfold; the sizes in the archive's directory tell."""
    sound = network.load(path).model
    members = members_of(path)
    zeros = bytes(keras_archive.FREE_BYTES + 4 * keras_archive.MIB)
    for name in (WEIGHTS, "assets/vocabulary.txt"):
        rewritten(path, members | {name: members.get(name, b"") + zeros})
        refused(path, "contents of at most 65 MiB", "Received: 68 MiB", "fill the memory")
        with pytest.raises(ModelFileError, match="fill the memory"):
            initial_weights.take(path, sound)


def _replace_kernel(options):
    def change(file):
        found = []
        file.visititems(lambda name, item: found.append(name) if item.name[-1] == "0" else None)
        (kernel,) = found
        del file[kernel]
        file.create_dataset(kernel, (1, 1, 30_000, 300_000), "float32", **options)

    return change


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": (1, 1, 1000, 1000), "compression": "gzip"},
        {"chunks": (1, 1, 1000, 1000), "fillvalue": 1.0},
    ],
)
def test_weights_that_are_claimed_and_not_stored_are_not_read(path, options):
    """HDF5 may hold any shape without its numbers; networks and initial weights refuse it."""
    sound = network.load(path).model
    reweighted(path, _replace_kernel(options))
    refused(path, "weights of at most 64 MiB", "34,332 MiB")
    with pytest.raises(ModelFileError, match="34,332 MiB"):
        initial_weights.take(path, sound)
    bare = path.with_name("bare.weights.h5")
    bare.write_bytes(members_of(path)[WEIGHTS])
    with pytest.raises(ModelFileError, match="34,332 MiB"):
        initial_weights.take(bare, sound)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"filters": 10**9}, "more weights than are in the file"),
        ({"kernel_size": [30_000, 30_000]}, "more weights than are in the file"),
        ({"filters": 10**6}, "more weights than are in the file"),
    ],
)
def test_layers_that_claim_more_weights_than_the_file_has_are_not_built(path, change, words):
    """The configuration alone does not decide how much memory is taken."""
    reconfigured(path, lambda config: config["config"]["layers"][1]["config"].update(change))
    refused(path, "damaged", words)


def test_results_beyond_any_memory_are_refused_before_a_run(tmp_path):
    """A huge input and a huge enlargement are found by their shapes."""
    huge = saved(tmp_path / "input.keras", to_matte(), (100_000, 100_000, 3))
    refused(huge, "results have at most", "30,000,000,000")
    up = saved(tmp_path / "up.keras", lambda image: layers.UpSampling2D(20_000)(image))
    refused(up, "results have at most", "up_sampling2d")
    refused(saved(tmp_path / "a.keras", to_matte(), (8192, 4096, 3)), "16,777,216 pixels")


def test_configurations_are_bounded_in_size_depth_and_layers(path):
    """Each bound is stated, with what was received."""
    members = members_of(path)

    def with_config(text):
        return rewritten(path, members | {"config.json": text})

    refused(with_config("[" + "[]," * 2 * 10**6 + "[]]"), "4.0 MiB in config.json", "5.7 MiB")
    refused(with_config('{"a":' * 50_000 + "1" + "}" * 50_000), "at most 100 levels", "many more")
    refused(with_config('{"a":' * 200 + "1" + "}" * 200), "at most 100 levels", "Received: 200")
    many = {"config": {"layers": [{"class_name": "ReLU"}] * 5000}}
    refused(with_config(json.dumps(many)), "at most 2,500 layers", "Received: 5,000")
    refused(rewritten(path, members | {"metadata.json": b" " * 5 * 2**20}), "in metadata.json")
    refused(rewritten(path, members | {"metadata.json": b"[1]"[:2]}), "metadata.json is no JSON")


def test_a_pipe_is_not_waited_for(tmp_path):
    """A network must be a regular file, also as initial weights."""
    path = tmp_path / "pipe.keras"
    os.mkfifo(path)
    refused(path, "not a regular file")
    with pytest.raises(ModelFileError, match="not a regular file"):
        initial_weights.take(path, keras.Sequential([keras.Input((2,)), layers.Dense(1)]))


# --- Other versions ----------------------------------------------------------


def _of_keras_2(path):
    """Make a `.keras` file one of Keras 2, whose classes lie elsewhere."""
    reconfigured(path, lambda config: config.update(module="keras.src.engine.functional"))
    members = members_of(path)
    metadata = json.dumps({"keras_version": "2.15.0"})
    return rewritten(path, members | {"metadata.json": metadata})


def test_a_file_of_keras_2_is_told_the_way_that_works(path):
    """The message has the packages and the command that make a SavedModel of it."""
    refused(_of_keras_2(path), "Keras 2 (2.15.0)", "`pip install tf-keras", ".export(")


@pytest.mark.parametrize("name", ["old.h5", "old.hdf5", "old.keras", "old"])
@pytest.mark.parametrize(("version", "way"), [("2.11.0", "tf_keras"), ("3.9.0", "keras")])
def test_hdf5_is_told_the_way_of_its_version(tmp_path, name, version, way):
    """Whatever its suffix, a model in HDF5 is known by content; the command is one line."""
    with h5py.File(tmp_path / name, "w") as file:
        file.attrs["model_config"] = "{}"
        file.attrs["keras_version"] = version
    code = f"import {way}; {way}.models.load_model("
    refused(tmp_path / name, "If you trust its source", f"python -c '{code}")


def test_the_way_from_hdf5_of_keras_3_works(tmp_path):
    """The command that the message gives makes a file that loads, for odd names as well."""
    path = tmp_path / 'it\'s "mine".h5'
    image = keras.Input((32, 32, 3))
    keras.Model(image, layers.Conv2D(1, 1)(image)).save(path)
    with pytest.raises(ModelFileError) as refusal:
        network.load(path)
    command = str(refusal.value).split("`")[1]
    python, flag, code = shlex.split(command)
    assert (python, flag) == ("python", "-c")
    exec(code, {})
    assert network.load(tmp_path / 'it\'s "mine"-from-hdf5.keras').output_channels == 1


def test_weights_alone_are_no_network(tmp_path):
    """What holds weights only says so, and is no damaged file."""
    image = keras.Input((32, 32, 3))
    keras.Model(image, layers.Conv2D(1, 1)(image)).save_weights(tmp_path / "a.weights.h5")
    refused(tmp_path / "a.weights.h5", "weights without their network", "load_weights")
