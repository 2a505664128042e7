"""What tables of quality share: metrics, intervals, p-values and a matte of one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from mmnet_deploy.evaluation.significance import compare, score_interval
from mmnet_deploy.results.records import Evaluation

CONSTANT = "a matte of one value"

METRICS: Mapping[str, tuple[str, Callable[[float], str]]] = {
    "gradient_error": ("gradient error (×10⁻³)", lambda value: f"{1000 * value:.3f}"),
    "mad": ("MAD", lambda value: f"{value:.4f}"),
    "mean_iou": ("mean IoU", lambda value: f"{value:.4f}"),
}
"""By name the title, and how a score is written."""

TITLES = tuple(title for title, _ in METRICS.values())


def show(head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a Markdown table."""
    head = list(head)
    for cells in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(cells)} |")
    print()


def scores(known: Mapping[str, float]) -> list[str]:
    """A cell for each metric; empty where it is not known."""
    return [write(known[name]) if name in known else "" for name, (_, write) in METRICS.items()]


def with_intervals(result: Evaluation) -> Iterator[str]:
    """A cell for each metric: the mean with its 95 % interval over the pictures."""
    for name, (_, write) in METRICS.items():
        ends = score_interval(name, result.values(name))
        between = f" ({write(ends.low)}…{write(ends.high)})" if ends else ""
        yield write(result.scores[name]) + between


def better_than_constant(result: Evaluation) -> str:
    """On how many pictures the gradient error is less than that of a matte of one value."""
    better, count = result.better_than_constant, len(result.pictures)
    return "" if better is None else f"{better} of {count} ({100 * better / count:.0f} %)"


def changes(before: Evaluation, after: Evaluation) -> Iterator[str]:
    """A cell for each metric: by how much the second differs from the first, and how surely.

    Picture by picture, by a permutation test; see `evaluation.significance`.
    """
    for name in METRICS:
        found = compare(before.values(name), after.values(name))
        base = before.scores[name]
        change = f"{round(100 * found.difference / base, 1) + 0.0:+.1f} %" if base else "–"
        sure = "p < 0.001" if found.p_value < 0.001 else f"p = {found.p_value:.3f}"
        yield f"{change} ({sure})".replace("-", "−")
