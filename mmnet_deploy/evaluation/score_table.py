"""The scores of every picture as a table on disk."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mmnet_deploy.errors import MissingDependencyError, UsageError
from mmnet_deploy.files import write_text, written_aside
from mmnet_deploy.results.records import Evaluation


def check_file(path: Path) -> None:
    """Make sure that a table can be written in the format that the suffix says.

    Raises:
        UsageError: It is neither .csv nor .parquet.
        MissingDependencyError: It is .parquet, and pyarrow is not installed.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise UsageError(f"`per_image` must end in .csv or .parquet. Received: {path.name}.")
    if path.suffix == ".parquet" and not importlib.util.find_spec("pyarrow"):
        raise MissingDependencyError(
            "A .parquet file needs pyarrow. Install with: pip install pyarrow; or give a .csv file."
        )


def table(results: Sequence[Evaluation]) -> pd.DataFrame:
    """One row per model and picture: model, model_sha256, picture, and a column per metric.

    Numbers are plain, not ×10⁻³; a score that a picture does not have is missing.
    """
    rows = [
        {
            # A file name may be no text; tables hold text only.
            "model": _text(result.model.name),
            "model_sha256": result.model.sha256,
            "picture": _text(picture.name),
            **picture.scores,
        }
        for result in results
        for picture in result.pictures
    ]
    names = dict.fromkeys(name for result in results for name in result.scores)
    return pd.DataFrame(rows, columns=["model", "model_sha256", "picture", *names])


def _text(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


def write(results: Sequence[Evaluation], path: Path) -> Path:
    """Write `table` as CSV or Parquet, whole or not at all.

    Raises:
        UsageError, MissingDependencyError: As `check_file` does.
        OutputError: The file cannot be written.
    """
    check_file(path)
    found = table(results)
    if path.suffix == ".csv":
        return write_text(path, found.to_csv(index=False, lineterminator="\n"))
    with written_aside(path) as aside:
        found.to_parquet(aside, engine="pyarrow", index=False)
    return path
