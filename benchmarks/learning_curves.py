"""The validation scores of several trainings against the epoch, drawn and printed.

    python benchmarks/learning_curves.py RUN… [-o docs/learning_curves.svg]

A run is called after its folder. What is drawn are scores at the network's own size on the
pictures that the run held out, of the weights that the run stores: the averages, where its
recipe has any.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from mmnet_deploy.dots import COLOURS
from mmnet_deploy.run import BEST_BY, Run
from mmnet_deploy.style import PT_PER_INCH, QUIET, save, style

PANELS = (
    ("val_gradient_error", "Validation gradient error (×10⁻³)", 1e3),
    ("val_mean_iou", "Validation mean IoU", 1.0),
)
WIDTH_PT, HEIGHT_PT = 460.0, 205.0
ROWS = 10


def draw(runs: Sequence[Run], path: Path) -> None:
    """One curve per run, beside each other by score."""
    with style():
        figure = Figure((WIDTH_PT / PT_PER_INCH, HEIGHT_PT / PT_PER_INCH), layout="constrained")
        for axes, (column, label, factor) in zip(
            figure.subplots(1, len(PANELS)), PANELS, strict=True
        ):
            for run, colour in zip(runs, COLOURS, strict=False):
                log = run.read_log()
                epochs = [row["epoch"] for row in log]
                scores = [factor * row[column] for row in log]
                axes.plot(epochs, scores, color=colour, linewidth=1.3, label=run.folder.name)
            axes.set(xlabel="Epoch", ylabel=label, xlim=(0, None))
            if factor == 1.0:
                axes.set_ylim(None, 1.0)
        figure.axes[0].legend(frameon=False, fontsize=7.5, labelcolor=QUIET)
    save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    runs = [Run(folder) for folder in options.runs]
    for run in runs:
        log = run.read_log()
        print(run.folder.name)
        every = max(1, len(log) // ROWS)
        best = min(log, key=lambda row: row[BEST_BY])
        for row in [*log[every - 1 :: every], best]:
            scores = ", ".join(f"{name} {row[name]:.5f}" for name, *_ in PANELS)
            print(f"  epoch {row['epoch']:3.0f}: {scores}{'  best' if row is best else ''}")
    if options.out:
        draw(runs, options.out)


if __name__ == "__main__":
    main()
