"""The loop that all passes share."""

from __future__ import annotations

import functools
from collections.abc import Callable

from mmnet_deploy.tflite.graph import Graph


def everywhere(rewrite_one: Callable[[Graph], bool]) -> Callable[[Graph], int]:
    """Make a pass of a function that rewrites one place of a graph.

    Args:
        rewrite_one: Finds the first place, rewrites it and returns True; returns False,
            with the graph unchanged, where there is none.

    Returns:
        The pass, of the same name: rewrites until no place is left and returns how many
        there were.
    """

    @functools.wraps(rewrite_one)
    def rewrite_all(graph: Graph) -> int:
        places = 0
        while rewrite_one(graph):
            places += 1
        return places

    return rewrite_all
