"""Recipes: what each precision stores, how near it stays, and what it costs to make."""

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from keras import layers

from mmnet_deploy.conversion import quantization
from mmnet_deploy.conversion.integers.rules import OWN, RULES
from mmnet_deploy.conversion.passes import storage
from mmnet_deploy.conversion.passes.storage import DYNAMIC_MINIMUM
from mmnet_deploy.conversion.quantization import PRECISIONS, Source
from mmnet_deploy.errors import ConversionError
from mmnet_deploy.portraits.pictures import preprocess
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import TFLiteModel
from tests.support.networks import converted_network

RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8) for _ in range(8)]
SHAPE = (16, 16, 3)
SAMPLES = [preprocess(picture, 16, 16) for picture in PICTURES]
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def _matting(image):
    """A strided, a depthwise, a large and a small convolution, a resize and a sigmoid."""
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu6", name="stem")(image)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(x)
    x = layers.Conv2D(16, 3, padding="same", activation="relu", name="large")(x)
    x = layers.Conv2D(1, 1, name="small")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear", name="double")(x)
    return layers.Activation("sigmoid", name="alpha")(x)


@pytest.fixture(scope="module")
def content():
    """The float32 file of the network."""
    return converted_network(_matting, SHAPE)


@pytest.fixture(params=[False, True], ids=["resize", "phases"])
def source(content, request):
    """The network with and without its resize as phases."""
    return Source(content, SAMPLES, phases=request.param)


def _mattes(content):
    model = TFLiteModel(Path("x.tflite"), content=content)
    return np.stack([model.matte(picture) for picture in PICTURES])


def _dtypes(graph):
    """Element types of all that operators compute."""
    return {tensor.dtype for op in graph.ops for tensor in op.outputs}


class Watched(list):
    """Samples that count how often somebody walks through them."""

    walks = 0

    def __iter__(self):
        self.walks += 1
        return super().__iter__()


# --- All recipes -------------------------------------------------------------


@pytest.mark.parametrize(
    ("precision", "largest"),
    [
        *[("float32", 1e-6), ("float16", 1e-3), ("int8-weights", 0.02), ("dynamic", 0.02)],
        *[("int8", 0.05), ("int16x8", 0.02)],
    ],
)
def test_every_precision_computes_the_network(source, precision, largest):
    """Within what its rounding explains."""
    found = _mattes(PRECISIONS[precision].recipe(source))
    expected = _mattes(source.content)
    assert np.ptp(expected) > 0.3
    np.testing.assert_allclose(found, expected, atol=largest)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_recipes_give_the_same_bytes_again(content, precision):
    """From the same source and from another one like it."""
    sources = [Source(content, SAMPLES, phases=True) for _ in range(2)]
    recipe = PRECISIONS[precision].recipe
    assert recipe(sources[0]) == recipe(sources[0]) == recipe(sources[1])


def test_the_order_of_recipes_does_not_matter(content):
    """No recipe leaves traces in the source that another one sees."""
    forward, backward = (Source(content, SAMPLES, phases=True) for _ in range(2))
    names = list(PRECISIONS)
    one = {name: PRECISIONS[name].recipe(forward) for name in names}
    other = {name: PRECISIONS[name].recipe(backward) for name in reversed(names)}
    assert one == other


def test_each_quantizer_walks_through_the_samples_once(content):
    """Ours for int8 and TensorFlow's for int16x8, however often they are asked."""
    samples = Watched(SAMPLES)
    source = Source(content, samples, phases=True)
    for name in ("float32", "float16", "int8-weights", "dynamic"):
        PRECISIONS[name].recipe(source)
        assert samples.walks == 0
        assert not PRECISIONS[name].calibrated
    for name, walks in (("int8", 1), ("int16x8", 2), ("int8", 2), ("int16x8", 2)):
        PRECISIONS[name].recipe(source)
        assert samples.walks == walks
        assert PRECISIONS[name].calibrated


def test_calibrated_precisions_depend_on_the_samples(content):
    """Darker pictures give other ranges."""
    dark = Source(content, [sample / 4 for sample in SAMPLES], phases=True)
    source = Source(content, SAMPLES, phases=True)
    for name, precision in PRECISIONS.items():
        same = precision.recipe(dark) == precision.recipe(source)
        assert same != precision.calibrated, name


