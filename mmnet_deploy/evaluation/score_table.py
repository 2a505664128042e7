"""The scores of every picture as a table on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmnet_deploy.results import table_file
from mmnet_deploy.results.records import Evaluation


def rows(results: Sequence[Evaluation]) -> Iterator[dict[str, Any]]:
    """One row per model and picture: model, model_sha256, picture, and a column per metric.

    Beside the gradient error stands that of a matte of one value, `constant_gradient_error`.
    Numbers are plain, not ×10⁻³; a score that a picture does not have is None.
    """
    names = dict.fromkeys(name for result in results for name in result.scores)
    for result in results:
        model = {"model": result.model.name, "model_sha256": result.model.sha256}
        for picture in result.pictures:
            scores = {name: picture.scores.get(name) for name in names}
            if "gradient_error" in names:
                scores["constant_gradient_error"] = picture.constant.get("gradient_error")
            yield model | {"picture": picture.name} | scores


def write(results: Sequence[Evaluation], path: Path, *, raw: bool = False) -> None:
    """Write `rows` as CSV or Parquet, whole or not at all.

    Args:
        raw: See `table_file.write`.

    Raises:
        UsageError, MissingDependencyError, OutputError: See `table_file.write`.
    """
    table_file.write(rows(results), path, raw=raw)
