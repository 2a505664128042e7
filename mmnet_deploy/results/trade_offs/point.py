"""A point of the trade-off chart, and the Pareto front of many."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.records import Evaluation
from mmnet_deploy.tflite.card import ModelFile

OTHER_FAMILY = "other models"


@dataclasses.dataclass(frozen=True)
class TradeOff:
    """One point of the trade-off chart.

    Attributes:
        family: Title of the network family, or "other models".
        label: What stands beside the point.
        latency_ms: What `statistic` names, and the ends of its 95 % confidence interval.
        error: What `metric` says: a plain number, not ×10⁻³; lower is better.
        parameters: Number of weights, if known.
        device: What the latency was measured on, with the settings that all points of that
            device share; no other device has that name.
        valid: Whether the benchmark kept its rules, and the model beats a constant matte.
        statistic: A name in `latency.STATISTICS`.
        emulated: Whether the device is no real phone, so that its times mean nothing.
        metric: Name of what `error` is.
        source: `measured` here, `estimated` from a count of instructions, or `published` by
            others on their data, engine and phone.
    """

    family: str
    label: str
    latency_ms: float
    latency_low_ms: float
    latency_high_ms: float
    error: float
    parameters: int | None
    device: str
    valid: bool = True
    statistic: str = "median"
    emulated: bool = False
    metric: str = "gradient_error"
    source: str = "measured"


def error_of(evaluation: Evaluation, metric: str) -> float:
    """A score as an error, lower is better: the mean IoU becomes its complement.

    Raises:
        ResultError: The evaluation lacks the metric.
    """
    scores = evaluation.scores
    if metric not in scores:
        raise ResultError(
            f"The evaluation of {evaluation.model.name} has no {metric}, only {', '.join(scores)}."
        )
    return 1 - scores[metric] if metric == "mean_iou" else scores[metric]


def family_of(model: ModelFile) -> str:
    """Title of the network family of a model; `OTHER_FAMILY` for one without a card."""
    return model.card.title if model.card else OTHER_FAMILY


def parameters_of(model: ModelFile) -> int | None:
    """Number of weights; None where it is not known."""
    return (model.card.parameters or None) if model.card else None


# --- The Pareto front ---------------------------------------------------------


def _may_stand(point: TradeOff) -> bool:
    """Whether `point` may be on the front at all.

    A latency that broke the rules of its benchmark is no evidence, so it can neither be
    on the front nor push another point off it. NaN compares false with everything and
    would never be dominated, hence the test for numbers.
    """
    return point.valid and math.isfinite(point.latency_ms) and math.isfinite(point.error)


def dominates(one: TradeOff, other: TradeOff) -> bool:
    """Whether `one` is at least as good as `other` in both measures and better in one."""
    no_worse = one.latency_ms <= other.latency_ms and one.error <= other.error
    better = one.latency_ms < other.latency_ms or one.error < other.error
    return no_worse and better


def front(points: Sequence[TradeOff]) -> list[TradeOff]:
    """The valid points that no other valid point dominates, from fast to slow.

    Lower latency and lower error are better. Points that are equal in both
    measures do not dominate each other: they stay or go together.
    """
    candidates = sorted(
        filter(_may_stand, points),
        key=lambda point: (point.latency_ms, point.error, point.family, point.label),
    )
    kept: list[TradeOff] = []
    for point in candidates:
        # Sorted by latency, so the last point kept is the most exact one so far, and it
        # alone has to be asked.
        if not kept or not dominates(kept[-1], point):
            kept.append(point)
    return kept
