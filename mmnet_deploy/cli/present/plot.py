"""`mmnet-deploy plot`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.cli.console import FOLDER, raw_cells_option, read_results, say
from mmnet_deploy.errors import ResultError, UsageError

if TYPE_CHECKING:
    from mmnet_deploy.results.trade_offs import TradeOff

_SCALES = ("auto", "linear", "log")


@click.command()
@click.argument("results", metavar="[RESULTS]...", nargs=-1, type=FOLDER)
@click.option(
    "-o",
    "--out",
    "file",
    required=True,
    metavar="FILE.svg|png|pdf",
    type=FOLDER,
    help="Path of the chart.",
)
@click.option(
    "--metric",
    default="gradient_error",
    show_default=True,
    metavar="NAME",
    help="Metric of the error axis: gradient_error, mad, sad, mse, mean_iou or any other that "
    "was evaluated.",
)
@click.option(
    "--latency",
    "statistic",
    type=click.Choice(["median", "p90", "mean", "min"]),
    help="Statistic of the latency. By default, what the run rules quote.",
)
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="SERIAL",
    help="Draw the results of this device only; may be repeated.",
)
@click.option(
    "--size",
    type=click.Choice(["column", "page", "slide"]),
    default="page",
    show_default=True,
    help="Size of the chart: a column (85 mm) or a page of a paper, or a 16:9 slide.",
)
@click.option(
    "--x-scale",
    type=click.Choice(_SCALES),
    default="auto",
    show_default=True,
    help="Scale of the latency axis.",
)
@click.option(
    "--y-scale",
    type=click.Choice([*_SCALES, "broken"]),
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
@click.option(
    "--csv", "table", metavar="FILE", type=FOLDER, help="Also write the plotted numbers as CSV."
)
@raw_cells_option
def plot(
    results: tuple[Path, ...],
    file: Path,
    metric: str,
    statistic: str | None,
    devices: tuple[str, ...],
    size: str,
    x_scale: str,
    y_scale: str,
    published: bool,
    profile: str,
    emulated: bool,
    title: str | None,
    table: Path | None,
    raw_cells: bool,
) -> None:
    """Draw quality against latency from result files or folders.

    A benchmark and an evaluation belong together if they are of the same model file. Each
    device has a panel with the Pareto front of its valid points. Latencies that are estimated
    from the counts of `mmnet-deploy cost` have a panel of their own.

    \b
    Example: mmnet-deploy plot results -o pareto.svg
             mmnet-deploy plot --published -o published.svg
    """
    from mmnet_deploy.charts import style
    from mmnet_deploy.files import make_folder
    from mmnet_deploy.results import table_file

    style.file_kind(file)
    if table:
        table_file.check_file(table)
    if not results and not published:
        raise UsageError("`RESULTS` must name a file or folder, unless `--published` is given.")
    if published and metric != "gradient_error":
        raise UsageError(f"`--published` knows gradient errors only. Received: --metric {metric}.")
    from mmnet_deploy.charts import chart
    from mmnet_deploy.results.published import references, trade_offs

    beside = trade_offs() if published else ()
    points: Sequence[TradeOff] = beside
    if results:
        points = _stored(results, metric, statistic, devices, emulated, profile)
    options = chart.Options(
        size=size,
        x_scale=x_scale,  # type: ignore[arg-type]
        y_scale=y_scale,  # type: ignore[arg-type]
        published=beside if results else (),
        references=references() if published else (),
    )
    make_folder(file.parent)
    chart.draw(points, file, title=title, options=options)
    if table:
        table_file.write(_rows(points, options.published), table, raw=raw_cells)
    drawn = len(points) + len(options.published)
    say(f"Drew {drawn} point{'s' * (drawn > 1)} to {file}.")


def _rows(points: Sequence[TradeOff], beside: Sequence[TradeOff]) -> list[dict[str, Any]]:
    """The plotted numbers, and whether a point is on the front; those `beside` others are not.

    The end of an open interval is empty.
    """
    from mmnet_deploy.charts.dots import by_device
    from mmnet_deploy.results.trade_offs import front

    best = [point for group in by_device(points) for point in front(group)]
    rows = []
    for number, point in enumerate([*points, *beside]):
        row = {
            field.name: getattr(point, field.name)
            for field in dataclasses.fields(point)
            if field.name != "evaluation"
        }
        for end in ("latency_low_ms", "latency_high_ms"):
            row[end] = row[end] if math.isfinite(row[end]) else None
        rows.append(row | {"on_front": number < len(points) and point in best})
    return rows


def _stored(
    results: Sequence[Path],
    metric: str,
    statistic: str | None,
    devices: Sequence[str],
    emulated: bool,
    profile: str,
) -> Sequence[TradeOff]:
    """The points of stored results, and the estimates that counts of instructions give.

    Raises:
        UsageError: There is no such metric, or no result of a device.
        ResultError: No model has both a latency and the metric.
    """
    from mmnet_deploy.mattes.metrics import METRICS
    from mmnet_deploy.results import trade_offs
    from mmnet_deploy.results.estimate import load_profile
    from mmnet_deploy.results.records import Benchmark

    if metric not in METRICS:
        raise UsageError(f"`--metric` must be one of {', '.join(METRICS)}. Received: {metric}.")
    records = read_results(results).records
    if devices:
        # Devices of other tools' results have a name only.
        there = {r.device.serial or r.device.model for r in records if isinstance(r, Benchmark)}
        for device in devices:
            if device not in there:
                known = ", ".join(sorted(there)) or "none"
                raise UsageError(f"`--device` must be one of {known}. Received: {device}.")
        records = tuple(
            r
            for r in records
            if not isinstance(r, Benchmark) or (r.device.serial or r.device.model) in devices
        )
    joined = trade_offs.join(records, emulated=emulated)
    estimates, notes = trade_offs.estimates(records, load_profile(profile), metric)
    for note in (*joined.notes, *notes):
        say(note)
    if not joined.rows and not estimates:
        raise ResultError(
            "Nothing to draw: no model has both a latency and a gradient error. Run `bench` and "
            "`evaluate` on the same files, both with -o DIR."
        )
    if devices:
        estimates = []
    return [*joined.trade_offs(metric, statistic), *estimates]
