"""Alpha as the only output, from whatever output there was."""

import pytest
from keras import layers

from mmnet_deploy.conversion import passes
from mmnet_deploy.tflite.graph import Graph
from tests.support.networks import conv, converted_network
from tests.support.rewriting import check_same, kinds, rewritten


@pytest.mark.parametrize("channel", [0, 1])
def test_alpha_of_two_classes_is_a_sigmoid(channel):
    """The channel's softmax becomes the sigmoid of the difference of logits."""
    content = converted_network(lambda i: layers.Softmax()(conv(2)(i)))
    graph = Graph.from_bytes(content)
    assert passes.alpha_only(graph, channel) == 1
    assert kinds(graph) == ["CONV_2D", "CONV_2D", "LOGISTIC"]
    assert graph.outputs[0].shape == (1, 8, 8, 1)
    check_same(graph.to_bytes(), content, slice(channel, channel + 1))


def test_the_temperature_of_a_softmax_is_kept():
    """The factor of the logits scales their difference too."""
    graph = Graph.from_bytes(converted_network(lambda i: layers.Softmax()(conv(2)(i))))
    graph.ops[-1].options.beta = 0.25
    content = graph.to_bytes()
    assert passes.alpha_only(graph, 1) == 1
    check_same(graph.to_bytes(), content, slice(1, None))


def test_huge_logits_are_no_danger():
    """Where an exponential would overflow, alpha is 0 or 1."""
    content = converted_network(lambda i: layers.Softmax()(layers.Rescaling(1e4)(conv(2)(i))))
    graph = Graph.from_bytes(content)
    passes.alpha_only(graph, 1)
    check_same(graph.to_bytes(), content, slice(1, None))


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("end", ["sigmoid", "softmax"])
def test_alpha_of_three_channels_is_cut_out(end, channel):
    """Of any other output the channel is a SLICE."""
    content = converted_network(lambda i: layers.Activation(end)(conv(3)(i)))
    graph = Graph.from_bytes(content)
    assert passes.alpha_only(graph, channel) == 1
    assert kinds(graph)[-1] == "SLICE"
    check_same(graph.to_bytes(), content, slice(channel, channel + 1))


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda i: layers.Activation("sigmoid")(conv(1)(i)), id="one channel"),
        pytest.param(lambda i: [conv(2)(i), conv(2)(i)], id="two outputs"),
        pytest.param(lambda i: layers.Flatten()(i), id="no picture"),
    ],
)
def test_other_outputs_stay_as_they_are(build):
    """One channel is alpha already; of two outputs nobody says which is."""
    rewritten(converted_network(build), lambda graph: passes.alpha_only(graph, 0), 0)
