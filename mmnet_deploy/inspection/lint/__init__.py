"""What makes a `.tflite` file slower on a phone than its network has to be.

Every rule is a function from a model to at most one finding; `RULES` lists them in the
order of a report. A finding is worth a look and not always a fault: a layer may be in
float on purpose.
"""

from __future__ import annotations

from collections.abc import Callable

from mmnet_deploy.inspection.lint.finding import Finding, Model, Partitions, left_out
from mmnet_deploy.inspection.lint.layout import (
    dynamic_batch,
    dynamic_shape,
    resize_flags,
    transpose,
)
from mmnet_deploy.inspection.lint.leftovers import batch_norm, flex, space_to_batch, variables
from mmnet_deploy.inspection.lint.precision import delegation, float_islands, half_precision
from mmnet_deploy.tflite.graph import Graph

__all__ = ["RULES", "Finding", "Partitions", "left_out", "lint"]

RULES: tuple[Callable[[Model], Finding | None], ...] = (
    space_to_batch,
    batch_norm,
    variables,
    flex,
    dynamic_batch,
    dynamic_shape,
    transpose,
    resize_flags,
    float_islands,
    half_precision,
    delegation,
)
"""Every rule, in the order of a report."""


def lint(
    graph: Graph,
    partitions: Partitions | None,
    reduced_precision: str = "",
    *,
    meant: bool = False,
) -> list[Finding]:
    """Everything in a model that costs more than it has to.

    Args:
        partitions: Operators that the default delegate takes, as in `TFLiteModel.partitions`;
            None if the installed runtime cannot load the file.
        reduced_precision: What the file's entry of `tflite.half_precision` says.
        meant: Whether the file's description says that it has no such entry on purpose.
    """
    model = Model(graph, partitions, reduced_precision, meant=meant)
    return [finding for rule in RULES if (finding := rule(model)) is not None]
