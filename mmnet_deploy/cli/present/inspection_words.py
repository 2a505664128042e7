"""What `inspect` prints with: lines of 80 characters, numbers with their units, tables."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from mmnet_deploy.cli.console import print_table, show
from mmnet_deploy.cli.escaping import escaped
from mmnet_deploy.tflite.layer_names import shortened

WIDTH = 80
LABEL = 13
TIED = "\u00a0"
"""A space at which no line is broken."""


def line(label: str, text: str, indent: int = LABEL) -> None:
    """A line, wrapped under its own beginning; a number stays with its noun."""
    filled = textwrap.wrap(
        escaped(text),
        WIDTH,
        initial_indent=label.ljust(indent),
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )
    for one in filled:
        show(one.replace(TIED, " "))


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size_of(number: int) -> str:
    """Bytes in B, KiB or MiB."""
    if number < 1024:
        return f"{number} B"
    return f"{number / 1024:.1f} KiB" if number < 2**20 else f"{number / 2**20:.2f} MiB"


def macs_of(number: int) -> str:
    return f"{number / 1e6:,.1f} M" if number >= 100_000 else f"{number:,}"


def shape_of(shape: Sequence[int]) -> str:
    return "×".join("?" if size == -1 else str(size) for size in shape) or "scalar"


def counted(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{number}{TIED}{kind}" for kind, number in kinds.items())


def padded(rows: Sequence[Sequence[str]], left: int) -> list[tuple[str, ...]]:
    """Rows whose columns from number `left` on are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        tuple(
            cell if number < left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def print_rows(
    names: Sequence[str], rows: Sequence[Sequence[str]], marks: Sequence[str] | None = None
) -> None:
    """A table whose first column takes the room that the others leave; the header comes first."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = max(WIDTH - sum(width + 2 for width in widths) - 2, 16)
    header, *body = [
        (shortened(name, room - len(mark)) + mark, *row)
        for name, row, mark in zip(names, rows, marks or [""] * len(names), strict=True)
    ]
    print_table(header, body, numbers=False)
