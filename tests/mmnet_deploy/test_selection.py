"""Selective quantization: the layer that ruins int8 is found and left in float."""

import contextlib
import functools
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from mmnet_deploy import proof, quantization, selection
from mmnet_deploy.errors import ConversionError, UsageError
from mmnet_deploy.graph import Graph
from mmnet_deploy.quantization import Source
from mmnet_deploy.representative import Portrait
from mmnet_deploy.runtime import TFLiteModel, preprocess

SIZE = 32
PATH = Path("small.tflite")
LIMIT = 0.1


def _pictures():
    """Soft discs on a dark ground."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(4):
        disc = np.zeros((SIZE, SIZE), np.float32)
        cv2.circle(disc, tuple(map(int, rng.integers(10, 22, 2))), int(rng.integers(6, 10)), 1, -1)
        soft = cv2.GaussianBlur(disc, (0, 0), 1.5)[..., np.newaxis] * 0.8 + 0.05
        picture = np.clip(soft + rng.normal(0, 0.03, (SIZE, SIZE, 3)), 0, 1)
        picture[0, 0], picture[0, 1] = 0, 1  # Calibration sees the whole range.
        found.append((picture * 255).astype(np.uint8))
    return found


PICTURES = _pictures()


def _convolve(x, name, weights, bias, end=tf.identity):
    weights, bias = (np.asarray(values, np.float32) for values in (weights, bias))
    return end(
        tf.nn.bias_add(tf.nn.conv2d(x, weights, 1, "SAME", name=name), bias), name=f"{name}_end"
    )


@functools.cache
def _network(unused=0.0, offset=0.0, double=False):
    """A network of a 3×3 and two 1×1 convolutions that finds the discs, in float32.

    Args:
        unused: Weights of `mix` for a channel that is always 0. Where they are large, the
            others are 0 in 8 bits.
        offset: What `mix` adds to the weights of two channels whose difference counts.
            Where it is large, the difference is lost in 8 bits.
        double: Enlarge the matte at the end.
    """
    stem = np.zeros((3, 3, 3, 4))
    stem[..., 0] = stem[..., 2] = 1 / 27
    stem[1, 1, :, 1] = 1 / 3
    stem[1, 1, 0, 3] = 1  # The bias of −2 keeps it at 0.
    mix = np.zeros((1, 1, 4, 2))
    mix[0, 0, :3] = np.transpose([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3]])
    mix[0, 0, 3] = unused
    head = np.full((1, 1, 2, 1), 8.0)
    if offset:
        mix[0, 0, :3, 1] = 0
        mix[0, 0, :3] += offset
        head[0, 0] = [[16], [-16]]

    def call(image):
        x = _convolve(image, "stem", stem, [0, 0, 0, -2], tf.nn.relu6)
        x = _convolve(x, "mix", mix, [0.01, 0.01], tf.nn.relu if offset else tf.nn.relu6)
        x = _convolve(x, "head", head, [-6])
        if double:
            x = tf.image.resize(x, (2 * SIZE, 2 * SIZE))
        return tf.nn.sigmoid(x, name="alpha")

    signature = [tf.TensorSpec((1, SIZE, SIZE, 3), tf.float32, name="image")]
    traced = tf.function(call, input_signature=signature, autograph=False)
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [traced.get_concrete_function()], tf.Module()
    ).convert()


@pytest.fixture
def setting(tmp_path):
    """Makes the source of a network, and a judge whose masks the network nearly hits."""

    def make(content, shift=1):
        model = TFLiteModel(PATH, content=content)
        mattes = [model.matte(picture) for picture in PICTURES]
        portraits = []
        for number, matte in enumerate(mattes):
            path = tmp_path / f"{number}.png"
            mask = np.roll(matte, shift, axis=0) if shift else matte
            cv2.imwrite(str(path), np.round(255 * mask).astype(np.uint8))
            portraits.append(Portrait(path, path))
        samples = [preprocess(picture, SIZE, SIZE) for picture in PICTURES]
        source = Source(content, samples, phases=False)
        return source, proof.Judge(portraits, PICTURES, mattes)

    return make


def _change(source, judge):
    return judge.difference(judge.mattes(quantization.int8(source), PATH)).gradient_error_change


def _kinds_in_float(source):
    graph = Graph.from_bytes(quantization.int8(source))
    kinds = [op.kind for op in graph.ops if op.output.dtype == "FLOAT32"]
    return [kind for kind in kinds if kind != "DEQUANTIZE"]


def _name(source, part):
    (name,) = selection.by_pattern(source, [part])
    return name


# --- Ranking -----------------------------------------------------------------


def test_the_layer_that_ruins_int8_comes_first(setting):
    """A layer whose weights do not fit in 8 bits costs nearly all of the error."""
    source, judge = setting(_network(unused=300.0))
    whole = judge.squared_error(judge.mattes(quantization.int8(source), PATH))
    assert whole > 0.01
    ranking = selection.rank(source, judge, PATH)
    assert (ranking[0].layer, ranking[0].kind) == (_name(source, "mix"), "CONV_2D")
    assert ranking[0].error > 0.95 * whole
    assert all(abs(layer.error) < 0.05 * whole for layer in ranking[1:])


def test_a_layer_that_keeps_int8_from_running_comes_first(setting):
    """Where the runtime refuses the file for the scales of a layer, that is the worst error."""
    source, judge = setting(_network(unused=1e6))
    ranking = selection.rank(source, judge, PATH)
    assert ranking[0].layer == _name(source, "mix")
    assert ranking[0].error > 0.9
    assert [layer.error for layer in ranking[1:]] == [0, 0, 0]


def test_the_ranking_names_every_layer_once_and_worst_first(setting):
    """All that compute, whatever they cost."""
    source, judge = setting(_network(unused=300.0))
    ranking = selection.rank(source, judge, PATH)
    layers = selection.layers_of(source)
    assert sorted((one.layer, one.kind) for one in ranking) == sorted(
        (op.name, op.kind) for op in layers
    )
    errors = [one.error for one in ranking]
    assert errors == sorted(errors, reverse=True)


def test_a_layer_that_is_in_float_already_costs_nothing_more(setting):
    """The ranking starts from the choice that was made, and leaves it as it was."""
    source, judge = setting(_network(unused=300.0))
    source.float_layers = chosen = selection.by_pattern(source, ["mix"])
    ranking = {one.layer: one.error for one in selection.rank(source, judge, PATH)}
    assert ranking[chosen[0]] == 0
    assert max(ranking.values()) < 1e-4
    assert source.float_layers == chosen


def test_a_ranking_that_fails_leaves_the_choice_as_it_was(setting, monkeypatch):
    """Layers in float for the sake of the ranking are not left there."""
    source, judge = setting(_network())
    found = judge.mattes(quantization.int8(source), PATH)
    monkeypatch.setattr(judge, "mattes", lambda *_: found if not source.float_layers else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        selection.rank(source, judge, PATH)
    assert source.float_layers == ()


def test_a_ranking_says_how_far_it_is(setting):
    """One step for the whole, and one per layer."""
    steps = []

    @contextlib.contextmanager
    def progress(title, total):
        yield lambda *_: steps.append(total)

    source, judge = setting(_network())
    selection.rank(source, judge, PATH, progress=progress)
    assert steps == [5] * 5


def test_operators_that_only_move_values_are_no_layers():
    """Slices and concatenations are not ranked: in 8 bits they are exact."""
    samples = [preprocess(picture, SIZE, SIZE) for picture in PICTURES]
    source = Source(_network(double=True), samples, phases=True)
    kinds = {op.kind for op in Graph.from_bytes(source.calibrated).ops}
    assert {"SLICE", "CONCATENATION", "DEPTH_TO_SPACE"} <= kinds
    assert {op.kind for op in selection.layers_of(source)} == {"CONV_2D", "LOGISTIC"}


# --- Within a limit ----------------------------------------------------------


@pytest.mark.parametrize("unused", [300.0, 1e6])
def test_one_layer_in_float_brings_the_error_within_the_limit(setting, unused):
    """The one to blame, whether int8 is bad or does not even run; no other is touched."""
    source, judge = setting(_network(unused=unused))
    ranking = selection.within(source, judge, LIMIT, PATH)
    assert source.float_layers == (_name(source, "mix"),) == (ranking[0].layer,)
    assert _kinds_in_float(source) == ["CONV_2D"]
    assert _change(source, judge) <= LIMIT


def test_int8_is_beyond_the_limit_without_it(setting):
    """The network of these tests does need a layer in float."""
    source, judge = setting(_network(unused=300.0))
    assert _change(source, judge) > 5 * LIMIT


def test_two_layers_that_only_help_together_are_found(setting):
    """Where a later layer takes back what a layer adds, both are left in float."""
    source, judge = setting(_network(offset=300.0))
    assert _change(source, judge) > 5 * LIMIT
    selection.within(source, judge, LIMIT, PATH)
    assert {_name(source, "mix"), _name(source, "head")} <= set(source.float_layers)
    assert _change(source, judge) <= LIMIT


def test_a_good_network_needs_no_float(setting):
    """Nothing is ranked, and nothing is left in float."""
    source, judge = setting(_network())
    assert selection.within(source, judge, LIMIT, PATH) == []
    assert source.float_layers == ()


def test_the_users_choice_is_kept(setting):
    """Layers that are in float already stay there, and come first."""
    source, judge = setting(_network(unused=300.0))
    source.float_layers = chosen = selection.by_pattern(source, ["head"])
    selection.within(source, judge, LIMIT, PATH)
    assert source.float_layers == (*chosen, _name(source, "mix"))


def test_a_choice_that_is_enough_is_not_added_to(setting):
    """If the layer to blame is in float by the user's will, no ranking is made."""
    source, judge = setting(_network(unused=300.0))
    source.float_layers = chosen = selection.by_pattern(source, ["mix"])
    assert selection.within(source, judge, LIMIT, PATH) == []
    assert source.float_layers == chosen


