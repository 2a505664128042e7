"""Stored results as a table."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from mmnet_deploy.api.models import StrPath
from mmnet_deploy.errors import UsageError
from mmnet_deploy.progress import Tell, quiet

if TYPE_CHECKING:
    import pandas as pd

    from mmnet_deploy.results.records import Record
    from mmnet_deploy.results.store import StoredResults

    Results: TypeAlias = StrPath | Record | Sequence[StrPath | Record]

KINDS = ("benchmark", "evaluation", "cost")

MOST_SKIPPED = 20
"""Lines on files of a folder that are no results; the others are only counted."""


def sources_of(results: Results) -> tuple[list[Path], list[Record]]:
    """The paths and the results in memory that are meant.

    Raises:
        UsageError: One is neither.
    """
    several: Iterable[object] = [results]
    if isinstance(results, Iterable) and not isinstance(results, str):
        several = results
    paths: list[Path] = []
    records: list[Record] = []
    for one in several:
        if isinstance(one, (str, os.PathLike)):
            paths.append(Path(one))
        elif _is_record(one):
            records.append(one)
        else:
            raise UsageError(
                "`results` must be files, folders, or what `evaluate`, `bench` and `cost` return. "
                f"Received: {one!r:.80}."
            )
    return paths, records


def _is_record(value: object) -> TypeGuard[Record]:
    from mmnet_deploy.results.records import Benchmark, Cost, Evaluation

    return isinstance(value, (Benchmark, Cost, Evaluation))


def each_result(
    paths: Sequence[Path], tell: Tell = quiet, skipped: list[str] | None = None
) -> Iterator[tuple[Path, Record]]:
    """Stored results one by one.

    Args:
        tell: Takes a line on each other file in the folders, and one on those beyond a number.
        skipped: Takes all lines about other files.

    Raises:
        ResultError: See `store.each`.
    """
    from mmnet_deploy.results import store

    lines = [] if skipped is None else skipped

    def skip(line: str) -> None:
        lines.append(line)
        if len(lines) <= MOST_SKIPPED:
            tell(f"Skipped {line}")

    yield from store.each(paths, skip)
    if len(lines) > MOST_SKIPPED:
        tell(f"Skipped {len(lines) - MOST_SKIPPED} more files that are not results.")


def read_results(paths: Sequence[Path], tell: Tell = quiet) -> StoredResults:
    """All stored results at once; see `each_result`."""
    from mmnet_deploy.results.store import StoredResults

    skipped: list[str] = []
    with _uncollected():
        files, records = zip(*each_result(paths, tell, skipped), strict=True)
    return StoredResults(records, files, tuple(skipped))


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """What is read stays: looking through thousands of results for cycles, again and again, would
    take as long as reading them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def load_results(
    results: Results,
    *,
    model: str | None = None,
    device: str | None = None,
    kind: str | None = None,
    tell: Tell = quiet,
) -> pd.DataFrame:
    """Results as a data frame: a row for each, with units in the names of the columns.

    A benchmark and an evaluation of one file have the same `model_sha256`. Latencies are in ms,
    sizes in bytes, scores plain: a gradient_error of 0.00262 is 2.62 ×10⁻³. A column that a kind
    of result does not have is empty in its rows.

    Args:
        results: Files, folders of them, or what `evaluate`, `bench` and `cost` return.
        model: A part of a model's name, or a pattern with `*`.
        device: The same for a device's name or serial; leaves benchmarks only.
        kind: `benchmark`, `evaluation` or `cost`.
        tell: Takes a line on each file of a folder that is no result.

    Raises:
        UsageError: There is no such kind, or nothing is given.
        ResultError: A path is not there, a file that was named is no result, or there is none.

    Example:
        >>> table = load_results("results", kind="evaluation")
        >>> table[["model", "gradient_error"]].shape
        (1, 2)
    """
    if kind is not None and kind not in KINDS:
        raise UsageError(f"`kind` must be one of {', '.join(KINDS)}. Received: {kind}.")
    paths, records = sources_of(results)
    if not paths and not records:
        raise UsageError("`results` must name at least one file or folder. Received: none.")
    from mmnet_deploy.results import table, table_file

    def found() -> Iterator[tuple[str, Record]]:
        if paths:
            yield from ((str(file), record) for file, record in each_result(paths, tell))
        yield from (("", record) for record in records)

    return table_file.frame(
        table.row(record, file)
        for file, record in found()
        if table.is_chosen(record, model, device, kind)
    )
