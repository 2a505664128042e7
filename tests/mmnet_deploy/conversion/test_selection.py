"""Selective quantization: the layer that ruins int8 is found and left in float."""

import contextlib
import dataclasses
import functools
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from mmnet_deploy.conversion import proof, quantization, selection
from mmnet_deploy.conversion.quantization import Source
from mmnet_deploy.errors import ConversionError, ModelFileError, UsageError
from mmnet_deploy.portraits.pictures import preprocess
from mmnet_deploy.portraits.representative import Portrait
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import TFLiteModel
from tests.support.networks import converted

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

    return converted(call, (1, SIZE, SIZE, 3))


@pytest.fixture
def setting(tmp_path):
    """Makes the source of a network, and a judge whose masks the network nearly hits."""

    def make(content, perfect=False):
        model = TFLiteModel(PATH, content=content)
        mattes = [model.matte(picture) for picture in PICTURES]
        masks = [np.round(255 * np.roll(matte, 1, axis=0)).astype(np.uint8) for matte in mattes]
        portraits = []
        for number, mask in enumerate(masks):
            path = tmp_path / f"{number}.png"
            cv2.imwrite(str(path), mask)
            portraits.append(Portrait(path, path))
        if perfect:
            mattes = [mask.astype(np.float32) / 255 for mask in masks]
        return _source(content), proof.Judge(portraits, PICTURES, mattes)

    return make


def _source(content, phases=False):
    return Source(content, [preprocess(picture, SIZE, SIZE) for picture in PICTURES], phases=phases)


def _layers(source):
    return selection.layers_of(Graph.from_bytes(source.calibrated))


def _difference(source, judge, float_layers=()):
    return judge.difference(judge.mattes(quantization.int8(source, float_layers), PATH))


def _change(source, judge, float_layers=()):
    return _difference(source, judge, float_layers).gradient_error_change


def _squared_error(source, judge):
    return judge.squared_error(judge.mattes(quantization.int8(source), PATH))


def _kinds_in_float(source, float_layers):
    graph = Graph.from_bytes(quantization.int8(source, float_layers))
    kinds = [op.kind for op in graph.ops if op.output.dtype == "FLOAT32"]
    return [kind for kind in kinds if kind != "DEQUANTIZE"]


def _name(source, part):
    (name,) = selection.by_pattern(source.graph(), [part])
    return name


@pytest.fixture
def tried(monkeypatch):
    """The layers that each int8 file of a selection leaves in float, in the order of trial."""
    choices = []

    def int8(source, float_layers=()):
        choices.append(tuple(float_layers))
        return quantization.int8(source, float_layers)

    monkeypatch.setattr(selection, "int8", int8)
    return choices


# --- Ranking -----------------------------------------------------------------


def test_the_layer_that_ruins_int8_comes_first(setting):
    """The layer whose output does not survive 8 bits costs nearly all of the error."""
    source, judge = setting(_network(offset=300.0))
    whole = _squared_error(source, judge)
    assert whole > 0.01
    ranking = selection.rank(source, judge, PATH)
    assert (ranking[0].layer, ranking[0].kind) == (_name(source, "mix"), "CONV_2D")
    assert ranking[0].error > 0.95 * whole
    assert all(layer.error < 0.05 * whole for layer in ranking[1:])


def test_weights_that_do_not_fit_are_found(setting):
    """Layers come first whose outputs need the ruined weights in float: that one and its source."""
    source, judge = setting(_network(unused=300.0))
    whole = _squared_error(source, judge)
    assert whole > 0.01
    ranking = selection.rank(source, judge, PATH)
    assert {one.layer for one in ranking[:2]} == {_name(source, "mix"), _name(source, "stem")}
    assert all(layer.error > 0.95 * whole for layer in ranking[:2])
    assert all(abs(layer.error) < 0.05 * whole for layer in ranking[2:])


def test_a_file_that_does_not_run_is_the_worst(setting, tried, monkeypatch):
    """Where the runtime refuses an int8 file, the layer that it takes to run comes first."""
    source, judge = setting(_network(offset=300.0))
    mix, run = _name(source, "mix"), judge.mattes

    def mattes(content, path):
        if mix not in tried[-1]:
            raise ModelFileError("The scales are too far apart.")
        return run(content, path)

    monkeypatch.setattr(judge, "mattes", mattes)
    ranking = selection.rank(source, judge, PATH)
    assert ranking[0].layer == mix
    assert 0.99 < ranking[0].error <= 1
    choice = selection.within(source, judge, LIMIT, PATH)
    assert set(choice.float_layers) == {mix, _name(source, "head")}


