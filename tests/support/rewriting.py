"""What tests of the deployment passes share: a rewritten graph that computes the same."""

import numpy as np

from mmnet_deploy.tflite.graph import Graph
from tests.support.networks import output_of

TOLERANCE = 1e-5
"""Largest |Δ| that the order of float32 roundings may cause."""


def kinds(graph):
    """The kinds of a graph's operators, in order."""
    return [op.kind for op in graph.ops]


def rewritten(content, rewrite, times):
    """The graph after a pass that must rewrite `times` places and change no value."""
    graph = Graph.from_bytes(content)
    before = kinds(graph)
    assert rewrite(graph) == times
    after = graph.to_bytes()
    assert (kinds(graph) == before) == (times == 0)
    check_same(after, content)
    return Graph.from_bytes(after)


def check_same(content, before, channels=slice(None)):
    """A file computes what the one before did, of which `channels` count, on two pictures."""
    for seed in range(2):
        found, expected = output_of(content, seed), output_of(before, seed)[..., channels]
        np.testing.assert_allclose(found, expected, atol=TOLERANCE, rtol=0)
