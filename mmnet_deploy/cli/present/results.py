"""`mmnet-deploy results`."""

from __future__ import annotations

import json
import math
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.cli.console import (
    FOLDER,
    each_result,
    print_columns,
    raw_cells_option,
    say,
    show,
    show_json,
)
from mmnet_deploy.cli.present.results_import import import_results

if TYPE_CHECKING:
    from mmnet_deploy.results.records import Record
    from mmnet_deploy.results.table import Row

_PIECE = 2**20


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument and the options that choose results."""
    for add in (
        click.option(
            "--kind",
            type=click.Choice(["benchmark", "evaluation", "cost"]),
            help="Choose results of this kind.",
        ),
        click.option(
            "--device",
            metavar="NAME",
            help="Choose devices by a part of the name or serial, or by a pattern with *.",
        ),
        click.option(
            "--model",
            metavar="NAME",
            help="Choose models by a part of the name, or by a pattern with *.",
        ),
        click.argument("paths", metavar="RESULTS...", nargs=-1, required=True, type=FOLDER),
    ):
        command = add(command)
    return command


@click.group()
def results() -> None:
    """List, show, export and import results."""


results.add_command(import_results)


def _rows(
    paths: tuple[Path, ...], model: str | None, device: str | None, kind: str | None
) -> Iterator[tuple[Record, Row]]:
    """The chosen results one by one; a line says what cannot be read."""
    from mmnet_deploy.results import table

    for file, record in each_result(paths):
        if table.is_chosen(record, model, device, kind):
            yield record, table.row(record, file)


def _print_json(values: Iterable[Any]) -> None:
    """A JSON list; nothing is printed until every value is there, nor are all of them kept."""
    with tempfile.TemporaryFile("w+") as text:
        for number, value in enumerate(values):
            text.write("[\n" if not number else ",\n")
            text.write(textwrap.indent(json.dumps(value, indent=1), " "))
        text.write("\n]" if text.tell() else "[]")
        text.seek(0)
        show_json(iter(lambda: text.read(_PIECE), ""))


@results.command("list")
@_filters
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def list_results(
    paths: tuple[Path, ...],
    model: str | None,
    device: str | None,
    kind: str | None,
    as_json: bool,
) -> None:
    """List results, one line each.

    RESULTS are files, or folders of them. In a folder, a file that is no result is named and
    skipped.

    Example: mmnet-deploy results list results --model int8 --device pixel
    """
    rows = _rows(paths, model, device, kind)
    if as_json:
        _print_json(row for _, row in rows)
        return
    header = ("kind", "model", "on", "settings", "result", "valid", "made")
    lines = [_line(record, row) for record, row in rows]
    print_columns(header, lines)
    say(f"{len(lines)} result{'s' * (len(lines) != 1)}.")


def _line(record: Record, row: Row) -> tuple[str, ...]:
    """The cells of one line."""
    from mmnet_deploy.results import naming
    from mmnet_deploy.results.latency import shown_interval
    from mmnet_deploy.results.records import Benchmark

    made = row["created_at"][:19].replace("T", " ")
    kind = row["kind"]
    if isinstance(record, Benchmark):
        settings = f"{row['engine']} {naming.accelerated_by(record)} t{row['threads'] or '?'}"
        settings += _in(row, row["precision"])
        settings += " profiled" * row["profiled"]
        on = row["device"] + " (emulated)" * row["emulated"]
        low, high = row["latency_low_ms"], row["latency_high_ms"]
        interval = shown_interval(
            -math.inf if low is None else 1000 * low, math.inf if high is None else 1000 * high
        )
        result = f"{row['latency_ms']:.2f} ms {row['statistic']} ({interval})"
        valid = "no" if row["invalid"] else "elsewhere" if row["imported_from"] else "yes"
        return kind, row["model"], on, settings, result, valid, made
    if kind == "evaluation":
        height, width = row["eval_height_px"], row["eval_width_px"]
        settings = f"{height}×{width}" if height else "native"
        settings += "" if row["upsample"] == "bilinear" else f" {row['upsample']}"
        on = f"{row['data']}/{row['split']} ({row['pictures']})"
        error = row.get("gradient_error")
        result = "" if error is None else f"{1000 * error:.3f}e-3 gradient error"
        return kind, row["model"], on, settings, result, "", made
    if kind == "cost":
        settings = f"{row['engine']} {row['delegate']} t{row['threads']}"
        settings += _in(row, row["counted_precision"])
        result = f"{row['instructions'] / 1e6:.3f} million instructions"
        return kind, row["model"], f"{row['cpu']} as {row['identity']}", settings, result, "", made
    return kind, row["model"], "", "", "", "", made


def _in(row: Row, precision: str | None) -> str:
    """What a file computed in, where its precision does not say it."""
    from mmnet_deploy.results import arithmetic

    plain = arithmetic.named(precision or "", row["computes_in"]) == precision
    return "" if plain or not row["computes_in"] else f" in {row['computes_in']}"


@results.command("show")
@_filters
@click.option("--json", "as_json", is_flag=True, help="Print the stored JSON.")
def show_results(
    paths: tuple[Path, ...],
    model: str | None,
    device: str | None,
    kind: str | None,
    as_json: bool,
) -> None:
    """Show everything that results say, except the raw samples.

    With --json, the samples are included.

    Example: mmnet-deploy results show results/benchmark-a.json
    """
    from mmnet_deploy.results.record_json import to_json
    from mmnet_deploy.results.records import Benchmark

    found = _rows(paths, model, device, kind)
    if as_json:
        _print_json(json.loads(to_json(record)) for record, _ in found)
        return
    for number, (record, row) in enumerate(found):
        if number:
            show()
        lines = [(name, _value(value)) for name, value in row.items() if value not in (None, "")]
        if isinstance(record, Benchmark):
            lines += [(f"rule {flag.label}", flag.reason or "kept") for flag in record.flags]
            for when, state in (("before", record.before), ("after", record.after)):
                heat = state.temperatures_c.items()
                lines += [(f"{when}: {zone}", f"{degrees:g} °C") for zone, degrees in heat]
            lines += [(f"version of {name}", text) for name, text in record.versions.items()]
        print_columns(None, lines)


def _value(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@results.command("export")
@_filters
@click.option(
    "-o",
    "--out",
    "file",
    required=True,
    metavar="FILE.csv|parquet",
    type=FOLDER,
    help="Path of the table.",
)
@raw_cells_option
def export_results(
    paths: tuple[Path, ...],
    model: str | None,
    device: str | None,
    kind: str | None,
    file: Path,
    raw_cells: bool,
) -> None:
    """Write results as a table with a row for each file, and units in the names of columns.

    A benchmark and an evaluation of one file share `model_sha256`.

    \b
    Example: mmnet-deploy results export results -o results.csv
             mmnet-deploy results export results --kind benchmark -o latency.parquet
    """
    from mmnet_deploy.files import make_folder
    from mmnet_deploy.results import table_file

    table_file.check_file(file)
    make_folder(file.parent)
    rows = (row for _, row in _rows(paths, model, device, kind))
    count = table_file.write(rows, file, raw=raw_cells)
    say(f"Wrote {count} result{'s' * (count != 1)} to {file}.")