def test_a_file_whose_matte_is_no_number_is_the_worst(setting, tried, monkeypatch):
    """It is ranked as one that does not run, and is never within a limit."""
    source, judge = setting(_network(offset=300.0))
    mix, run = _name(source, "mix"), judge.mattes

    def mattes(content, path):
        found = run(content, path)
        return found if mix in tried[-1] else [np.full_like(matte, np.nan) for matte in found]

    monkeypatch.setattr(judge, "mattes", mattes)
    ranking = selection.rank(source, judge, PATH)
    assert ranking[0].layer == mix
    assert 0.99 < ranking[0].error <= 1
    assert mix in selection.within(source, judge, LIMIT, PATH).float_layers


@pytest.mark.parametrize("unused", [1e5, 1e6])
def test_scales_out_of_reach_never_meet_the_runtime(setting, unused):
    """XNNPACK aborts the process over them; here they are an error, and the worst layer."""
    source, judge = setting(_network(unused=unused))
    ends = [op.name for op in _layers(source) if op.kind == "LOGISTIC"]
    with pytest.raises(ConversionError, match=r"cannot hold .*limit"):
        quantization.int8(source, ends)
    choice = selection.within(source, judge, LIMIT, PATH)
    assert _name(source, "mix") in choice.float_layers


def test_the_ranking_names_every_layer_once_and_worst_first(setting):
    """All that compute, whatever they cost."""
    source, judge = setting(_network(unused=300.0))
    ranking = selection.rank(source, judge, PATH)
    expected = sorted((op.name, op.kind) for op in _layers(source))
    assert sorted((one.layer, one.kind) for one in ranking) == expected
    errors = [one.error for one in ranking]
    assert errors == sorted(errors, reverse=True)


def test_a_layer_that_is_in_float_already_costs_nothing_more(setting):
    """The ranking starts from the choice that was made."""
    source, judge = setting(_network(unused=300.0))
    chosen = selection.by_pattern(source.graph(), ["mix"])
    ranking = selection.rank(source, judge, PATH, float_layers=chosen)
    assert max(abs(one.error) for one in ranking) < 1e-4


def test_no_selection_changes_its_source(setting):
    """A source is a value: nothing of it can be set, and its int8 file stays the same."""
    source, judge = setting(_network(unused=300.0))
    before = quantization.int8(source)
    assert selection.within(source, judge, LIMIT, PATH).float_layers
    assert quantization.int8(source) == before
    with pytest.raises(dataclasses.FrozenInstanceError):
        source.phases = True


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
    source = _source(_network(double=True), phases=True)
    kinds = {op.kind for op in Graph.from_bytes(source.calibrated).ops}
    assert {"SLICE", "CONCATENATION", "DEPTH_TO_SPACE"} <= kinds
    assert {op.kind for op in _layers(source)} == {"CONV_2D", "LOGISTIC"}


# --- Within a limit ----------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "needed", "useful"),
    [
        pytest.param({"unused": 300.0}, {"mix"}, {"stem", "mix"}, id="weights"),
        pytest.param({"offset": 300.0}, {"mix", "head"}, {"mix", "head"}, id="activations"),
    ],
)
def test_few_layers_in_float_bring_the_error_within_the_limit(setting, trouble, needed, useful):
    """The layer to blame and at most a neighbour; the others stay in 8 bits."""
    source, judge = setting(_network(**trouble))
    assert _change(source, judge) > 2 * LIMIT
    choice = selection.within(source, judge, LIMIT, PATH)
    assert len(choice.ranking) == len(_layers(source)) == 4
    chosen = set(choice.float_layers)
    assert set(selection.by_pattern(source.graph(), list(needed))) <= chosen
    assert chosen <= set(selection.by_pattern(source.graph(), list(useful)))
    assert _kinds_in_float(source, chosen) == ["CONV_2D"] * len(chosen)
    assert _change(source, judge, chosen) <= LIMIT


def test_a_layer_and_its_reader_may_only_help_together(setting):
    """The network of these tests has two layers that do."""
    source, judge = setting(_network(offset=300.0))
    for part in ("mix", "head"):
        assert _change(source, judge, selection.by_pattern(source.graph(), [part])) > LIMIT
    assert _change(source, judge, selection.by_pattern(source.graph(), ["mix", "head"])) <= LIMIT


def test_layers_are_followed_through_operators_that_move_values(setting, tried):
    """Where the reader of a layer is a slice, the layers behind it are in float too."""
    source, judge = setting(_network(double=True))
    source = dataclasses.replace(source, phases=True)
    selection.rank(source, judge, PATH)
    head = next(names for names in tried if names and names[0] == _name(source, "head"))
    kinds = {op.name: op.kind for op in Graph.from_bytes(source.calibrated).ops}
    assert {kinds[name] for name in head} == {"CONV_2D", "SLICE", "CONCATENATION"}
    assert [kinds[name] for name in head].count("CONV_2D") == 2


def test_a_good_network_needs_no_float(setting):
    """Nothing is ranked, and nothing is left in float."""
    source, judge = setting(_network())
    assert selection.within(source, judge, LIMIT, PATH) == selection.Choice((), ())


