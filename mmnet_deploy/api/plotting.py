"""The chart of stored results."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mmnet_deploy.api.models import StrPath
from mmnet_deploy.api.numbers import with_plain_numbers
from mmnet_deploy.api.stored import read_results, sources_of
from mmnet_deploy.errors import ResultError, UsageError
from mmnet_deploy.progress import Tell, quiet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mmnet_deploy.api.stored import Results
    from mmnet_deploy.results.records import Record
    from mmnet_deploy.results.trade_offs import TradeOff

STATISTICS = ("median", "p90", "mean", "min")
SIZES = ("column", "page", "slide")
SCALES = ("auto", "linear", "log")


@with_plain_numbers
def plot(
    results: Results = (),
    out: StrPath | None = None,
    *,
    metric: str | Sequence[str] = "gradient_error",
    latency: str | None = None,
    device: str | Sequence[str] = (),
    size: str = "page",
    x_scale: Literal["auto", "linear", "log"] = "auto",
    y_scale: Literal["auto", "linear", "log", "broken"] = "auto",
    published: bool = False,
    profile: str = "snapdragon-820",
    emulated: bool = False,
    title: str | None = None,
    csv: StrPath | None = None,
    raw_cells: bool = False,
    tell: Tell = quiet,
) -> Figure:
    """Draw quality against latency, with the Pareto front.

    A benchmark and an evaluation belong together if they are of the same model file. Each device
    has a panel. Matplotlib's settings are changed while it draws, so draw in one thread at a time.

    Args:
        results: Files, folders of them, or what `evaluate`, `bench` and `cost` return.
        out: A `.svg`, `.png` or `.pdf` file to write besides.
        metric: Of the error axis: `gradient_error`, `mad`, `sad`, `mse`, `mean_iou` or any other
            that was evaluated. Several, also with commas between, have a panel each.
        latency: `median`, `p90`, `mean` or `min`. None for what the run rules quote.
        device: Serials of the devices to draw; all if there are none.
        size: `column` (85 mm) or `page` of a paper, or `slide` (16:9).
        x_scale: Of the latency axis: `auto`, `linear` or `log`.
        y_scale: Of the error axis: the same, or `broken`.
        published: Draw the published points; with results, as hollow points beside them.
        profile: Phone whose latency is estimated from counts: a bundled profile or a file.
        emulated: Also draw emulated phones beside real devices.
        title: None for what is drawn and the device; an empty one leaves both out.
        csv: A file for the plotted numbers.
        raw_cells: Write texts into the CSV file as they are, also those that a spreadsheet would
            take for a formula.
        tell: Takes a line of news, such as on a file of a folder that is no result.

    Returns:
        The figure, which a notebook shows where it is the value of a cell.

    Raises:
        UsageError: An argument is wrong.
        ResultError: There are no results, or no model has both a latency and the metrics.
        OutputError: A file cannot be written.

    Example:
        >>> figure = plot("results", "chart.svg", size="column")
        >>> figure.savefig("chart.jpg")
    """
    chosen = _chosen(metric)
    for name, value, allowed in (
        ("latency", latency, (None, *STATISTICS)),
        ("size", size, SIZES),
        ("x_scale", x_scale, SCALES),
        ("y_scale", y_scale, (*SCALES, "broken")),
    ):
        if value not in allowed:
            names = ", ".join(filter(None, allowed))
            raise UsageError(f"`{name}` must be one of {names}. Received: {value}.")
    from mmnet_deploy.charts import style
    from mmnet_deploy.files import make_folder
    from mmnet_deploy.results import table_file

    file, table = (None if path is None else Path(path) for path in (out, csv))
    if file:
        style.file_kind(file)
    if table:
        table_file.check_file(table)
    paths, records = sources_of(results)
    if not (paths or records or published):
        raise UsageError("`RESULTS` must name a file or folder, unless `--published` is given.")
    if published and "gradient_error" not in chosen:
        received = ",".join(chosen)
        raise UsageError(
            f"`--published` knows gradient errors only. Received: --metric {received}."
        )
    if published and not (paths or records) and len(chosen) > 1:
        raise UsageError(
            "`--published` alone has gradient errors only: leave out --metric, or name RESULTS."
        )
    from mmnet_deploy.charts import chart
    from mmnet_deploy.results.published import references, trade_offs

    beside = trade_offs() if published else ()
    points: Sequence[TradeOff] = beside
    if paths or records:
        if paths:
            records = [*read_results(paths, tell).records, *records]
        devices = [device] if isinstance(device, str) else list(device)
        points = _of_results(records, chosen, latency, devices, emulated, profile, tell)
    options = chart.Options(
        size=size,
        x_scale=x_scale,
        y_scale=y_scale,
        published=() if points is beside else beside,
        references=references() if published else (),
    )
    figure = chart.compose(points, title, options).figure
    if file:
        make_folder(file.parent)
        style.save(figure, file, style.SIZES[size].dpi)
    if table:
        table_file.write(_rows(points, options.published), table, raw=raw_cells)
    if file:
        drawn = len(points) // len(chosen) + len(options.published)
        by = f" by {len(chosen)} metrics" if len(chosen) > 1 else ""
        tell(f"Drew {drawn} point{'s' * (drawn > 1)}{by} to {file}.")
    return figure


def _chosen(metric: str | Sequence[str]) -> list[str]:
    """Names of metrics, each once.

    Raises:
        UsageError: There is no such metric, or none at all.
    """
    from mmnet_deploy.mattes.metrics import METRICS, listed

    names = listed(metric)
    for name in names:
        if name not in METRICS:
            raise UsageError(f"`metric` must be one of {', '.join(METRICS)}. Received: {name}.")
    if not names:
        raise UsageError(f"`metric` must name at least one of {', '.join(METRICS)}.")
    return names


def _rows(points: Sequence[TradeOff], beside: Sequence[TradeOff]) -> list[dict[str, Any]]:
    """The plotted numbers, and whether a point is on the front; those `beside` others are not.

    The end of an open interval is empty.
    """
    from mmnet_deploy.charts.dots import by_device, by_metric
    from mmnet_deploy.results.trade_offs import constant_error, front

    alike = [each for group in by_device(points) for each in by_metric(group).values()]
    best = [point for group in alike for point in front(group)]
    rows = []
    for number, point in enumerate([*points, *beside]):
        row = {
            field.name: getattr(point, field.name)
            for field in dataclasses.fields(point)
            if field.name != "evaluation"
        }
        for end in ("latency_low_ms", "latency_high_ms"):
            row[end] = row[end] if math.isfinite(row[end]) else None
        row["constant_error"] = constant_error(point)
        rows.append(row | {"on_front": number < len(points) and point in best})
    return rows


def _of_results(
    records: Sequence[Record],
    chosen: Sequence[str],
    statistic: str | None,
    devices: Sequence[str],
    emulated: bool,
    profile: str,
    tell: Tell,
) -> Sequence[TradeOff]:
    """The points of results by each metric, and the estimates that counts of instructions give.

    Raises:
        UsageError: There is no result of a device.
        ResultError: No model has both a latency and the metric.
    """
    from mmnet_deploy.results import trade_offs
    from mmnet_deploy.results.estimate import load_profile

    records = _of_devices(records, devices)
    joined = trade_offs.join(records, emulated=emulated)
    known = load_profile(profile)
    found = [trade_offs.estimates(records, known, metric) for metric in chosen]
    for note in (*joined.notes, *found[0][1]):
        tell(note)
    estimates = [point for points, _ in found for point in points]
    if not joined.rows and not estimates:
        raise ResultError(
            "Nothing to draw: no model has both a latency and a gradient error. Run `bench` and "
            "`evaluate` on the same files, both with -o DIR."
        )
    if devices:
        estimates = []
    measured = [point for m in chosen for point in joined.trade_offs(m, statistic)]
    points = [*measured, *estimates]
    if all(trade_offs.constant_error(point) is None for point in points):
        tell(
            "The evaluations are of an earlier version, and lack the score of a matte of one "
            "value: evaluate the files once more to have its line."
        )
    return points


def _of_devices(records: Sequence[Record], devices: Sequence[str]) -> Sequence[Record]:
    """The records without benchmarks of other devices; all of them if none is named."""
    from mmnet_deploy.results.records import Benchmark

    if not devices:
        return records
    # Devices of other tools' results have a name only.
    there = {r.device.serial or r.device.model for r in records if isinstance(r, Benchmark)}
    for device in devices:
        if device not in there:
            known = ", ".join(sorted(there)) or "none"
            raise UsageError(f"`--device` must be one of {known}. Received: {device}.")
    return tuple(
        r
        for r in records
        if not isinstance(r, Benchmark) or (r.device.serial or r.device.model) in devices
    )
