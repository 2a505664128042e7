"""Following a training: every checkpoint as it appears, the best ones kept.

A run replaces `last.keras` after each epoch and adds a row to `log.csv` afterwards. Each
checkpoint gets a second name at once, so that none is missed while an earlier one is being
evaluated, and none is read while it is written.

FOLDER/scores.tsv            one row per checkpoint, and where it was the best so far
FOLDER/best-METRIC.keras     the best checkpoint by that metric
"""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import os
import queue
import shutil
import threading
from collections.abc import Generator, Sequence
from pathlib import Path

from mmnet_deploy.errors import OutputError, ResultError
from mmnet_deploy.files import make_folder, read_regular, sha256, write_text, written_aside
from mmnet_deploy.mattes.metric import Metric
from mmnet_deploy.results.records import Evaluation
from mmnet_deploy.runs.run import Run

LEAST_GAIN = 5e-5
"""By how much a new best must beat the old, as in the published evaluator."""

POLL_S = 0.25


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A network after an epoch, under a name that nobody replaces."""

    epoch: int
    step: int
    path: Path


# --- Checkpoints as they appear ----------------------------------------------


def _identity(path: Path) -> tuple[int, int] | None:
    """What changes when a file is replaced; None if there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def _second_name(source: Path, target: Path) -> None:
    """Link a file, or copy it where the file system knows no links."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


class _Follower:
    """Takes each checkpoint of a run into a folder once."""

    def __init__(self, run: Run, folder: Path) -> None:
        self.run = run
        self.folder = folder
        self._taken: tuple[int, int] | None = None

    def take(self) -> Checkpoint | None:
        """The newest checkpoint if it is not taken yet, once its row is in the log."""
        there = _identity(self.run.last)
        logged = _identity(self.run.log_file)
        if there is None or there == self._taken or logged is None or logged[1] < there[1]:
            return None
        rows = self.run.read_log()
        if not rows:
            return None
        epoch = int(rows[-1]["epoch"])
        path = self.folder / f"epoch-{epoch:04}.keras"
        try:
            _second_name(self.run.last, path)
        except FileNotFoundError:
            return None
        if _identity(self.run.last) != there:  # Replaced meanwhile: which one was it?
            path.unlink()
            return None
        self._taken = there
        return Checkpoint(epoch, epoch * self.run.read_config().steps_per_epoch, path)

    @property
    def at_end(self) -> bool:
        """Whether the training is over and its last checkpoint taken."""
        rows = self.run.read_log() if self.run.exists else []
        over = bool(rows) and rows[-1]["epoch"] >= self.run.read_config().epochs
        return over and self._taken == _identity(self.run.last)


def follow(run: Run, folder: Path) -> Generator[Checkpoint, None, None]:
    """Checkpoints of a run from the newest on, until its training is over.

    A thread takes them, so that evaluating one does not miss the next. Whoever iterates
    removes the files in `folder`; closing the iterator ends the thread.

    Args:
        folder: For the files.

    Raises:
        ModelFileError: The run is damaged.
        OSError: The folder cannot be written.
    """
    found: queue.Queue[Checkpoint | Exception | None] = queue.Queue()
    stop = threading.Event()
    follower = _Follower(run, folder)

    def watch() -> None:
        try:
            while not stop.is_set():
                checkpoint = follower.take()
                if checkpoint:
                    found.put(checkpoint)
                elif follower.at_end:
                    break
                else:
                    stop.wait(POLL_S)
            found.put(None)
        except Exception as error:  # It is raised where somebody listens.
            found.put(error)

    thread = threading.Thread(target=watch, name="follower", daemon=True)
    thread.start()
    try:
        while (item := found.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


# --- What is kept ------------------------------------------------------------


class Best:
    """The scores of a run's checkpoints, and the best one by each metric.

    Args:
        folder: Where `scores.tsv` and the best checkpoints are; those of an earlier watch are
            continued.
        wanted: The metrics.

    Raises:
        ResultError: The scores there are damaged, or of other metrics.
    """

    def __init__(self, folder: Path, wanted: Sequence[Metric]) -> None:
        self.folder = folder
        self.wanted = tuple(wanted)
        self.table = folder / "scores.tsv"
        self._columns = ["epoch", "step", *(m.name for m in wanted), "best", "sha256", "data"]
        self._rows = self._read()

    def _read(self) -> list[dict[str, str]]:
        if not self.table.is_file():
            return []
        try:
            text = read_regular(self.table).decode()
            reader = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t")
            rows = list(reader)
        except (OSError, ValueError, csv.Error) as error:
            raise ResultError(f"{self.table} is damaged.") from error
        if reader.fieldnames != self._columns:
            raise ResultError(
                f"{self.table} holds other scores than {', '.join(m.name for m in self.wanted)}. "
                "Ask for the same metrics, or give another -o."
            )
        try:
            for row in rows:
                # A score may be NaN, that of a network which gives it.
                moment = [float(row[name]) for name in self._columns[:2]]
                scores = [float(row[metric.name]) for metric in self.wanted]
                if not all(map(math.isfinite, moment)) or any(map(math.isinf, scores)):
                    raise ValueError
                if None in row.values():
                    raise ValueError
        except (ValueError, TypeError) as error:
            raise ResultError(f"{self.table} is damaged.") from error
        return rows

    def knows(self, checkpoint: Checkpoint) -> bool:
        """Whether it was evaluated before."""
        digest = sha256(checkpoint.path)
        return any(row["sha256"] == digest for row in self._rows)

    def best(self, metric: Metric) -> tuple[int, float] | None:
        """Epoch and score of the best checkpoint by a metric; None before the first."""
        for row in reversed(self._rows):
            if metric.name in row["best"].split(","):
                return int(float(row["epoch"])), float(row[metric.name])
        return None

    def add(self, checkpoint: Checkpoint, result: Evaluation) -> list[Metric]:
        """Note a checkpoint's scores and keep it if it is a best one.

        Returns:
            The metrics by which it is, with a gain of at least `LEAST_GAIN`; none by a score that
        is no number.

        Raises:
            ResultError: The scores that are there are of other pictures or another size.
            OutputError: The folder cannot be written.
        """
        size = f"{result.height_px}x{result.width_px}" if result.height_px else "native"
        size += "" if result.upsample == "bilinear" else f" {result.upsample}"
        data = f"{result.data}/{result.split} {size} {result.data_sha256[:12]}"
        # A folder's name may hold tabs, and bytes that are no text.
        data = " ".join(data.split()).encode("utf-8", "replace").decode()
        if self._rows and self._rows[-1]["data"] != data:
            raise ResultError(
                f"{self.table} holds scores on {self._rows[-1]['data']}. Give another -o. "
                f"Received: {data}."
            )
        gained = []
        for metric in self.wanted:
            before = self.best(metric)
            score = result.scores[metric.name]
            if math.isnan(score):
                continue
            if before is None or metric.better(score, before[1]) >= LEAST_GAIN:
                gained.append(metric)
        for metric in gained:
            with written_aside(self.folder / f"best-{metric.name}.keras") as aside:
                _second_name(checkpoint.path, aside)
        values = {m.name: repr(result.scores[m.name]) for m in self.wanted}
        row = {
            "epoch": str(checkpoint.epoch),
            "step": str(checkpoint.step),
            **values,
            "best": ",".join(metric.name for metric in gained),
            "sha256": sha256(checkpoint.path),
            "data": data,
        }
        # After the files: a row that says best has its checkpoint.
        lines = [self._columns, *([r[name] for name in self._columns] for r in [*self._rows, row])]
        write_text(self.table, "".join("\t".join(line) + "\n" for line in lines))
        self._rows.append(row)
        return gained


def pending_folder(folder: Path) -> Path:
    """A folder for checkpoints that wait, emptied of what a watch that was killed left.

    Raises:
        OutputError: It cannot be written.
    """
    pending = make_folder(folder / ".pending")
    try:
        for path in pending.glob("epoch-*.keras"):
            path.unlink()
    except OSError as error:
        raise OutputError(f"Cannot write to the folder {pending}: {error.strerror}.") from error
    return pending