def test_a_matte_that_is_far_off_is_mended_whatever_its_edges(setting):
    """The gradient error alone may be within the limit where |Δα| is not."""
    source, judge = setting(_network(unused=300.0))
    generous = 2 * _change(source, judge)
    assert selection.within(source, judge, generous, PATH) == selection.Choice()

    def near(found):
        return found.mean <= 0.02

    assert not near(_difference(source, judge))
    choice = selection.within(source, judge, generous, PATH, near=near)
    assert choice.ranking
    assert near(_difference(source, judge, choice.float_layers))


def test_what_stays_far_off_with_every_layer_in_float_is_an_error(setting):
    """No number is given that would mean nothing."""
    source, judge = setting(_network())
    with pytest.raises(ConversionError, match="with every layer in float it does not compute"):
        selection.within(source, judge, LIMIT, PATH, near=lambda found: False)


def test_the_users_choice_is_kept(setting):
    """Layers that are in float already stay there, and come first."""
    source, judge = setting(_network(unused=300.0))
    chosen = selection.by_pattern(source.graph(), ["head"])
    choice = selection.within(source, judge, LIMIT, PATH, float_layers=chosen)
    assert choice.float_layers[:1] == chosen
    assert _name(source, "mix") in choice.float_layers
    assert len(set(choice.float_layers)) == len(choice.float_layers)


def test_a_choice_that_is_enough_is_not_added_to(setting):
    """If the layer to blame is in float by the user's will, no ranking is made."""
    source, judge = setting(_network(unused=300.0))
    chosen = selection.by_pattern(source.graph(), ["mix"])
    choice = selection.within(source, judge, LIMIT, PATH, float_layers=chosen)
    assert choice == selection.Choice(chosen)


def test_an_impossible_limit_is_an_error(setting, tried):
    """A network that hits its masks exactly leaves no room for rounding the ends to 8 bits."""
    source, judge = setting(_network(), perfect=True)
    with pytest.raises(
        ConversionError,
        match=r"every layer in float it changes .* by \+.*limit of 1000 % cannot be kept",
    ):
        selection.within(source, judge, 10, PATH)
    assert {op.name for op in _layers(source)} <= set(tried[-1])


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
    return _source(_network())


def test_rows_choose_layers_by_the_size_of_what_they_compute():
    """Those at the network's own size, or all; and none is an error."""
    graph = _source(_network(double=True)).graph()
    rows = {op.name: op.output.shape[1] for op in _layers(_source(_network(double=True)))}
    large = tuple(name for name, height in rows.items() if height == 2 * SIZE)
    assert len(large) == 2
    assert selection.by_pattern(graph, [f">={2 * SIZE}"]) == large
    assert selection.by_pattern(graph, [f">= {SIZE + 1}"]) == large
    assert selection.by_pattern(graph, [f">={SIZE}"]) == tuple(rows)
    assert selection.by_pattern(graph, ["stem", f">={2 * SIZE}"])[1:] == large
    with pytest.raises(UsageError, match=f"None matches >={2 * SIZE + 1}"):
        selection.by_pattern(graph, [f">={2 * SIZE + 1}"])


def test_patterns_choose_layers_by_parts_of_their_names(source):
    """Each pattern is searched for in every name."""
    names = [op.name for op in _layers(source)]
    assert selection.by_pattern(source.graph(), ["stem"]) == (names[0],)
    assert selection.by_pattern(source.graph(), ["stem|head"]) == (names[0], names[2])
    assert selection.by_pattern(source.graph(), ["."]) == tuple(names)
    assert selection.by_pattern(source.graph(), []) == ()


def test_several_patterns_choose_each_layer_once(source):
    """In the order of the patterns."""
    names = [op.name for op in _layers(source)]
    found = selection.by_pattern(source.graph(), ["head", "st.m", "stem|head", "mix"])
    assert found == (names[2], names[0], names[1])


def test_chosen_layers_are_left_in_float(source):
    """Their names are those that quantizing knows."""
    chosen = selection.by_pattern(source.graph(), ["stem", "head"])
    assert _kinds_in_float(source, chosen) == ["CONV_2D", "CONV_2D"]


@pytest.mark.parametrize("patterns", [["nobody"], ["stem", "nobody"], ["^em"]])
def test_a_pattern_that_no_layer_has_is_refused(source, patterns):
    """The message gives the name of a layer, as an example."""
    with pytest.raises(
        UsageError, match=rf"such as stem.* None matches {re.escape(patterns[-1])};"
    ):
        selection.by_pattern(source.graph(), patterns)


@pytest.mark.parametrize("pattern", ["(", "*", "[a", "stem)"])
def test_a_broken_pattern_is_refused(source, pattern):
    """The message says what is wrong with it."""
    with pytest.raises(UsageError, match="must be a regular expression") as caught:
        selection.by_pattern(source.graph(), ["stem", pattern])
    assert str(caught.value).endswith(f"Received: {pattern}.")
