"""What commands share: progress, tables, and the check for optional packages."""

from __future__ import annotations

import contextlib
import gc
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from mmnet_deploy.errors import UsageError
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
MOST_SKIPPED = 20
MANY = 1000


raw_cells_option = click.option(
    "--raw-cells",
    is_flag=True,
    help="Write texts into the CSV file as they are. By default, an apostrophe stands before "
    "those that a spreadsheet would take for a formula.",
)


def say(line: str = "") -> None:
    """A line of news, on standard error, so that standard output stays for results."""
    click.echo(line, err=True)


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
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    ]
    return Progress(*columns, console=console, get_time=clock)


@contextlib.contextmanager
def _bar(title: str, total: int) -> Iterator[Advance]:
    from rich.console import Console

    console = Console(file=sys.stderr)
    with _progress(console, time.monotonic) as bar:
        task = bar.add_task(title, total=total, note="")

        def advance(note: str = "", steps: int = 1) -> None:
            if note and not steps:
                console.print(f"  {note}", highlight=False, markup=False)
            else:
                bar.update(task, advance=steps, note=note)

        yield advance


@contextlib.contextmanager
def _lines(title: str, total: int, clock: Clock = time.monotonic) -> Iterator[Advance]:
    begin = said = clock()
    done = 0
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
            say(f"  {done} of {total}{left}  {note}".rstrip())

    yield advance
    say(f"  {done} of {total} in {clock() - begin:.1f} s")


def print_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
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
    table = Table(
        box=box.SIMPLE_HEAD, title=title, title_justify="left", padding=(0, 1, 0, 0), pad_edge=False
    )
    for index, name in enumerate(header):
        justify: Literal["left", "right"] = "right" if index and numbers else "left"
        table.add_column(Text(name), justify=justify, overflow="fold", no_wrap=not index)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    # Without a terminal there is no width to fit, and nothing may be cut off.
    console = Console() if sys.stdout.isatty() else Console(width=200)
    console.print(table)


def print_columns(header: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> None:
    """Columns on standard output, left-aligned; for thousands of rows, which rich is slow at."""
    lines = [header, *rows] if header else rows
    cells = [[" ".join(cell.split()) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    text = "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)
    click.echo(text)


def each_result(
    paths: Sequence[Path], skipped: list[str] | None = None
) -> Iterator[tuple[Path, Record]]:
    """Stored results one by one; other files in the folders are named on standard error.

    Args:
        skipped: Takes the lines about other files besides.

    Raises:
        ResultError: See `store.each`.
    """
    from mmnet_deploy.results import store

    lines = [] if skipped is None else skipped

    def skip(line: str) -> None:
        lines.append(line)
        if len(lines) <= MOST_SKIPPED:
            say(f"Skipped {line}")

    yield from store.each(paths, skip)
    if len(lines) > MOST_SKIPPED:
        say(f"Skipped {len(lines) - MOST_SKIPPED} more files that are not results.")


def read_results(paths: Sequence[Path]) -> StoredResults:
    """All stored results at once; see `each_result`."""
    from mmnet_deploy.results.store import StoredResults

    skipped: list[str] = []
    # Results live until the command ends: looking through thousands of them for cycles, again
    # and again, would take as long as reading them.
    gc.disable()
    try:
        files, records = zip(*each_result(paths, skipped), strict=True)
        if len(records) > MANY:
            gc.freeze()
    finally:
        gc.enable()
    return StoredResults(records, files, tuple(skipped))


def parse_share(text: str | None, name: str) -> float | None:
    """`2%` or `0.02` as 0.02.

    Args:
        name: Of the option, for the message.

    Raises:
        UsageError: It is neither.
    """
    if text is None:
        return None
    number, percent, rest = text.strip().partition("%")
    try:
        value = float(number) / (100 if percent else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf or rest:
        raise UsageError(f"`{name}` must be a share such as 2% or 0.02. Received: {text}.")
    return value


def parse_size(text: str) -> tuple[int, int] | None:
    """`HxW` in pixels as a tuple, `native` as None.

    Raises:
        UsageError: It is neither.
    """
    if text == "native":
        return None
    height, _, width = text.lower().partition("x")
    if height.isdecimal() and width.isdecimal():
        size = int(height), int(width)
        if min(size) >= 16 and max(size) <= 8192:
            return size
    raise UsageError(
        f"`eval_size` must be HEIGHTxWIDTH, each 16 to 8192, or native. Received: {text}."
    )
