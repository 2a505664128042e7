"""Initial weights: taken by layer and shape from any file of Keras, or refused in one line."""

import functools

import h5py
import keras
import numpy as np
import pytest

import models
from mmnet_deploy import training
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.training import initial_weights, optimizer, trainer

SIZE = 32
BACKBONE_LAYERS = 102
"""Of MobileNetV2 up to its last residual: 51 convolutions and as many batch norms."""


@pytest.fixture(scope="module")
def mobilenet():
    """What a user has: the network that Keras ships, here with weights of its own."""
    keras.utils.set_random_seed(5)
    model = keras.applications.MobileNetV2(
        input_shape=(SIZE, SIZE, 3), alpha=0.35, weights=None, classes=7
    )
    for layer in model.layers:
        layer.set_weights([weights + 0.25 for weights in layer.get_weights()])
    return model


@pytest.fixture(scope="module", params=["keras", "h5", "weights.h5", "nested"])
def stored(request, mobilenet, tmp_path_factory):
    """Its file in each form, also as a part of a larger network."""
    folder = tmp_path_factory.mktemp("mobilenet")
    if request.param == "weights.h5":
        path = folder / "mobilenet.weights.h5"
        mobilenet.save_weights(path)
        return path
    model = mobilenet
    if request.param == "nested":
        image = keras.Input((SIZE, SIZE, 3))
        model = keras.Model(image, mobilenet(image))
    path = folder / f"mobilenet.{'keras' if request.param == 'nested' else request.param}"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def foreign(mobilenet, tmp_path_factory):
    """Its file in one form, where the form does not matter."""
    path = tmp_path_factory.mktemp("mobilenet") / "mobilenet.h5"
    mobilenet.save(path)
    return path


@functools.cache
def _built(family, width):
    keras.utils.set_random_seed(1)
    network = models.build(family, width_multiplier=width, input_size=SIZE)
    return network, network.get_weights()


def _network(family="md16", width=0.35):
    """A network as it begins; building one takes a second."""
    network, first = _built(family, width)
    network.set_weights(first)
    return network


@pytest.mark.parametrize("family", ["md8", "md16"])
def test_the_backbone_of_mobilenet_is_taken_whole(mobilenet, stored, family):
    """Every layer up to the last residual gets MobileNetV2's weights; the head stays new."""
    network = _network(family)
    head = network.get_layer("coarse_logits").get_weights()
    match = initial_weights.take(stored, network)
    assert len(match.taken) == BACKBONE_LAYERS and match.unfit == ()
    assert set(match.unused) == {"Conv_1", "Conv_1_bn", "predictions"}
    assert all(name.startswith(("aspp_", "coarse_")) for name in match.missing)
    for name in match.taken:
        ours, theirs = network.get_layer(name), mobilenet.get_layer(name)
        for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(network.get_layer("coarse_logits").get_weights()[0], head[0])
    assert str(match).startswith("102 of 109 layers taken by name and shape; new: aspp_")
    assert "not used: Conv_1, Conv_1_bn, predictions" in str(match)


@pytest.mark.parametrize(
    ("family", "width", "words"),
    [
        ("md16", 1.0, "layers agree by name and shape: Conv1 has 3×3×3×16 there and"),
        ("mmnet", 0.5, "0 of 212 layers agree by name and shape: it has Conv1, and not init"),
        ("ldn-fb", None, "0 of 9 layers agree"),
    ],
)
def test_weights_of_another_network_are_refused(foreign, family, width, words):
    """Another width or another family is one line, and the network keeps its weights."""
    network = _network(family, width)
    before = network.get_weights()
    with pytest.raises(ModelFileError, match="weights of another network") as error:
        initial_weights.take(foreign, network)
    assert words in str(error.value) and "\n" not in str(error.value)
    for one, other in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_any_family_may_begin_with_its_own_weights(tmp_path):
    """A network of the same family at another size has all of them."""
    other = models.build("ldn-fb", width_multiplier=None, input_size=64)
    models.inference_network(other).save(tmp_path / "ldn.keras")
    network = _network("ldn-fb", None)
    assert initial_weights.take(tmp_path / "ldn.keras", network).missing == ()
    for one, theirs in zip(network.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, theirs)


def test_a_tflite_file_has_no_names_of_layers(tmp_path):
    """It is called what it is, not a damaged archive."""
    (tmp_path / "x.tflite").write_bytes(b"\x1c\0\0\0TFL3")
    with pytest.raises(ModelFileError, match=r"x\.tflite is a \.tflite file"):
        initial_weights.take(tmp_path / "x.tflite", _network())


