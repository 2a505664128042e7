"""Files that are damaged, foreign or dangerous: refused in one line, and nothing of them runs."""

import json
import os
import zipfile

import keras
import numpy as np
import pytest

from mmnet_deploy.networks import network
from tests.support.foreign import refused, saved, subclassed, to_matte

layers = keras.layers


def test_an_unknown_layer_is_named(tmp_path):
    """A layer, a model or a function of elsewhere is named, with the way out."""

    @keras.saving.register_keras_serializable("elsewhere")
    class Blur(layers.Layer):
        def call(self, image):
            return image

    @keras.saving.register_keras_serializable("elsewhere")
    def halve(image):
        return image / 2

    layer = saved(tmp_path / "layer.keras", Blur())
    function = saved(tmp_path / "function.keras", layers.Activation(halve))
    subclassed().save(tmp_path / "model.keras")
    known = keras.saving.get_custom_objects()
    names = ("elsewhere>Blur", "elsewhere>halve", "elsewhere>Subclassed")
    taken = {name: known.pop(name) for name in names}
    try:
        for path, name in ((layer, "Blur"), (function, "halve")):
            refused(path, f"needs {name},", "model.export(folder)")
            # Trust does not bring the class along.
            refused(path, f"needs {name},", unsafe=True)
        refused(tmp_path / "model.keras", "needs Subclassed,")
    finally:
        known.update(taken)


def test_code_in_a_file_runs_only_if_it_is_trusted(tmp_path, monkeypatch):
    """The code of a Lambda does not run unless `unsafe` is given."""
    code = layers.Lambda(
        lambda image: [__import__("os").environ.update(LAMBDA="ran"), image[..., :1]][1],
        output_shape=(32, 32, 1),
    )
    path = saved(tmp_path / "code.keras", code)
    monkeypatch.setenv("LAMBDA", "did not run")
    refused(path, "a Lambda layer", "would run on loading", "`--unsafe`")
    assert os.environ["LAMBDA"] == "did not run"
    assert network.load(path, unsafe=True).output_channels == 1
    assert os.environ["LAMBDA"] == "ran"


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 broken", b"\x80\x04K\x01."])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content):
    """An empty, a text, a broken zip and a pickle file named .keras each give one line."""
    path = tmp_path / "bad.keras"
    path.write_bytes(content)
    refused(path, "not a .keras file, or it is damaged")


def _without(path, member):
    """Take a member out of a zip file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != member}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_damaged_archive_is_refused(tmp_path):
    """A missing member, a missing end and a flipped byte in the weights are found."""
    path = saved(tmp_path / "mine.keras", to_matte())
    content = path.read_bytes()
    network.load(path)
    path.write_bytes(content[: len(content) // 2])
    refused(path, "damaged")
    for member in ("config.json", "model.weights.h5"):
        path.write_bytes(content)
        _without(path, member)
        refused(path, "damaged", member)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", '{"class_name": ')
    refused(path, "damaged")
    kernel = np.asarray(network.load(saved(path, to_matte())).model.weights[0]).tobytes()
    content = bytearray(path.read_bytes())
    content[content.index(kernel)] ^= 1
    path.write_bytes(content)
    refused(path, "damaged", "model.weights.h5")


@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        (".h5", "not HDF5, or it is damaged"),
        (".HDF5", "not HDF5, or it is damaged"),
        (".pkl", "may run any code"),
        (".pt", "may run any code"),
        (".pth", "the package litert-torch"),
        (".onnx", "`onnx2tf -i FILE.onnx -o FOLDER`"),
        (".txt", "neither a run folder"),
    ],
)
def test_other_kinds_of_files_are_refused_unread(tmp_path, suffix, words):
    """Each says why it is not taken, and what to do."""
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"\x80\x04K\x01.")
    refused(path, words)
    refused(path, words, unsafe=True)


def test_nothing_and_a_folder_of_something_else_are_refused(tmp_path):
    """A path that is not there, and a folder that is neither run nor SavedModel."""
    refused(tmp_path / "none.keras", "no file or folder")
    refused(tmp_path, "neither a run folder", "nor a SavedModel")


def test_a_run_with_a_damaged_config_is_refused(tmp_path):
    """A run folder whose config is no JSON says so."""
    (tmp_path / "config.json").write_text(json.dumps({"family": "tiny"}))
    refused(tmp_path, "config.json")


def test_a_file_beside_a_foreign_config_is_no_run(tmp_path):
    """Downloaded models often have a config.json of another kind beside them."""
    (tmp_path / "config.json").write_text("{}")
    assert network.load(saved(tmp_path / "model.keras", to_matte())).config is None
