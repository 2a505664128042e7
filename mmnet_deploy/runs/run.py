"""A run folder: everything that one training left behind.

config.json        what was trained, on what, how
recipe.toml        the recipe of it, to train others by
pictures.txt       the pictures, those that validate marked
log.csv            one row per epoch
scores.tsv         the best epoch by each metric
last.keras         the inference network after the last whole epoch
best.keras         the same where the validation MAD was least
best-NAME.keras    the same for the other metrics
checkpoints/       the networks of the latest epochs, if the recipe keeps any
state.npz          all weights with the optimizer's state, to resume from
imported.keras     the network that was made of a `.tflite` file, if the run began with one
tensorboard/       event files
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.files import read_regular, write_text
from mmnet_deploy.files.toml import cut_off, shown
from mmnet_deploy.runs import recipe_file
from mmnet_deploy.runs.recipe import (
    COUNT,
    DECAY,
    Recipe,
    Rule,
    as_typed,
    problem,
    ruled,
)

MOST_CONFIG_BYTES = 2**20
MOST_LOG_BYTES = 2**30

BEST_BY = "val_mad"
"""The column of the log that chooses the best epoch; lower is better.

Not the gradient error: a matte of one value everywhere, which a network gives before it has
learnt anything, has hardly any gradient to be wrong and can beat a trained network's.
"""

VALIDATED: Mapping[str, bool] = MappingProxyType(
    {"gradient_error": False, "mad": False, "mean_iou": True}
)
"""The metrics of validation, and whether a greater value is better."""


SIDE = Rule("1 … 4096", lambda value: 1 <= value <= 4096)
"""Of a network's input, in pixels."""

Row = dict[str, float]
"""A line of the log: what an epoch gave, by the names of the columns."""


def is_better(metric: str, score: float, other: float) -> bool:
    """Whether a score of validation beats another; what is no number beats none, and is beaten."""
    if math.isnan(score) or math.isnan(other):
        return math.isnan(other) and not math.isnan(score)
    return score > other if VALIDATED[metric] else score < other


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig(Recipe):
    """What a run trains, on what and how; only `epochs` may grow later.

    A recipe that leaves nothing open but the defaults of the family.

    Attributes:
        family: Name of the network family, or of an imported network.
        width_multiplier: None for a family that has one width only.
        input_size: Height and width of the network's input, in pixels.
        input_width: Its width, where that differs from its height.
        data: Root of the data set, an absolute path; empty if there is none beside `unlabelled`.
        split: The splits to train on, joined by commas; see `data.find_pairs`.
        initial_weights: The file or run that the first weights came from, an absolute path;
            empty for random ones.
        init_include: Only layers whose name matches this regular expression get them.
        init_exclude: Layers whose name matches this one do not; empty for none.
        backgrounds: Folder of other backgrounds, an absolute path; empty for none.
        mask_values: What class numbers in the masks mean; see `masks.parse_mask_values`. Empty
            for masks of alpha.
        imported_from: The `.tflite` file that the network was made of, an absolute path; empty for
            one of a family.
        imported_sha256: Hash of that file.
        output: What was said of that file, as the three that follow; see `output.Meaning`.
        teacher: The network that pictures without masks are learned from, an absolute path; empty
            for none.
        teacher_name: What it is called, such as `mediapipe:selfie`.
        teacher_sha256: Hash of its file, which the training goes on with wherever it is.
        teacher_licence: By its SPDX identifier; empty if it is not known.
        teacher_output: What was said of the teacher, as the three that follow; see
            `output.Meaning`.
        unlabelled: Folder of the pictures without masks, an absolute path; empty for none.
    """

    family: str
    width_multiplier: float | None
    input_size: int = ruled(SIDE)
    input_width: int | None = ruled(SIDE, default=None)
    data: str
    split: str
    steps_per_epoch: int = ruled(COUNT)
    batch_norm_momentum: float = ruled(DECAY)
    initial_weights: str = ""
    init_include: str = ""
    init_exclude: str = ""
    backgrounds: str = ""
    mask_values: str = ""
    imported_from: str = ""
    imported_sha256: str = ""
    output: str | None = None
    alpha_channel: int | None = None
    output_size: tuple[float, ...] | None = None
    input_range: tuple[float, ...] | None = None
    teacher: str = ""
    teacher_name: str = ""
    teacher_sha256: str = ""
    teacher_licence: str = ""
    teacher_output: str | None = None
    teacher_alpha_channel: int | None = None
    teacher_output_size: tuple[float, ...] | None = None
    teacher_input_range: tuple[float, ...] | None = None
    unlabelled: str = ""

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the network's input, in pixels."""
        return self.input_size, self.input_width or self.input_size

    @property
    def total_steps(self) -> int:
        """Steps of the whole training."""
        return self.epochs * self.steps_per_epoch


