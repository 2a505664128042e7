"""The passes in order, until none finds anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from mmnet_deploy.conversion.passes.activations import fuse_activations
from mmnet_deploy.conversion.passes.alpha import alpha_only
from mmnet_deploy.conversion.passes.naming import make_names_unique, name_layers
from mmnet_deploy.conversion.passes.phases import resize_by_phases
from mmnet_deploy.conversion.passes.pointwise import (
    collapse_pointwise,
    merge_siblings,
    pointwise_before_resize,
    split_concatenation,
)
from mmnet_deploy.conversion.passes.transposed import transposed_by_phases
from mmnet_deploy.tflite.graph import Graph

PASSES: tuple[Callable[[Graph], int], ...] = (
    collapse_pointwise,
    pointwise_before_resize,
    merge_siblings,
    split_concatenation,
)
"""The passes between `alpha_only` and those of `enlarge_by_phases`, in order."""

PHASES: tuple[Callable[[Graph], int], ...] = (resize_by_phases, transposed_by_phases)
"""The passes that end in DEPTH_TO_SPACE: for all precisions but int16x8, whose kernels lack it."""


def deploy(graph: Graph, alpha_channel: int) -> Mapping[str, int]:
    """Rewrite a float32 graph for inference; its output becomes alpha alone.

    `enlarge_by_phases` is left to the caller, since it depends on the precision.

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


FOR_INTEGERS: tuple[Callable[[Graph], int], ...] = (fuse_activations,)
"""The passes for int8, after all others."""


def suit_integers(graph: Graph) -> None:
    """Run `FOR_INTEGERS` on a float32 graph, before it is calibrated."""
    for rewrite in FOR_INTEGERS:
        rewrite(graph)


def enlarge_by_phases(graph: Graph) -> None:
    """Run `PHASES` on a graph, which may have been calibrated."""
    for rewrite in PHASES:
        rewrite(graph)
