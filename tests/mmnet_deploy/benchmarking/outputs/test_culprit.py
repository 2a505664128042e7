"""The search for a faulty layer, on a device that computes for real, with a fault."""

import numpy as np
import pytest
import tensorflow as tf

from android_benchmark import Settings, errors
from mmnet_deploy.benchmarking.outputs import culprit
from mmnet_deploy.benchmarking.outputs.comparison import NOISE, WAVES
from mmnet_deploy.benchmarking.outputs.layers import Layers
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import TFLiteModel
from tests.support import fault_engine, networks
from tests.support.fault_engine import FaultyDevice

GPU = Settings(delegate="gpu")


def _search(path, device, *, delegate="xnnpack", computes_in="float32", input_name=NOISE):
    return culprit.Search(
        path,
        device,
        GPU,
        delegate=delegate,
        computes_in=computes_in,
        input_name=input_name,
    ).find()


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A file with two branches that are enlarged and joined, and layers after them."""

    def build(image):
        x = networks.joined(image)
        return networks.conv(1, 3, activation="sigmoid", name="matte")(x)

    path = tmp_path_factory.mktemp("culprit") / "network.tflite"
    path.write_bytes(networks.converted_network(build, (16, 16, 3)))
    return path


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("computes_in", ["", "own"])
def test_resizes_with_other_pixel_centres_are_found(tiny_models, precision, computes_in):
    """In floating point and in integers; what each of them reads is right."""
    path = tiny_models[precision]
    graph = Graph.from_bytes(path.read_bytes())
    first = next(n for n, op in enumerate(graph.ops) if op.kind == "RESIZE_BILINEAR")
    device = FaultyDevice(fault_engine.other_pixel_centres)
    found = _search(path, device, computes_in=precision if computes_in else "", input_name=WAVES)
    assert found.layer.number == first and found.layer.kind == "RESIZE_BILINEAR"
    assert not found.difference.agrees
    assert found.inputs and all(layer.number < first for layer in found.inputs)
    assert found.runs == device.runs <= len(graph.ops)


def test_rounding_of_one_layer_is_found_where_float32_is_asked_for(network):
    """It is beyond float32, and within what float16 is allowed."""
    fault = fault_engine.half_weights("matte")
    found = _search(network, FaultyDevice(fault))
    assert found.layer.kind == "CONV_2D" and "matte" in found.layer.name
    assert found.difference.largest < 1e-2
    assert _search(network, FaultyDevice(fault), computes_in="float16").layer is None


def test_nothing_is_found_where_nothing_is_wrong(network):
    """With one run, of the whole network."""
    device = FaultyDevice()
    found = _search(network, device)
    assert (found.layer, found.conclusive, device.runs) == (None, True, 1)


def test_a_layer_that_crashes_the_engine_is_found(network):
    """By timed runs, since nothing is handed out then."""
    device = FaultyDevice(fault_engine.crash_on("RESIZE_BILINEAR"))
    found = _search(network, device, input_name=None)
    assert found.layer.kind == "RESIZE_BILINEAR"
    assert found.difference is None and "crashed" in found.failure
    device = FaultyDevice(fault_engine.crash_on("RESIZE_BILINEAR"), errors.EngineFileError)
    with pytest.raises(errors.EngineFileError):  # no layer is to blame for such a program
        _search(network, device, input_name=None)


def _hidden(path, operation):
    """A convolution, something computed of it, and a layer that reads both."""
    kernel = tf.constant(np.random.default_rng(3).normal(size=(3, 3, 3, 4)), tf.float32)

    def function(image):
        first = tf.nn.conv2d(image, kernel, 1, "SAME", name="first")
        return operation(first)

    path.write_bytes(networks.converted(function, (1, 8, 8, 3)))
    return path


def test_an_error_that_vanishes_on_one_way_misleads_nobody(tmp_path):
    """The layer between is right, and the one before it is still found."""
    path = _hidden(tmp_path / "a.tflite", lambda x: tf.minimum(x, -1000.0) + x)
    fault = fault_engine.weight_changed("", lambda weights: weights * 2)
    found = _search(path, FaultyDevice(_only("CONV_2D", fault)))
    assert (found.layer.number, found.layer.kind, found.inputs) == (0, "CONV_2D", ())


def test_a_constant_output_is_not_taken_for_a_right_one(tmp_path):
    """The layers before it count, and show the fault that it hides."""
    path = _hidden(tmp_path / "a.tflite", lambda x: tf.minimum(x, -1000.0))
    fault = _only("CONV_2D", fault_engine.weight_changed("", lambda weights: weights * 2))
    found = _search(path, FaultyDevice(fault))
    assert found.layer.kind == "CONV_2D"
    found = _search(path, FaultyDevice())
    assert (found.layer, found.conclusive) == (None, True)


def _only(kind, fault):
    def limited(graph):
        ops = graph.ops
        graph.ops = [op for op in ops if op.kind == kind]
        fault(graph)
        graph.ops = ops

    return limited


def test_what_cannot_be_searched_is_said(network, tmp_path, monkeypatch):
    """A device that hands out nothing, a file with branches, one that does not load."""

    class Mute(FaultyDevice):
        compute = None

    with pytest.raises(culprit.NoSearchError, match="Faulty One hands out no outputs"):
        _search(network, Mute())
    (tmp_path / "cut.tflite").write_bytes(network.read_bytes()[:600])
    with pytest.raises(culprit.NoSearchError, match="this computer cannot run it: "):
        _search(tmp_path / "cut.tflite", FaultyDevice())

    def branching(image):
        return tf.cond(tf.reduce_sum(image) > 0, lambda: image * 2, lambda: image)

    path = tmp_path / "branching.tflite"
    path.write_bytes(networks.converted(branching, (1, 4, 4, 3)))
    with pytest.raises(culprit.NoSearchError, match=r"loops or branches \(3 subgraphs\)"):
        _search(path, FaultyDevice())


def test_a_layer_with_several_outputs_is_cut_after_each(tmp_path):
    """A fault in one of them is a fault of the layer, and none hides another."""

    def halves(image):
        left, right = tf.split(image * 3.0, 2, axis=2)
        return left * 2.0 + right

    path = tmp_path / "split.tflite"
    path.write_bytes(networks.converted(halves, (1, 8, 8, 3)))

    def swap(graph):
        for op in graph.ops:
            if op.kind == "SPLIT":
                op.outputs = op.outputs[::-1]

    found = _search(path, FaultyDevice(swap))
    assert found.layer.kind == "SPLIT"
    assert len(Layers(Graph.from_bytes(path.read_bytes())).cuts(found.layer.number)) == 2


def test_a_cut_file_has_the_layer_as_its_output(network):
    """It takes the same inputs, and names both ends so that they can be those of files."""
    graph = Graph.from_bytes(network.read_bytes())
    before = graph.to_bytes()
    for op in graph.ops:
        content = graph.cut(op.outputs)
        cut = Graph.from_bytes(content)
        assert [tensor.name for tensor in cut.outputs] == [op.name]
        assert [list(names.values()) for names in cut.names()] == [["input_0"], ["output_0"]]
        model = TFLiteModel(network, content=content)
        model.fill_inputs()
        model.invoke()
        assert model.raw_outputs()[0][0]["shape"].tolist() == list(op.output.shape)
    assert graph.to_bytes() == before