@pytest.mark.parametrize("phases", [False, True])
def test_a_pictures_bytes_are_the_input_whatever_the_samples_hold(content, phases):
    """With dark samples too, 0 is black and 255 is white: apps hand bytes over as they are."""
    dark = [sample / 4 for sample in SAMPLES]
    source = Source(content, dark, phases=phases, input_range=(0.0, 1.0))
    (source_of_pictures,) = Graph.from_bytes(quantization.int8(source)).inputs
    parameters = source_of_pictures.quantization
    assert parameters.scales[0] == pytest.approx(1 / 255) and parameters.zero_points == (0,)


def test_a_source_lends_a_graph_of_its_own_each_time(source):
    """What one caller does to it, no other sees."""
    source.graph().ops.clear()
    assert source.graph().ops


# --- float32 and float16 -----------------------------------------------------


def test_the_stock_graph_is_left_alone(content):
    """Without phases the operators are those of the converter; with them the resize goes."""
    kinds = [op.kind for op in Graph.from_bytes(content).ops]
    files = [quantization.float32(Source(content, (), phases=phases)) for phases in (False, True)]
    stock, deployed = ([op.kind for op in Graph.from_bytes(file).ops] for file in files)
    assert stock == kinds
    assert "RESIZE_BILINEAR" in stock
    assert "RESIZE_BILINEAR" not in deployed
    assert np.array_equal(_mattes(files[0]), _mattes(content))


def test_float16_stores_every_weight_in_half_the_bytes(source):
    """Filters and biases are float16 behind a DEQUANTIZE, and nothing else is touched."""
    before = source.graph()
    after = Graph.from_bytes(quantization.float16(source))
    producers = after.producers()
    weights = [tensor for tensor in before.constants() if tensor.dtype == "FLOAT32"]
    halves = []
    for op in after.ops:
        if op.kind in CONVOLUTIONS:
            for tensor in op.inputs[1:]:
                unpacking = producers[id(tensor)]
                assert unpacking.kind == "DEQUANTIZE"
                assert unpacking.input(0).dtype == "FLOAT16"
                halves.append(unpacking.input(0))
    assert len(halves) == len(weights) > 0
    assert 2 * sum(t.size_bytes for t in halves) == sum(t.size_bytes for t in weights)
    assert not [t.name for t in after.constants() if t.dtype == "FLOAT32"]
    rest = [op.kind for op in after.ops if op.kind != "DEQUANTIZE"]
    assert rest == [op.kind for op in before.ops]


def test_float16_unpacks_a_shared_filter_once():
    """Two convolutions with the same weights read the same DEQUANTIZE."""
    shared = layers.Conv2D(3, 1)
    source = Source(
        converted_network(lambda i: layers.Add()([shared(shared(i)), i]), SHAPE), (), phases=False
    )
    kinds = [op.kind for op in Graph.from_bytes(quantization.float16(source)).ops]
    assert kinds.count("CONV_2D") == kinds.count("DEQUANTIZE") == 2


def _with_weight(content, value):
    graph = Graph.from_bytes(content)
    tensor = next(op for op in graph.ops if op.kind == "CONV_2D").input(1)
    tensor.data = tensor.data.copy()
    tensor.data.flat[0] = value
    return graph.to_bytes()


@pytest.mark.parametrize("value", [1e6, -1e6, 65520, np.inf, np.nan])
def test_float16_refuses_weights_that_it_cannot_hold(content, value):
    """It names the weights, and the limit that they break."""
    source = Source(_with_weight(content, value), (), phases=False)
    with pytest.raises(ConversionError, match=r"float16 cannot hold the weights of .*65504"):
        quantization.float16(source)


def test_float16_holds_weights_up_to_its_limit(content):
    """The largest float16 is no error."""
    quantization.float16(Source(_with_weight(content, 65504), (), phases=False))


# --- int8-weights ------------------------------------------------------------


def test_int8_weights_are_unpacked_when_the_file_is_loaded(source):
    """XNNPACK takes it in one partition; larger filters are int8, depthwise ones stay in float."""
    content = quantization.int8_weights(source)
    before, after = source.graph(), Graph.from_bytes(content)
    packed = {id(op.output): op.input(0) for op in after.ops if op.kind == "DEQUANTIZE"}
    kinds = Counter()
    computing = [op for op in after.ops if op.kind != "DEQUANTIZE"]
    for one, other in zip(before.ops, computing, strict=True):
        assert one.kind == other.kind
        if one.kind not in CONVOLUTIONS:
            continue
        floats, stored = one.input(1), packed.get(id(other.input(1)), other.input(1))
        values = stored.quantization.real(stored.data) if stored.quantization else stored.data
        steps = np.abs(floats.data).max(axis=(1, 2, 3), keepdims=True) / 127
        assert np.all(np.abs(values - floats.data) <= 0.501 * steps)
        assert np.array_equal(other.input(2).data, one.input(2).data)
        kinds[one.kind, stored.dtype] += 1
    assert kinds["CONV_2D", "INT8"]
    assert {key for key in kinds if key[0] != "CONV_2D"} == {("DEPTHWISE_CONV_2D", "FLOAT32")}
    model = TFLiteModel(Path("weights"), content=content)
    assert [len(partition) for partition in model.partitions] == [len(after.ops)]


