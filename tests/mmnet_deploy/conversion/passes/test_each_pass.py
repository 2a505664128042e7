"""Every pass by itself: a graph in which it applies computes the same values afterwards."""

import functools

import pytest
from keras import layers

from mmnet_deploy.conversion import passes
from mmnet_deploy.tflite.graph import Graph
from tests.support.networks import conv, converted_network, joined, siblings, small, start, up
from tests.support.rewriting import check_same

ALPHA_CHANNEL = 1
EVERY_PASS = {
    "alpha_only": functools.partial(passes.alpha_only, alpha_channel=ALPHA_CHANNEL),
    **{rewrite.__name__: rewrite for rewrite in passes.PASSES},
    "resize_by_phases": passes.resize_by_phases,
}


def _matte(x):
    return layers.Softmax()(conv(2)(x))


APPLIES = {
    "alpha_only": lambda i: _matte(start(i)),
    "collapse_pointwise": lambda i: _matte(conv(8)(i)),
    "pointwise_before_resize": lambda i: _matte(up()(small(i))),
    "merge_siblings": lambda i: _matte(siblings(joined(i), 4, 4)),
    "split_concatenation": lambda i: _matte(conv(4, activation="relu")(joined(i))),
    "resize_by_phases": lambda i: layers.Activation("sigmoid")(up()(conv(1)(small(i)))),
}
"""For each pass, a matting network in which it finds something."""


@pytest.mark.parametrize("name", EVERY_PASS)
def test_a_pass_changes_the_graph_and_no_value(name):
    """Alone, in float32: alpha differs by at most 1e-5 from that of the graph before."""
    content = converted_network(APPLIES[name])
    graph = Graph.from_bytes(content)
    assert EVERY_PASS[name](graph) == 1
    after = graph.to_bytes()
    assert after != Graph.from_bytes(content).to_bytes()
    # Of the two classes that the graph before gives, alpha is the last.
    check_same(after, content, slice(-1, None) if name == "alpha_only" else slice(None))


@pytest.mark.parametrize("name", EVERY_PASS)
def test_a_pass_that_finds_nothing_leaves_the_graph_as_it_was(name):
    """Done a second time, a pass finds nothing, and the file is the same byte for byte."""
    graph = Graph.from_bytes(converted_network(APPLIES[name]))
    EVERY_PASS[name](graph)
    before = graph.to_bytes()
    assert EVERY_PASS[name](graph) == 0
    assert graph.to_bytes() == before
