"""What the epochs of a run gave, and which of them are the best.

It is stored in `state.npz` with the weights, so that they never disagree; `log.csv` and
`scores.tsv` are made from it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.files import sha256
from mmnet_deploy.runs.run import VALIDATED, Row, Run, is_better


@dataclasses.dataclass
class History:
    """The epochs so far.

    Attributes:
        rows: One for each epoch, those of the log.
        best: By metric of validation the epoch whose network is kept as the best; a metric
            that has been no number so far has none.
        sha256: Of the network files, by their names.
        pictures_sha256: Of the list of the run's pictures.
    """

    rows: list[Row] = dataclasses.field(default_factory=list)
    best: dict[str, int] = dataclasses.field(default_factory=dict)
    sha256: dict[str, str] = dataclasses.field(default_factory=dict)
    pictures_sha256: str = ""

    def with_row(self, row: Row) -> tuple[History, list[str]]:
        """The history with another epoch, and the metrics by which that is the best."""
        gained = [
            metric
            for metric in VALIDATED
            if is_better(metric, row[f"val_{metric}"], self.best_score(metric))
        ]
        best = self.best | {metric: int(row["epoch"]) for metric in gained}
        return dataclasses.replace(self, rows=[*self.rows, row], best=best), gained

    def best_score(self, metric: str) -> float:
        """The score of the best epoch by a metric; NaN before there is one."""
        epoch = self.best.get(metric)
        return math.nan if epoch is None else self.rows[epoch - 1][f"val_{metric}"]

    def scores(self, run: Run) -> str:
        """The table of the best epoch by each metric, tabs between its columns."""
        lines = ["metric\tepoch\tscore\tfile\n"]
        lines += [
            f"{metric}\t{epoch}\t{self.best_score(metric)!r}\t{run.best_by(metric).name}\n"
            for metric in VALIDATED
            if (epoch := self.best.get(metric)) is not None
        ]
        return "".join(lines)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))


def from_json(text: str | bytes) -> History:
    """What `History.to_json` gave.

    Raises:
        ValueError, TypeError, KeyError: It is damaged.
    """
    content: dict[str, Any] = json.loads(text)
    return History(**content)


def from_log(run: Run, epochs: int) -> History:
    """The history of a run whose state, of an earlier version, holds none.

    Raises:
        ModelFileError: The log lacks some of the epochs.
    """
    rows = [row for row in run.read_log() if row["epoch"] <= epochs]
    if [row["epoch"] for row in rows] != list(range(1, epochs + 1)):
        raise ModelFileError(
            f"{run.log_file} must hold the epochs 1 to {epochs}, which {run.state.name} was "
            f"trained for; it holds {len(rows)} of them. Put the file back, or begin another run "
            f"with --init-from {run.folder}."
        )
    history = History()
    for row in rows:
        history, _ = history.with_row(row)
    return history


def digest(text: str) -> str:
    """Hexadecimal SHA-256 of a text, which may hold bytes that are none."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def file_with(run: Run, wanted: str) -> Path | None:
    """The network file with this hash; None if the run folder has none."""
    return next((path for path in run.network_files() if sha256(path) == wanted), None)