def test_rounded_weights_compute_what_int8_weights_do(source):
    """So half precision is tried on what the file computes."""
    graph = source.graph()
    storage.rounded_to_int8(graph)
    found = _mattes(quantization.int8_weights(source))
    np.testing.assert_allclose(found, _mattes(graph.to_bytes()), atol=1e-3)
    assert np.abs(found - _mattes(source.content)).max() > 1e-3


# --- dynamic -----------------------------------------------------------------


def test_dynamic_stores_large_filters_in_8_bits_per_channel(source):
    """Each is within half a step of its float filter; smaller ones stay as they are."""
    before, after = source.graph(), Graph.from_bytes(quantization.dynamic(source))
    stored = 0
    for one, other in zip(before.ops, after.ops, strict=True):
        assert one.kind == other.kind
        if one.kind not in CONVOLUTIONS:
            continue
        floats, filters = one.input(1), other.input(1)
        if one.kind == "CONV_2D" and floats.data.size >= DYNAMIC_MINIMUM:
            assert filters.dtype == "INT8"
            assert len(filters.quantization.scales) == filters.shape[0]
            assert filters.data.min() >= -127  # −128 has no counterpart.
            steps = np.reshape(filters.quantization.scales, (-1, 1, 1, 1))
            gap = np.abs(filters.quantization.real(filters.data) - floats.data)
            assert np.all(gap <= 0.501 * steps)
            stored += 1
        else:
            assert np.array_equal(filters.data, floats.data)
        assert np.array_equal(other.input(2).data, one.input(2).data)
    assert stored == 1
    assert _dtypes(after) == {"FLOAT32"}


