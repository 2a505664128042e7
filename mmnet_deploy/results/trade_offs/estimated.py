"""Points whose latency is estimated from a count of instructions."""

from __future__ import annotations

from collections.abc import Sequence

from mmnet_deploy.results import naming
from mmnet_deploy.results.estimate import LatencyProfile, NoEstimateError, estimate
from mmnet_deploy.results.grouping import grouped, newest_by_model
from mmnet_deploy.results.records import Cost, Evaluation, Record
from mmnet_deploy.results.trade_offs.point import TradeOff, error_of, family_of, parameters_of


def estimates(
    records: Sequence[Record], profile: LatencyProfile, metric: str = "gradient_error"
) -> tuple[list[TradeOff], list[str]]:
    """Latencies that counts of instructions stand for, as points of a device of their own.

    Args:
        records: Counts and evaluations, matched by the model file's hash; of several the
            newest, of counts the newest that the profile knows the conditions of.
        profile: What a count means.
        metric: See `Joined.trade_offs`.

    Returns:
        The points, and why counted models have none, one line each.

    Raises:
        ResultError: An evaluation lacks the metric.
    """
    counted = sorted((r for r in records if isinstance(r, Cost)), key=lambda c: c.created_at)
    costs = grouped(reversed(counted), lambda cost: cost.model.sha256)
    qualities = newest_by_model(r for r in records if isinstance(r, Evaluation))
    shown = []
    unknown: dict[str, list[str]] = {}
    for sha256, of_file in costs.items():
        reasons = []
        for cost in of_file:
            try:
                found = estimate(cost, profile)
            except NoEstimateError as error:
                reasons.append(str(error))
                continue
            if sha256 in qualities:
                shown.append((cost, found, qualities[sha256]))
            break
        else:
            unknown.setdefault(reasons[0], []).append(of_file[0].model.name)
    labels = naming.model_labels([cost.model for cost, _, _ in shown])
    share = 100 * (profile.interval_factor - 1)
    device = f"estimated from arm64 instructions: {profile.name}, ±{share:.0f} %"
    points = [
        TradeOff(
            family=family_of(cost.model),
            label=label,
            latency_ms=found.latency_ms,
            latency_low_ms=found.low_ms,
            latency_high_ms=found.high_ms,
            error=error_of(evaluation, metric),
            parameters=parameters_of(cost.model),
            device=device,
            valid=not evaluation.beaten_by_constant,
            metric=metric,
            source="estimated",
            evaluation=evaluation,
        )
        for (cost, found, evaluation), label in zip(shown, labels, strict=True)
    ]
    return points, [
        f"No estimated latency of {naming.some(names)}: {why}." for why, names in unknown.items()
    ]