@pytest.mark.parametrize("content", [b"", b"no HDF5", b"PK\x03\x04 half a zip", None])
def test_a_file_that_is_no_weights_is_one_line(tmp_path, content):
    """An absent, an empty, a foreign and a damaged file are each one line."""
    path = tmp_path / "x.keras"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"x\.keras") as error:
        initial_weights.take(path, _network())
    assert "\n" not in str(error.value)


def test_a_damaged_file_never_shows_more_than_one_line(stored, tmp_path):
    """Cut anywhere, or with bytes changed, it is read or refused."""
    content = bytearray(stored.read_bytes())
    rng = np.random.default_rng(0)
    network = _network()
    for share in (0.1, 0.5, 0.9, 1.0):
        changed = content[: int(len(content) * share)]
        for place in rng.integers(0, len(changed), 200):
            changed[place] ^= 0xFF
        (tmp_path / "x.h5").write_bytes(changed)
        try:
            initial_weights.take(tmp_path / "x.h5", network)
        except ModelFileError as error:
            assert "\n" not in str(error)


def test_links_to_other_files_are_not_followed(tmp_path):
    """Weights that the file does not hold itself count as absent."""
    network = _network()
    with h5py.File(tmp_path / "x.h5", "w") as file:
        group = file.create_group("Conv1")
        group.attrs["weight_names"] = ["Conv1/kernel"]
        group["Conv1/kernel"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "kernel")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["kernel"] = network.get_layer("Conv1").get_weights()[0]
    with pytest.raises(ModelFileError, match="0 of 109 layers"):
        initial_weights.take(tmp_path / "x.h5", network)


def test_a_training_begins_with_them_and_says_so(tmp_path, config):
    """The report is a line of the progress; a resumed run does not need the file any more."""
    import contextlib

    said = []

    @contextlib.contextmanager
    def listening(title, total):
        def advance(note="", steps=1):
            said.append(f"{title}: {note}")
            if title.startswith("Training") and steps:
                raise KeyboardInterrupt

        yield advance

    path = tmp_path / "other.keras"
    keras.utils.set_random_seed(77)
    other = models.inference_network(models.build("tiny", width_multiplier=1.0, input_size=64))
    other.save(path)
    settings = config(
        epochs=1, steps_per_epoch=1, learning_rate=1e-12, initial_weights=str(path)
    )  # fmt: skip
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        training.train(settings, run, progress=listening)
    assert f"Initial weights of {path}: 3 of 4 layers taken by name and shape; new: " in said[0]
    path.unlink()
    done = training.train(settings, run, resume=True)
    kernel = keras.saving.load_model(done.last).get_layer("stem").get_weights()[0]
    np.testing.assert_allclose(kernel, other.get_layer("stem").get_weights()[0], atol=1e-6)


def test_a_training_with_weights_that_do_not_fit_leaves_nothing(tmp_path, config, foreign):
    """They are looked at before the pictures, and no run folder appears."""
    with pytest.raises(ModelFileError, match="weights of another network"):
        training.train(config(initial_weights=str(foreign)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


# --- A share of them that stays ----------------------------------------------


@pytest.mark.parametrize(("share", "ema_decay"), [(0.25, 0.0), (0.5, 0.9)])
def test_a_share_of_them_stays_in_what_is_stored(config, share, ema_decay):
    """Stored weights lie on the line from the first ones to the trained ones, or their average."""
    made = trainer.build(config(initial_share=share, ema_decay=ema_decay))
    made.remember_beginning()
    made.begin(models.Stage(), 10)
    variables = models.inference_network(made.network).weights
    first = [keras.ops.convert_to_numpy(variable) + 0 for variable in variables]
    averages = optimizer.averages(made.optimizer)
    for variable in variables:
        variable.assign(variable + 1)
        if id(variable) in averages:
            averages[id(variable)].assign(variable - 0.5)
    stored = made.deployed_weights()
    for variable, before, now in zip(variables, first, stored, strict=True):
        moved = 0.5 if id(variable) in averages else 1.0
        np.testing.assert_allclose(now, before + (1 - share) * moved, atol=1e-6)


def test_no_share_of_random_weights_stays(tmp_path, config, tiny_run):
    """Where all or some of the first weights are random, one line says what to do."""
    with pytest.raises(UsageError, match=r"`initial_share` must be 0 .* random.*--init-from"):
        training.train(config(initial_share=0.4), tmp_path / "run")
    partial = config(initial_share=0.4, initial_weights=str(tiny_run), init_exclude="logits")
    with pytest.raises(UsageError, match=r"some layers only, and not of .*initial_share=0"):
        training.train(partial, tmp_path / "run")
    assert not (tmp_path / "run" / "state.npz").exists()