def test_an_impossible_limit_is_an_error(setting):
    """8-bit ends round alpha, so that no file hits masks which are the network's own mattes."""
    source, judge = setting(_network(), shift=0)
    with pytest.raises(ConversionError, match=r"every layer in float by \+.*: 0 % cannot be kept"):
        selection.within(source, judge, 0, PATH)
    assert len(source.float_layers) == len(selection.layers_of(source))


def test_without_masks_there_is_no_limit_to_keep(setting):
    """A gradient error needs masks, and the message says where they must be."""
    source, judge = setting(_network())
    blind = proof.Judge([Portrait(PATH)] * len(PICTURES), PICTURES, judge.expected)
    with pytest.raises(UsageError, match=r"`max_error_increase` needs masks.*train/mask"):
        selection.within(source, blind, LIMIT, PATH)


# --- By name -----------------------------------------------------------------


@pytest.fixture
def source():
    """The source of a good network."""
    samples = [preprocess(picture, SIZE, SIZE) for picture in PICTURES]
    return Source(_network(), samples, phases=False)


def test_patterns_choose_layers_by_parts_of_their_names(source):
    """Each pattern is searched for in every name."""
    names = [op.name for op in selection.layers_of(source)]
    assert selection.by_pattern(source, ["stem"]) == (names[0],)
    assert selection.by_pattern(source, ["stem|head"]) == (names[0], names[2])
    assert selection.by_pattern(source, ["."]) == tuple(names)
    assert selection.by_pattern(source, []) == ()


