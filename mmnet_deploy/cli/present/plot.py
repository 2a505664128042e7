"""`mmnet-deploy plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mmnet_deploy.api import plotting
from mmnet_deploy.cli.console import FOLDER, raw_cells_option, say


@click.command()
@click.argument("results", metavar="[RESULTS]...", nargs=-1, type=FOLDER)
@click.option(
    "-o",
    "--out",
    required=True,
    metavar="FILE.svg|png|pdf",
    type=FOLDER,
    help="Path of the chart.",
)
@click.option(
    "--metric",
    multiple=True,
    default=["gradient_error"],
    show_default=True,
    metavar="NAME[,NAME...]",
    help="Metric of the error axis: gradient_error, mad, sad, mse, mean_iou or any other that "
    "was evaluated. Several have a panel each, side by side; repeatable.",
)
@click.option(
    "--latency",
    type=click.Choice(plotting.STATISTICS),
    help="Statistic of the latency. By default, what the run rules quote.",
)
@click.option(
    "--device",
    multiple=True,
    metavar="SERIAL",
    help="Draw the results of this device only; may be repeated.",
)
@click.option(
    "--size",
    type=click.Choice(plotting.SIZES),
    default="page",
    show_default=True,
    help="Size of the chart: a column (85 mm) or a page of a paper, or a 16:9 slide.",
)
@click.option(
    "--x-scale",
    type=click.Choice(plotting.SCALES),
    default="auto",
    show_default=True,
    help="Scale of the latency axis.",
)
@click.option(
    "--y-scale",
    type=click.Choice([*plotting.SCALES, "broken"]),
    default="auto",
    show_default=True,
    help="Scale of the error axis.",
)
@click.option(
    "--published",
    is_flag=True,
    help="Draw the published points; with RESULTS, as hollow points beside yours.",
)
@click.option(
    "--profile",
    default="snapdragon-820",
    show_default=True,
    metavar="NAME|FILE.toml",
    help="Phone whose latency is estimated from counts of instructions.",
)
@click.option("--emulated", is_flag=True, help="Also draw emulated phones beside real devices.")
@click.option(
    "--title",
    help="Title of the chart. By default, what is drawn and the device; an empty title leaves both "
    "out.",
)
@click.option("--csv", metavar="FILE", type=FOLDER, help="Also write the plotted numbers as CSV.")
@raw_cells_option
def plot(results: tuple[Path, ...], **options: Any) -> None:
    """Draw quality against latency from result files or folders.

    A benchmark and an evaluation belong together if they are of the same model file. Each
    device has a panel with the Pareto front of its valid points. Latencies that are estimated
    from the counts of `mmnet-deploy cost` have a panel of their own.

    \b
    Example: mmnet-deploy plot results -o pareto.svg
             mmnet-deploy plot results --metric gradient_error,mad,mean_iou -o three.pdf
             mmnet-deploy plot --published -o published.svg
    """
    plotting.plot(results, **options, tell=say)
