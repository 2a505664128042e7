"""A point of the trade-off chart."""

from __future__ import annotations

import dataclasses

from mmnet_deploy.downloads import published
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
        latency_ms: What `statistic` names, and the ends of its 95 % confidence interval, which may
            be infinite.
        error: What `metric` says: a plain number, not ×10⁻³; lower is better.
        parameters: Number of weights, if known.
        device: What the latency was measured on, with the settings that all points of that
            device share; no other device has that name.
        valid: Whether the benchmark kept its rules, and the model beats a constant matte.
        statistic: A name in `latency.STATISTICS`.
        emulated: Whether the device is no real phone, so that its times mean nothing.
        metric: Name of what `error` is.
        evaluation: What `error` is the mean of, picture by picture; None where that is not known.
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
    evaluation: Evaluation | None = dataclasses.field(default=None, compare=False, repr=False)


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
    return _as_error(metric, scores[metric])


def _as_error(metric: str, score: float) -> float:
    return 1 - score if metric == "mean_iou" else score


def constant_error(point: TradeOff) -> float | None:
    """The error of a matte of one value on the same pictures; None where that is not known."""
    if point.evaluation is None:
        return None
    score = point.evaluation.constant_scores.get(point.metric)
    return None if score is None else _as_error(point.metric, score)


def errors_of(point: TradeOff) -> dict[str, float]:
    """The errors that `point.error` is the mean of, by the names of pictures, in their order."""
    if point.evaluation is None:
        return {}
    scores = {picture.name: picture.scores for picture in point.evaluation.pictures}
    return {
        name: _as_error(point.metric, scores[name][point.metric])
        for name in sorted(scores)
        if point.metric in scores[name]
    }


def family_of(model: ModelFile) -> str:
    """Title of the network family of a model; `OTHER_FAMILY` where it is not known."""
    if model.card:
        return model.card.title
    known = published.by_sha256(model.sha256)
    return known.title if known else OTHER_FAMILY


def parameters_of(model: ModelFile) -> int | None:
    """Number of weights; None where it is not known."""
    return (model.card or model).parameters or None