def test_several_patterns_choose_each_layer_once(source):
    """In the order of the patterns."""
    names = [op.name for op in selection.layers_of(source)]
    found = selection.by_pattern(source, ["head", "st.m", "stem|head", "mix"])
    assert found == (names[2], names[0], names[1])


def test_chosen_layers_are_left_in_float(source):
    """Their names are those that quantizing knows."""
    source.float_layers = selection.by_pattern(source, ["stem", "head"])
    assert _kinds_in_float(source) == ["CONV_2D", "CONV_2D"]


@pytest.mark.parametrize("patterns", [["nobody"], ["stem", "nobody"], ["^em"]])
def test_a_pattern_that_no_layer_has_is_refused(source, patterns):
    """The message gives the name of a layer, as an example."""
    with pytest.raises(UsageError, match=f"such as stem.* None has {patterns[-1][:1]}"):
        selection.by_pattern(source, patterns)


@pytest.mark.parametrize("pattern", ["(", "*", "[a", "stem)"])
def test_a_broken_pattern_is_refused(source, pattern):
    """The message says what is wrong with it."""
    with pytest.raises(UsageError, match="must be a regular expression") as caught:
        selection.by_pattern(source, ["stem", pattern])
    assert str(caught.value).endswith(f"Received: {pattern}.")
