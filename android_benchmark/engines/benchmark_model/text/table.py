"""Tables of the operator profile in all their layouts, read by their header line.

Columns are parted by tabs, by blanks (newest layout, expanded tabs) or by commas. Node types
hold blanks, commas and digits, so their end is found from the other columns.
"""

from __future__ import annotations

import dataclasses
import itertools
import re

from android_benchmark.engines.benchmark_model.text.number import KIB, MILLISECONDS, integer, real


@dataclasses.dataclass(frozen=True)
class ProfileRow:
    """An operator, or all of one type in the table `Summary by node type`.

    Attributes:
        node_type: Such as `CONV_2D` or `Convolution (NHWC, QC8) IGEMM`.
        name: Outputs and index of the node; None in the summary.
        start_us: Begin within a run, mean; not in builds between about TF 2.9 and LiteRT 2.
        first_us: Duration in the first run.
        avg_us: Mean duration of one call; of all nodes of the type in the summary.
        share_percent: Part of a run's time, all calls together. So a row that is called 13 times
            has 13 times the share that `avg_us` suggests.
        cumulative_percent: Sum of the shares so far.
        memory_bytes: Growth of the largest resident set; the tool's KB are of 1024 bytes.
        times_called: Calls per run.
        nodes: Number of nodes of the type; only in the summary.
    """

    node_type: str
    name: str | None = None
    start_us: float | None = None
    first_us: float | None = None
    avg_us: float | None = None
    share_percent: float | None = None
    cumulative_percent: float | None = None
    memory_bytes: float | None = None
    times_called: int | None = None
    nodes: int | None = None


@dataclasses.dataclass(frozen=True)
class Header:
    """The columns of a table, as fields of `ProfileRow`, and whether commas part them."""

    fields: tuple[str, ...]
    csv: bool


_FIELDS = {
    "node type": "node_type",
    "start": "start_us",
    "first": "first_us",
    "avg ms": "avg_us",
    "%": "share_percent",
    "avg %": "share_percent",
    "cdf%": "cumulative_percent",
    "cdf %": "cumulative_percent",
    "mem kb": "memory_bytes",
    "times called": "times_called",
    "count": "nodes",
    "name": "name",
}
_FACTORS = {
    "start_us": MILLISECONDS,
    "first_us": MILLISECONDS,
    "avg_us": MILLISECONDS,
    "memory_bytes": KIB,
}
_INTEGERS = ("times_called", "nodes")
_PERCENTAGES = ("share_percent", "cumulative_percent")
_NOT_A_NUMBER = ("nan", "-nan", "inf", "-inf")

_BRACKETS = re.compile(r"\[([^\[\]]{1,20})\]")
_WORD = re.compile(r"\S+")
_CSV = "node type, "


def header(text: str) -> Header | None:
    """The header that `text` is; None if it is none, or has a column that is not known."""
    text = text.strip(" \t")
    csv = text.startswith(_CSV)
    if not csv and not text.startswith(("[node type]", "[Node type]")):
        return None
    names = text.split(", ") if csv else _BRACKETS.findall(text)
    fields = tuple(_FIELDS.get(name.strip().lower().replace("_", " "), "") for name in names)
    if not all(fields) or len(set(fields)) < len(fields) or "name" in fields[:-1]:
        return None
    # The two percentages stand side by side in every layout; rows are found by them.
    pairs = itertools.pairwise(fields)
    return Header(fields, csv) if _PERCENTAGES in pairs else None


def row(text: str, header: Header) -> ProfileRow | None:
    """One row, or None if it is none or anything in it is malformed."""
    cells = _cells(text, header)
    if cells is None or not cells[0]:
        return None
    values: dict[str, str | float | int | None] = {}
    for field, cell in zip(header.fields, cells, strict=True):
        if field in ("node_type", "name"):
            values[field] = cell
            continue
        if field in _PERCENTAGES:
            if not cell.endswith("%"):
                return None
            cell = cell[:-1]
        if field in _INTEGERS:
            values[field] = integer(cell)
        else:
            value = real(cell, _FACTORS.get(field, 1))
            # Only memory can shrink.
            if value is not None and value < 0 and field != "memory_bytes":
                return None
            values[field] = value
        # A run without any time has shares that are no numbers, which is no fault of the row.
        if values[field] is None and cell not in _NOT_A_NUMBER:
            return None
    return ProfileRow(**values)  # type: ignore[arg-type]  # each field has the type of its column


def _cells(text: str, header: Header) -> list[str] | None:
    columns = len(header.fields)
    if header.csv:
        # Commas within a name were made tabs; those within a node type were not.
        cells = text.rsplit(", ", columns - 1)
        if header.fields[-1] == "name":
            cells[-1] = cells[-1].replace("\t", ",")
    elif "\t" in text:
        cells = text.removeprefix("\t").split("\t", columns - 1)
    else:
        return _cells_by_percent(text, header)
    return [cell.strip(" ") for cell in cells] if len(cells) == columns else None


def _cells_by_percent(text: str, header: Header) -> list[str] | None:
    """Cells that blanks part: the two percentages show where the numbers are."""
    named = header.fields[-1] == "name"
    numbers = len(header.fields) - 1 - named
    ahead = header.fields.index("share_percent") - 1
    words = list(_WORD.finditer(text))
    for first in range(1, len(words) - numbers + 1):
        share = first + ahead
        if share + 1 < len(words) and words[share][0][-1] == words[share + 1][0][-1] == "%":
            last = first + numbers - 1
            cells = [word[0] for word in words[first : last + 1]]
            rest = text[words[last].end() :].strip(" ")
            if rest and not named:
                return None
            node_type = text[: words[first].start()].strip(" ")
            return [node_type, *cells, *([rest] if named else [])]
    return None
