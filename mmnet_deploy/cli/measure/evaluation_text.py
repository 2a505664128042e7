"""Evaluations as tables on the terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmnet_deploy.api.evaluation_task import where
from mmnet_deploy.cli.console import Cell, print_table, say, show
from mmnet_deploy.results import naming

if TYPE_CHECKING:
    from mmnet_deploy.evaluation.significance import Interval, PairedComparison
    from mmnet_deploy.mattes.metric import Metric
    from mmnet_deploy.results.records import Evaluation

WIDTH_PER_METRIC = 17
"""Columns of the terminal that a mean with its interval takes."""

CONSTANT = "a matte of one value"


def _heading(metric: Metric) -> tuple[str, ...]:
    """Title and unit on two lines, as narrow as they can be."""
    words = metric.title.rsplit(" ", 1)
    return *words[:-1], f"{words[-1]} ({metric.unit})" if metric.unit else words[-1]


def _ends(metric: Metric, interval: Interval | None, between: str = "…") -> str:
    if interval is None:
        return "–"
    return f"{metric.shown(interval.low)}{between}{metric.shown(interval.high)}"


def _interval(result: Evaluation, metric: Metric) -> Interval | None:
    from mmnet_deploy.evaluation.significance import score_interval

    return score_interval(metric.name, result.values(metric.name))


def print_scores(results: Sequence[Evaluation], wanted: Sequence[Metric] = ()) -> None:
    """Two lines per model: the means in the metrics' units, and their intervals below.

    Below them, the scores of a matte of one value, the same for all models.

    Args:
        wanted: The metrics to show; the default ones if there are none.
    """
    from mmnet_deploy.evaluation.significance import CONFIDENCE
    from mmnet_deploy.mattes import metrics

    wanted = wanted or metrics.named()
    needed = max(len(result.model.name) for result in results) + WIDTH_PER_METRIC * len(wanted)
    narrow = sys.stdout.isatty() and shutil.get_terminal_size().columns < needed
    between = "…\n" if narrow else "…"
    rows: list[tuple[Cell, ...]] = []
    names = naming.distinct([result.model for result in results])
    for name, result in zip(names, results, strict=True):
        cells = [
            (
                metric.shown(result.scores[metric.name]),
                *_ends(metric, _interval(result, metric), between).split("\n"),
            )
            for metric in wanted
        ]
        rows.append((name, *cells))
    known = results[0].constant_scores
    rows.append((CONSTANT, *(metric.shown(known[metric.name]) for metric in wanted)))
    print_table(("model", *map(_heading, wanted)), rows, title=where(results[0]))
    if any(metric.name == "gradient_error" for metric in wanted):
        for name, result in zip(names, results, strict=True):
            show(
                f"{name} is better than {CONSTANT} on {result.better_than_constant} of "
                f"{len(result.pictures)} pictures, by gradient error."
            )
    say(f"Below each mean: its {100 * CONFIDENCE:.0f} % interval over the pictures.")
    for result in results:
        if result.note:
            say(result.note)


def print_comparison(
    first: Evaluation,
    second: Evaluation,
    found: dict[str, PairedComparison],
    wanted: Sequence[Metric],
) -> None:
    """One row per metric: by how much the second model differs from the first, and how surely."""
    show()
    rows = []
    names = naming.distinct([first.model, second.model])
    for metric in wanted:
        comparison = found[metric.name]
        base = first.scores[metric.name]
        share = f"{100 * comparison.difference / base:+.2f} %" if base else "–"
        rows.append(
            (
                metric.heading,
                metric.shown(base),
                metric.shown(second.scores[metric.name]),
                _signed(metric, comparison.difference),
                share,
                _ends(metric, comparison.interval),
                _p_value(comparison.p_value),
                _verdict(metric, second.scores[metric.name], base, comparison.interval),
            )
        )
    print_table(
        ("metric", "first", "second", "difference", "", "95 % interval", "p", "second is"),
        rows,
        title=f"{names[1]} against {names[0]}",
    )
    say(
        "p: how often a difference at least as large, of either sign, comes up if the models are "
        "exchangeable (paired permutation test). Tied: the interval of the difference holds zero."
    )


def _verdict(metric: Metric, value: float, base: float, interval: Interval | None) -> str:
    """How the second model compares; no better nor worse than an interval with zero in it says."""
    gain = metric.better(value, base)
    if gain == 0:
        return "equal"
    if interval is None or interval.low <= 0 <= interval.high:
        return "tied"
    return "better" if gain > 0 else "worse"


def _signed(metric: Metric, value: float) -> str:
    return ("+" if value > 0 else "") + metric.shown(value)


def _p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
