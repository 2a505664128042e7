"""Tables on disk, as CSV or Parquet."""

from __future__ import annotations

import csv
import importlib.util
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mmnet_deploy.errors import MissingDependencyError, UsageError
from mmnet_deploy.files import written_aside

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet may take for the beginning of a formula, in full width too."""


def plain_cell(text: str) -> str:
    """Text as a spreadsheet shows it: with an apostrophe before what it would compute.

    A cell that begins with `=`, `+`, `-` or `@` is a formula to them, and may call programs
    (OWASP, "CSV injection").
    """
    risky = text.lstrip().startswith(_FORMULA) or text.startswith(("\t", "\r", "\n"))
    return "'" + text if risky else text


def check_file(path: Path) -> None:
    """Refuse what `write` cannot write, before anything is read.

    Raises:
        UsageError, MissingDependencyError: See `write`.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".parquet"):
        raise UsageError(f"The table's file must end in .csv or .parquet. Received: {path.name}.")
    if kind == ".parquet" and not importlib.util.find_spec("pyarrow"):
        raise MissingDependencyError(
            "A .parquet file needs pyarrow. Install with: pip install pyarrow; or give a .csv file."
        )


def frame(of: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """The rows as a data frame; a column that a row lacks is empty there.

    Columns come in the order of their first row, and equal texts are kept once.
    """
    import pandas as pd

    texts: dict[str, str] = {}
    columns: dict[str, list[Any]] = {}
    count = 0
    for row in of:
        for name, value in row.items():
            column = columns.setdefault(name, [])
            column += [None] * (count - len(column))
            if isinstance(value, str):
                if value not in texts:
                    # A file name may be no valid text, and no table can hold that.
                    texts[value] = value.encode(errors="backslashreplace").decode()
                value = texts[value]
            column.append(value)
        count += 1
    for column in columns.values():
        column += [None] * (count - len(column))
    return pd.DataFrame(
        {
            # pandas would make floats of whole numbers where one is missing.
            name: pd.array(column, dtype="Int64") if all(map(_is_whole, column)) else column
            for name, column in columns.items()
        }
    )


def _is_whole(value: Any) -> bool:
    return value is None or type(value) is int


def _quoting(table: pd.DataFrame) -> Literal[0, 2]:
    """All texts in quotes where one holds a carriage return, which csv leaves bare otherwise."""
    texts = itertools.chain(table.columns, *(table[name] for name in table))
    odd = any(isinstance(cell, str) and "\r" in cell for cell in texts)
    return csv.QUOTE_NONNUMERIC if odd else csv.QUOTE_MINIMAL


def _plain_column(column: pd.Series) -> pd.Series:
    """A column with `plain_cell` of its texts; others are numbers and stay as they are."""
    from pandas.api import types

    if types.is_numeric_dtype(column.dtype):
        return column
    return column.map(lambda cell: plain_cell(cell) if isinstance(cell, str) else cell)


def write(of: Iterable[dict[str, Any]], path: Path, *, raw: bool = False) -> int:
    """Write the rows as CSV or Parquet, by the suffix of `path`; returns how many there were.

    Args:
        raw: Whether a CSV file has texts as they are; see `plain_cell`.

    Raises:
        UsageError: It has another suffix.
        MissingDependencyError: Parquet is asked for, and pyarrow is not installed.
        OutputError: The file cannot be written.
    """
    check_file(path)
    table = frame(of)
    with written_aside(path) as aside:
        if path.suffix.lower() == ".csv":
            if not raw:
                table = table.rename(columns=plain_cell).apply(_plain_column)
            table.to_csv(aside, index=False, quoting=_quoting(table))
        else:
            table.to_parquet(aside, engine="pyarrow", index=False)
    return len(table)
