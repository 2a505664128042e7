"""The validation scores of several trainings against the epoch, drawn and printed.

    python benchmarks/learning_curves.py RUN[,RUN…]… [--metric mad …] [-o docs/learning_curves.svg]

A curve is one run, or several that were trained one after the other, joined by commas; it is
called after the last one's folder. What is drawn are scores at the network's own size on the
pictures that the run held out, of the weights that the run stores: the averages, where its
recipe has any.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from mmnet_deploy.charts.dots import COLOURS
from mmnet_deploy.charts.style import PT_PER_INCH, QUIET, save, style
from mmnet_deploy.mattes.metrics import METRICS
from mmnet_deploy.runs.run import BEST_BY, VALIDATED, Run

WIDTH_PT, HEIGHT_PT = 460.0, 205.0
MOST_IN_LEGEND = 4
ROWS = 10


@dataclasses.dataclass(frozen=True)
class Curve:
    """The log of runs that were trained one after the other, epochs counted through."""

    name: str
    rows: Sequence[dict[str, float]]

    @classmethod
    def read(cls, text: str) -> Curve:
        runs = [Run(Path(folder)) for folder in text.split(",")]
        rows = [row for run in runs for row in run.read_log()]
        counted = [row | {"epoch": float(number)} for number, row in enumerate(rows, start=1)]
        return cls(runs[-1].folder.name, counted)


def draw(curves: Sequence[Curve], metrics: Sequence[str], path: Path) -> None:
    """One panel per metric, with every curve."""
    with style():
        beside = len(curves) > MOST_IN_LEGEND
        size = (WIDTH_PT / PT_PER_INCH, HEIGHT_PT / PT_PER_INCH)
        figure = Figure(size, layout="constrained")
        looks = [(line, colour) for line in ("-", "--", ":") for colour in COLOURS]
        for axes, name in zip(
            figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True
        ):
            metric = METRICS[name]
            for curve, (line, colour) in zip(curves, itertools.cycle(looks), strict=False):
                epochs = [row["epoch"] for row in curve.rows]
                scores = [metric.factor * row[f"val_{name}"] for row in curve.rows]
                axes.plot(epochs, scores, line, color=colour, linewidth=1.3, label=curve.name)
            axes.set(xlabel="Epoch", ylabel=f"Validation {metric.heading}", xlim=(0, None))
            if not metric.lower_is_better:
                axes.set_ylim(None, 1.0)
        legend = {"frameon": False, "fontsize": 7.5, "labelcolor": QUIET}
        if beside:
            figure.legend(
                *figure.axes[0].get_legend_handles_labels(), loc="outside right", **legend
            )
        else:
            figure.axes[0].legend(**legend)
    save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="RUN[,RUN…]")
    parser.add_argument("--metric", action="append", choices=VALIDATED)
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    metrics = options.metric or ["gradient_error", "mean_iou"]
    curves = [Curve.read(text) for text in options.runs]
    for curve in curves:
        print(curve.name)
        every = max(1, len(curve.rows) // ROWS)
        numbers = [row for row in curve.rows if not math.isnan(row[BEST_BY])]
        best = min(numbers or curve.rows, key=lambda row: row[BEST_BY])
        for row in [*curve.rows[every - 1 :: every], best]:
            scores = ", ".join(f"{name} {row[f'val_{name}']:.5f}" for name in metrics)
            print(f"  epoch {row['epoch']:3.0f}: {scores}{'  best' if row is best else ''}")
    if options.out:
        draw(curves, metrics, options.out)


if __name__ == "__main__":
    main()