class Run:
    """The files of a run folder, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config_file = folder / "config.json"
        self.log_file = folder / "log.csv"
        self.recipe_file = folder / "recipe.toml"
        self.pictures_file = folder / "pictures.txt"
        self.scores_file = folder / "scores.tsv"
        self.checkpoints = folder / "checkpoints"
        self.last = folder / "last.keras"
        self.best = folder / "best.keras"
        self.state = folder / "state.npz"
        self.imported = folder / "imported.keras"
        self.tensorboard = folder / "tensorboard"

    @property
    def exists(self) -> bool:
        """Whether a training was begun here."""
        return self.config_file.is_file()

    @property
    def has_epochs(self) -> bool:
        """Whether anything is here of an epoch that was finished, or nearly."""
        try:
            return bool(self.network_files()) or self.log_file.stat().st_size > 0
        except OSError:
            return False

    def network_files(self) -> list[Path]:
        """Every network in the folder: the last, the best, and the latest of `checkpoints`."""
        kept = sorted(self.checkpoints.glob("epoch-*.keras"), reverse=True)
        named = [self.last, *map(self.best_by, VALIDATED)]
        return [path for path in (*named, *kept) if path.is_file()]

    def read_config(self) -> RunConfig:
        """The stored configuration.

        Raises:
            ModelFileError: The folder is no run, or the file is damaged.
        """
        about = f"{self.folder} is not a run of `mmnet-deploy train`: {self.config_file.name}"
        try:
            stored = json.loads(read_regular(self.config_file, MOST_CONFIG_BYTES))
        except (OSError, ValueError, RecursionError) as error:
            raise ModelFileError(f"{about} is missing or damaged.") from error
        wrong = _wrong(stored)
        if wrong:
            raise ModelFileError(f"{about} is damaged: {wrong}.")
        fields = {field.name: field for field in dataclasses.fields(RunConfig)}
        return RunConfig(**{name: as_typed(fields[name], value) for name, value in stored.items()})

    def write_config(self, config: RunConfig) -> None:
        """Store the configuration, and its recipe."""
        write_text(self.recipe_file, recipe_file.write(config))
        write_text(self.config_file, json.dumps(dataclasses.asdict(config), indent=2) + "\n")

    def read_log(self) -> list[Row]:
        """One dictionary per epoch; empty before the first epoch has ended.

        Raises:
            ModelFileError: It is damaged.
        """
        if not self.log_file.is_file():
            return []
        try:
            text = read_regular(self.log_file, MOST_LOG_BYTES).decode()
            rows = [
                {name: float(value) for name, value in row.items()}
                for row in csv.DictReader(io.StringIO(text, newline=""))
            ]
            for row in rows:
                row["epoch"], row[BEST_BY]
        except (OSError, ValueError, TypeError, KeyError, AttributeError, csv.Error) as error:
            raise ModelFileError(f"{self.log_file} is damaged.") from error
        return rows

    def write_log(self, rows: list[Row]) -> None:
        """Replace the log, in one step."""
        lines = [",".join(rows[0])] if rows else []
        lines += [",".join(repr(value) for value in row.values()) for row in rows]
        write_text(self.log_file, "".join(f"{line}\n" for line in lines))

    def best_row(self, metric: str) -> Row | None:
        """The log's row of the best epoch by a metric, as `scores.tsv` has it.

        None if no epoch has a score that is a number, or the files are damaged.
        """
        try:
            text = self.scores_file.read_text(encoding="utf-8")
            told = dict(line.split("\t")[:2] for line in text.splitlines()[1:])
            return next(row for row in self.read_log() if row["epoch"] == float(told[metric]))
        except (OSError, ValueError, KeyError, StopIteration, ModelFileError):
            return None

    def best_by(self, metric: str) -> Path:
        """The file of the best network by a metric of `VALIDATED`."""
        by_default = f"val_{metric}" == BEST_BY
        return self.best if by_default else self.folder / f"best-{metric}.keras"

    def weights(self) -> Path:
        """The network that the run recommends: the best, else the last.

        Raises:
            ModelFileError: No epoch was finished.
        """
        for path in (self.best, self.last):
            if path.is_file():
                return path
        raise ModelFileError(f"{self.folder} holds no trained network yet.")


def _wrong(stored: Any) -> str | None:
    """What is wrong with a stored configuration, without a full stop; None if nothing is."""
    if not isinstance(stored, dict):
        return "it holds no fields"
    for field in dataclasses.fields(RunConfig):
        name, value = field.name, stored.get(field.name)
        needed = field.default is dataclasses.MISSING
        if name not in stored:
            if needed:
                return f"`{name}` is missing"
        elif said := problem(field, value):
            return said
        elif isinstance(value, str) and not _is_text_of_a_path(value):
            return f"`{name}` is no text. Received: {shown(value)}"
    unknown = stored.keys() - {field.name for field in dataclasses.fields(RunConfig)}
    return f"`{cut_off(min(unknown))}` is unknown" if unknown else None


def _is_text_of_a_path(text: str) -> bool:
    """Whether the system can take a text as a path; names may be bytes that are no UTF-8."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def auto_batch_norm_momentum(total_steps: int, ema_decay: float = 0.0) -> float:
    """A decay whose averages span a hundredth of the training, 0.9 to 0.999.

    With the published 0.999 the initial values stay in the averages for thousands of
    steps. Fifty layers multiply that error, and evaluation looks broken until then.

    Args:
        ema_decay: Of the weights. Averages of the weights want statistics of the same
            stretch of the training, not those of the latest weights.
    """
    return max(ema_decay, min(0.999, max(0.9, 1 - 100 / total_steps)))
