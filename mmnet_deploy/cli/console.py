"""The one place that prints: news, results, tables and bars.

Whatever it is given can hold texts that did not come from us, and is printed escaped; see
`escaping`. So a line is one line, and a block is given line by line.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from mmnet_deploy.api import stored
from mmnet_deploy.api.models import share_of
from mmnet_deploy.cli.escaping import escaped, escaped_json, one_line
from mmnet_deploy.progress import Advance

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from mmnet_deploy.results.records import Record
    from mmnet_deploy.results.store import StoredResults

FOLDER = click.Path(path_type=Path)
"""A path; whether it exists is checked where the message can say what to do."""

Clock = Callable[[], float]
"""Seconds from some moment on."""

PLAIN_INTERVAL_S = 10.0
MANY = 1000
_WIDEST = 100_000


raw_cells_option = click.option(
    "--raw-cells",
    is_flag=True,
    help="Write texts into the CSV file as they are. By default, an apostrophe stands before "
    "those that a spreadsheet would take for a formula.",
)


def say(line: str = "") -> None:
    """A line of news, on standard error, so that standard output stays for results."""
    click.echo(escaped(line), file=sys.stderr)


def say_error(name: str, error: Exception) -> None:
    """Why one of several models gives no result, on standard error."""
    say(f"Error: {' '.join(str(error).split())}")


def show(line: str = "") -> None:
    """A line of a result, on standard output."""
    click.echo(escaped(line), file=sys.stdout)


def show_json(text: str | Iterable[str]) -> None:
    """JSON on standard output: the same value, with nothing in it that a terminal obeys.

    Args:
        text: Of any length, or in pieces.
    """
    for part in [text.rstrip("\n")] if isinstance(text, str) else text:
        click.echo(escaped_json(part), file=sys.stdout, nl=False)
    click.echo(file=sys.stdout)


def show_error(error: click.ClickException) -> None:
    """As click does it, but escaped: what it says of an argument is the argument as given."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        for line in error.format_message().split("\n"):
            say(line)
        return
    if isinstance(error, click.UsageError) and error.ctx is not None:
        for line in error.ctx.get_usage().split("\n"):
            say(line)
        say(f"Try '{error.ctx.command_path} --help' for help.")
        say()
    say(f"Error: {one_line(error.format_message())}")


def show_traceback(error: BaseException) -> None:
    """What nobody foresaw, as Python shows it."""
    for part in traceback.format_exception(error):
        for line in part.rstrip("\n").split("\n"):
            say(line)


def is_terminal() -> bool:
    """Whether a person watches standard error."""
    return sys.stderr.isatty()


@contextlib.contextmanager
def progress(title: str, total: int) -> Iterator[Advance]:
    """A progress bar on a terminal, plain lines elsewhere; see `mmnet_deploy.progress`."""
    with (_bar if is_terminal() else _lines)(title, total) as advance:
        yield advance


def _progress(console: Console, clock: Clock) -> Progress:
    """Bar, counts, and time left by what the latest steps after the first have taken."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    ]
    # Results go where standard output goes, not between the bars.
    return Progress(*columns, console=console, get_time=clock, redirect_stdout=False)


@contextlib.contextmanager
def _bar(title: str, total: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stderr)
    with _progress(console, time.monotonic) as bar:
        task = bar.add_task(escaped(title), total=total or None, note="")

        def advance(note: str = "", steps: int = 1) -> None:
            if note and not steps:
                console.print(Text(f"  {escaped(note)}"))
            else:
                bar.update(task, advance=steps, note=escaped(note))

        yield advance


@contextlib.contextmanager
def _lines(title: str, total: int, clock: Clock = time.monotonic) -> Iterator[Advance]:
    begin = said = clock()
    done = 0
    of = f" of {total}" if total else ""
    # The first step may have to build what all of them use, so the others tell how long one takes.
    first, first_end = 0, 0.0
    say(f"{title} …")

    def advance(note: str = "", steps: int = 1) -> None:
        nonlocal done, said, first, first_end
        done += steps
        now = clock()
        if done and not first:
            first, first_end = done, now
        if note and not steps:
            say(f"  {note}")
        elif now - said >= PLAIN_INTERVAL_S:
            said = now
            left = ""
            if first < done < total:
                left_s = (now - first_end) / (done - first) * (total - done)
                left = f", about {left_s:.0f} s left"
            say(f"  {done}{of}{left}  {note}".rstrip())

    yield advance
    say(f"  {done}{of} in {clock() - begin:.1f} s")


Cell = str | tuple[str, ...]
"""A cell of a table; of several lines where it is a tuple."""


def print_table(
    header: Sequence[Cell],
    rows: Sequence[Sequence[Cell]],
    title: str | None = None,
    *,
    numbers: bool = True,
) -> None:
    """A table on standard output; columns of `numbers` but the first are right-aligned."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Two spaces between columns, so that a model's scores fit into 80 of them.
    table = Table(box=box.SIMPLE_HEAD, title=None, padding=(0, 1, 0, 0), pad_edge=False)
    for index, name in enumerate(header):
        justify: Literal["left", "right"] = "right" if index and numbers else "left"
        table.add_column(Text(_lines_of(name)), justify=justify, overflow="fold", no_wrap=not index)
    for row in rows:
        table.add_row(*(Text(_lines_of(cell)) for cell in row))
    # Without a terminal there is no width to fit, and nothing may be cut off.
    console = Console() if sys.stdout.isatty() else Console(width=_WIDEST)
    with console.capture() as captured:
        if title is not None:
            console.print(Text(escaped(title), style="italic"))
        console.print(table)
    click.echo(
        "\n".join(line.rstrip() for line in captured.get().split("\n")), sys.stdout, nl=False
    )


def _lines_of(cell: Cell) -> str:
    return escaped(cell) if isinstance(cell, str) else "\n".join(map(escaped, cell))


def print_columns(header: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> None:
    """Columns on standard output, left-aligned; for thousands of rows, which rich is slow at."""
    lines = [header, *rows] if header else rows
    cells = [[escaped(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    text = "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)
    click.echo(text, file=sys.stdout)


def each_result(
    paths: Sequence[Path], skipped: list[str] | None = None
) -> Iterator[tuple[Path, Record]]:
    """Stored results one by one; other files in the folders are named on standard error.

    Args:
        skipped: Takes the lines about other files besides.

    Raises:
        ResultError: See `store.each`.
    """
    return stored.each_result(paths, say, skipped)


def read_results(paths: Sequence[Path]) -> StoredResults:
    """All stored results at once; see `each_result`."""
    found = stored.read_results(paths, say)
    if len(found.records) > MANY:
        gc.freeze()  # They live until the command ends.
    return found


def parse_share(text: str | None, name: str) -> float | None:
    """`2%` or `0.02` as 0.02; None stays None.

    Args:
        name: Of the option, for the message.

    Raises:
        UsageError: It is neither.
    """
    return None if text is None else share_of(text, name)
