"""Leave to compute in half precision: proved, refused with a reason, or not wanted."""

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from mmnet_deploy import conversion
from mmnet_deploy.conversion import Options, half_precision
from mmnet_deploy.errors import UsageError
from mmnet_deploy.networks import network
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.tflite.card import describe

ENTRY = (b"reduced_precision_support", b"fp16accfp16")
LARGEST, MEAN = 0.1, 2e-3


def _metadata(path):
    """All metadata of a file, by an independent reader: the object API of flatbuffers."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes())
    return [(entry.name, bytes(model.buffers[entry.buffer].data)) for entry in model.metadata]


def _amplified(gain, activation="relu", size=(32, 32)):
    """Brightness as a matte, of activations that are `gain` times as large on their way."""
    image = keras.Input((*size, 3))
    first = keras.layers.Conv2D(1, 1, activation=activation, name="larger")
    last = keras.layers.Conv2D(1, 1, activation="sigmoid", name="alpha")
    model = keras.Model(image, last(first(image)))
    first.set_weights([np.full((1, 1, 3, 1), gain), np.zeros(1)])
    last.set_weights([np.full((1, 1, 1, 1), 2 / gain), np.array([-3.0])])
    return model


@pytest.fixture
def amplified(tmp_path):
    """`_amplified` as a loaded network."""

    def load(gain, activation="relu"):
        path = tmp_path / "bright.keras"
        _amplified(gain, activation).save(path)
        return network.load(path, meaning=Meaning(alpha_channel=0))

    return load


def test_a_float16_file_may_compute_in_half_precision(tiny_models, tiny_run):
    """The entry is there by default, and the description says how far the mattes then are."""
    path = tiny_models["float16"]
    card = describe(path).card
    assert ENTRY in _metadata(path)
    assert (card.reduced_precision, card.reduced_precision_reason) == ("fp16accfp16", "")
    assert 0 < card.half_mean_difference < MEAN
    assert card.half_mean_difference < card.half_largest_difference < LARGEST
    assert card.half_checked_pictures == card.checked_pictures


def test_other_files_compute_as_before(tiny_models):
    """No other precision has the entry, and nothing is said of it."""
    for precision in set(tiny_models) - {"float16"}:
        card = describe(tiny_models[precision]).card
        assert b"reduced_precision_support" not in dict(_metadata(tiny_models[precision]))
        assert (card.reduced_precision, card.reduced_precision_reason) == ("", "")
        assert card.half_mean_difference is card.half_checked_pictures is None


def test_the_choice_counts_for_both_precisions(tmp_path, tiny_run, portraits, tiny_models):
    """`allow` writes the entry into float32 files, too; `forbid` keeps it out and says so."""
    loaded, both = network.load(tiny_run), ("float32", "float16")
    for choice in ("allow", "forbid"):
        for result in conversion.convert(
            loaded, both, portraits, tmp_path, Options(reduced_precision=choice)
        ):
            card = describe(result.path).card
            assert card == result.card
            assert (ENTRY in _metadata(result.path)) == (choice == "allow")
            assert bool(card.reduced_precision) == (choice == "allow")
            said = choice == "forbid" and card.precision == "float16"
            assert ("forbid" in card.reduced_precision_reason) == said
    plain = tmp_path / tiny_models["float32"].name
    assert plain.read_bytes() == tiny_models["float32"].read_bytes()


def test_values_beyond_float16_keep_the_entry_out(tmp_path, amplified, portraits):
    """The file is kept, and the reason names the layer; what fits is allowed."""
    for gain, fits in ((60.0, True), (60000.0, False)):
        (result,) = conversion.convert(
            amplified(gain), ("float16",), portraits, tmp_path / "out", Options(replace=True)
        )
        card = describe(result.path).card
        assert (ENTRY in _metadata(result.path)) == fits
        assert (card.reduced_precision_reason == "") == fits
    reason = card.reduced_precision_reason
    assert "values of larger go beyond 65504" in reason and "the matte is NaN or infinite" in reason
    assert card.half_mean_difference is None


def test_infinity_is_refused_although_the_matte_stays_near(tmp_path, portraits):
    """A sigmoid of infinity is 1 here, and NaN in the kernels for phones."""
    image = keras.Input((32, 32, 3))
    model = keras.Model(image, keras.layers.Conv2D(1, 1, activation="sigmoid", name="end")(image))
    model.layers[-1].set_weights([np.full((1, 1, 3, 1), 60000.0), np.full(1, -60000.0)])
    model.save(tmp_path / "steep.keras")
    loaded = network.load(tmp_path / "steep.keras", meaning=Meaning(alpha_channel=0))
    options = Options(max_difference=1.0, max_mean_difference=0.5)
    (result,) = conversion.convert(loaded, ("float16",), portraits, tmp_path / "out", options)
    assert ENTRY not in _metadata(result.path)
    assert "go beyond 65504" in result.card.reduced_precision_reason


@pytest.mark.parametrize("graph", ["deploy", "stock"])
def test_other_channels_and_ranges_are_tried_as_they_are(tmp_path, portraits, graph):
    """What the input and the output hold counts in half precision too."""
    keras.utils.set_random_seed(2)
    image = keras.Input((48, 32, 3))
    x = keras.layers.Conv2D(6, 3, padding="same", activation="relu")(image)
    keras.Model(image, keras.layers.Conv2D(3, 1, activation="sigmoid")(x)).save(
        tmp_path / "foreign.keras"
    )
    loaded = network.load(
        tmp_path / "foreign.keras", meaning=Meaning(alpha_channel=0, input_range=(-1.0, 1.0))
    )
    (result,) = conversion.convert(
        loaded, ("float16",), portraits, tmp_path / "out", Options(graph=graph)
    )
    assert ENTRY in _metadata(result.path)
    assert 0 < result.card.half_mean_difference < 1e-3


def test_a_limit_of_ones_own_counts_in_half_precision(tmp_path, tiny_run, portraits):
    """A file that keeps it in float32 only is kept without the entry, and the figures say why."""
    limit = Options(max_mean_difference=1e-4, reduced_precision="allow")
    (result,) = conversion.convert(network.load(tiny_run), ("float32",), portraits, tmp_path, limit)
    assert ENTRY not in _metadata(result.path)
    assert result.card.half_mean_difference > 1e-4
    assert "on average (limit 0.0001)" in result.card.reduced_precision_reason


def test_pictures_that_prove_nothing_allow_nothing(tmp_path, amplified, portraits):
    """Where every file would pass, half precision is not taken as proved."""
    loaded = amplified(1.0)
    loaded.model.layers[-1].set_weights([np.zeros((1, 1, 1, 1)), np.zeros(1)])
    (result,) = conversion.convert(loaded, ("float16",), portraits, tmp_path)
    assert not result.proved
    assert "prove nothing" in result.card.reduced_precision_reason
    assert ENTRY not in _metadata(result.path)


def test_fewer_pictures_are_emulated_of_a_large_network(tmp_path, tiny_run, portraits, monkeypatch):
    """Emulation is slow; the description says how many pictures it saw, two at least."""
    monkeypatch.setattr(half_precision, "MOST_MACS", 1.0)
    (result,) = conversion.convert(network.load(tiny_run), ("float16",), portraits, tmp_path)
    assert result.card.half_checked_pictures == half_precision.LEAST_PICTURES == 2
    assert result.card.checked_pictures > 2


@pytest.mark.parametrize(
    ("precisions", "choice", "words"),
    [
        (("float16",), "yes", "`reduced_precision` must be one of allow, forbid. Received: yes."),
        (("int8", "dynamic"), "allow", "must include one of them. Received: int8, dynamic."),
    ],
)
def test_a_choice_without_meaning_or_effect_is_refused(precisions, choice, words):
    """Before anything is converted."""
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        Options(reduced_precision=choice).check(precisions)


@pytest.mark.parametrize(("activation", "allowed"), [("relu", True), ("tanh", False)])
def test_limits_are_stricter_where_the_emulation_is_finer(
    tmp_path, portraits, amplified, activation, allowed
):
    """Kernels compute tanh more coarsely than the emulation: 1.5 times its error is too near."""
    source = amplified(1, activation)
    (first,) = conversion.convert(source, ("float16",), portraits, tmp_path)
    card = first.card
    assert card.reduced_precision == "fp16accfp16"
    near = Options(
        max_difference=1.5 * card.half_largest_difference,
        max_mean_difference=1.5 * card.half_mean_difference,
    )
    (second,) = conversion.convert(source, ("float16",), portraits, tmp_path, near)
    assert bool(second.card.reduced_precision) is allowed
    assert ("stricter for TANH" in second.card.reduced_precision_reason) is not allowed


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("MOST_FAR", "of the pixels are off by more than 0.1"),
        ("NOTABLE_INCREASE", "gradient error"),
    ],
)
def test_a_part_that_goes_wrong_and_worse_edges_are_refused(
    tmp_path, tiny_run, portraits, monkeypatch, name, words
):
    """The mean alone would not show either; the limits are moved to where every network is."""
    monkeypatch.setattr(half_precision, name, -1.0)
    (result,) = conversion.convert(network.load(tiny_run), ("float16",), portraits, tmp_path)
    assert words in result.card.reduced_precision_reason
    assert result.card.reduced_precision == ""