@pytest.mark.parametrize(
    ("channels", "dtype"), [(DYNAMIC_MINIMUM // 32, "INT8"), (DYNAMIC_MINIMUM // 32 - 1, "FLOAT32")]
)
def test_dynamic_has_a_least_size(channels, dtype):
    """A filter of exactly that many weights is stored in 8 bits, a smaller one is not."""
    content = converted_network(
        lambda i: layers.Conv2D(channels, 1)(layers.Concatenate()([i] * 10 + [i[..., :2]]))
    )
    graph = Graph.from_bytes(quantization.dynamic(Source(content, (), phases=False)))
    assert graph.ops[-1].input(1).dtype == dtype


def test_dynamic_leaves_large_depthwise_filters_in_float():
    """Delegates do not take depthwise convolutions with 8-bit filters."""
    content = converted_network(
        lambda i: layers.DepthwiseConv2D(7, depth_multiplier=8, padding="same")(i), SHAPE
    )
    graph = Graph.from_bytes(quantization.dynamic(Source(content, (), phases=False)))
    (op,) = (op for op in graph.ops if op.kind == "DEPTHWISE_CONV_2D")
    assert op.input(1).data.size >= DYNAMIC_MINIMUM
    assert op.input(1).dtype == "FLOAT32"


def test_dynamic_copes_with_a_dead_filter():
    """A filter of zeros has no range to speak of."""
    content = converted_network(_matting, SHAPE)
    graph = Graph.from_bytes(content)
    (op,) = (op for op in graph.ops if op.kind == "CONV_2D" and op.output.shape[3] == 16)
    op.input(1).data = op.input(1).data.copy()
    op.input(1).data[3] = 0
    content = graph.to_bytes()
    found = _mattes(quantization.dynamic(Source(content, (), phases=False)))
    np.testing.assert_allclose(found, _mattes(content), atol=0.02)


# --- int8 --------------------------------------------------------------------


def test_int8_works_on_integers_from_end_to_end(source):
    """With uint8 ends there is no float tensor in the file."""
    graph = Graph.from_bytes(quantization.int8(source))
    assert graph.inputs[0].dtype == graph.outputs[0].dtype == "UINT8"
    assert _dtypes(graph) == {"INT8", "UINT8"}
    assert not [t.name for t in graph.constants() if t.dtype.startswith("FLOAT")]
    for op in graph.ops:
        if op.kind in CONVOLUTIONS:
            channels = op.output.shape[3]
            assert op.input(1).dtype == "INT8"
            assert len(op.input(1).quantization.scales) == channels


def test_int8_may_have_float_ends(source):
    """Then only the ends are float, and the mattes are those of the other file."""
    content = quantization.int8(dataclasses.replace(source, io="float32"))
    graph = Graph.from_bytes(content)
    assert graph.inputs[0].dtype == graph.outputs[0].dtype == "FLOAT32"
    inner = [op for op in graph.ops if op.kind not in ("QUANTIZE", "DEQUANTIZE")]
    assert {op.output.dtype for op in inner} == {"INT8"}
    assert (graph.ops[0].kind, graph.ops[-1].kind) == ("QUANTIZE", "DEQUANTIZE")
    np.testing.assert_allclose(_mattes(content), _mattes(quantization.int8(source)), atol=1 / 255)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_int8_leaves_exactly_the_named_layers_in_float(source, count):
    """Any of them, alone or together, and what only passes values on from one to another."""
    names = [op.name for op in source.graph().ops if op.kind in CONVOLUTIONS]
    for start in range(len(names) - count + 1):
        chosen = names[start : start + count]
        content = quantization.int8(source, chosen)
        graph = Graph.from_bytes(content)
        floats = [op for op in graph.ops if op.output.dtype == "FLOAT32"]
        changes = ("QUANTIZE", "DEQUANTIZE")
        layers_in_float = [op for op in floats if op.kind in CONVOLUTIONS]
        for op in floats:
            if op not in layers_in_float and op.kind != "DEQUANTIZE":
                assert RULES[op.kind].range != OWN
                read = [it for it in op.inputs if it and it.data is None]
                beside = [graph.producers()[id(it)] for it in read]
                beside += [it for output in op.outputs for it in graph.readers_of(output)]
                assert beside and not {it.kind for it in beside} & set(changes)
        assert [op.kind for op in layers_in_float] == [
            op.kind for op in source.graph().ops if op.name in chosen
        ]
        for op in layers_in_float:
            original = next(o for o in source.graph().ops if o.output.shape == op.output.shape)
            assert op.input(1).dtype == original.input(1).dtype == "FLOAT32"
        assert graph.inputs[0].dtype == graph.outputs[0].dtype == "UINT8"


def test_layers_in_float_bring_int8_nearer(content):
    """With every convolution in float, the error is a fraction."""
    source = Source(content, SAMPLES, phases=True, io="float32")
    expected = _mattes(content)
    whole = np.abs(_mattes(quantization.int8(source)) - expected).mean()
    every = [op.name for op in source.graph().ops]
    floats = np.abs(_mattes(quantization.int8(source, every)) - expected).mean()
    assert floats < whole / 10


def test_an_unknown_layer_changes_nothing(content):
    """A name that no layer has leaves none in float."""
    source = Source(content, SAMPLES, phases=False)
    assert quantization.int8(source) == quantization.int8(source, ["nobody"])


# --- int16x8 -----------------------------------------------------------------


def test_int16x8_has_16_bit_activations_and_float_ends(source):
    """Filters are 8 bits per channel, biases 64."""
    graph = Graph.from_bytes(quantization.int16x8(source))
    assert graph.inputs[0].dtype == graph.outputs[0].dtype == "FLOAT32"
    assert (graph.ops[0].kind, graph.ops[-1].kind) == ("QUANTIZE", "DEQUANTIZE")
    assert {op.output.dtype for op in graph.ops[:-1]} == {"INT16"}
    for op in graph.ops:
        if op.kind in CONVOLUTIONS:
            assert [tensor.dtype for tensor in op.inputs[1:]] == ["INT8", "INT64"]


def test_int16x8_keeps_the_resize(content):
    """Its kernels lack the operators that phases are made of."""
    graph = Graph.from_bytes(quantization.int16x8(Source(content, SAMPLES, phases=True)))
    assert "RESIZE_BILINEAR" in [op.kind for op in graph.ops]


def test_int16x8_is_nearer_than_int8(content):
    """Its activations have 256 times the steps."""
    source = Source(content, SAMPLES, phases=True)
    expected = _mattes(content)
    errors = [
        np.abs(_mattes(PRECISIONS[name].recipe(source)) - expected).mean()
        for name in ("int16x8", "int8")
    ]
    assert errors[0] < errors[1]
