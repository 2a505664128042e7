"""The passes in order, until none finds anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from mmnet_deploy.conversion.passes.alpha import alpha_only
from mmnet_deploy.conversion.passes.naming import make_names_unique, name_layers
from mmnet_deploy.conversion.passes.pointwise import (
    collapse_pointwise,
    merge_siblings,
    pointwise_before_resize,
    split_concatenation,
)
from mmnet_deploy.tflite.graph import Graph

PASSES: tuple[Callable[[Graph], int], ...] = (
    collapse_pointwise,
    pointwise_before_resize,
    merge_siblings,
    split_concatenation,
)
"""The passes between `alpha_only` and `resize_by_phases`, in order."""


def deploy(graph: Graph, alpha_channel: int) -> Mapping[str, int]:
    """Rewrite a float32 graph for inference; its output becomes alpha alone.

    `resize_by_phases` is left to the caller: kernels of 16-bit activations lack its
    operators.

    Returns:
        How many places each pass rewrote, by its name.
    """
    name_layers(graph)
    done = Counter(alpha_only=alpha_only(graph, alpha_channel))
    # One pass makes places for another.
    changed = True
    while changed:
        found = {rewrite.__name__: rewrite(graph) for rewrite in PASSES}
        done.update(found)
        changed = any(found.values())
    graph.remove_unused()
    make_names_unique(graph)
    return done
