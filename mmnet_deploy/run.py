"""A run folder: everything that one training left behind.

config.json        what was trained, on what, how
log.csv            one row per epoch
last.keras         the inference network after the last whole epoch
best.keras         the same where the validation gradient error was least
state.weights.h5   all weights with the optimizer's state, to resume from
tensorboard/       event files
"""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from pathlib import Path

from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.files import write_text

BEST_BY = "val_gradient_error"
"""The column of the log that chooses the best epoch; lower is better."""


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """What a run trains, on what and how; immutable but for a longer `epochs`.

    Attributes:
        family: Name of the network family.
        width_multiplier: None for a family that has one width only.
        input_size: Height and width of the network's input, in pixels.
        data: Root of the data set, an absolute path.
        split: The split to train on; a part of it is held out for validation.
        validation_share: That part, 0 … 1; at least one pair.
        learning_rate: At the start; it falls along a cosine to 0 at the last step.
        batch_norm_momentum: Decay of the moving averages of batch norm.
        initial_weights: The file that the first weights came from, an absolute path; empty
            for random ones.
    """

    family: str
    width_multiplier: float | None
    input_size: int
    data: str
    split: str
    validation_share: float
    epochs: int
    steps_per_epoch: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    batch_norm_momentum: float
    seed: int
    initial_weights: str = ""

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
        self.last = folder / "last.keras"
        self.best = folder / "best.keras"
        self.state = folder / "state.weights.h5"
        self.tensorboard = folder / "tensorboard"

    @property
    def exists(self) -> bool:
        """Whether a training was begun here."""
        return self.config_file.is_file()

    def read_config(self) -> RunConfig:
        """The stored configuration.

        Raises:
            ModelFileError: The folder is no run, or the file is damaged.
        """
        try:
            config = RunConfig(**json.loads(self.config_file.read_text(encoding="utf-8")))
            for field in dataclasses.fields(config):
                kind = type(getattr(config, field.name)).__name__.removesuffix("Type")
                allowed = str(field.type).split(" | ")
                if kind not in allowed and not (kind == "int" and "float" in allowed):
                    raise TypeError(field.name)
            return config
        except (OSError, ValueError, TypeError) as error:
            raise ModelFileError(
                f"{self.folder} is not a run of `mmnet-deploy train`: "
                f"{self.config_file.name} is missing or damaged."
            ) from error

    def write_config(self, config: RunConfig) -> None:
        """Store the configuration."""
        write_text(self.config_file, json.dumps(dataclasses.asdict(config), indent=2) + "\n")

    def read_log(self) -> list[dict[str, float]]:
        """One dictionary per epoch; empty before the first epoch has ended.

        Raises:
            ModelFileError: It is damaged.
        """
        if not self.log_file.is_file():
            return []
        try:
            with self.log_file.open(newline="", encoding="utf-8") as file:
                rows = [
                    {name: float(value) for name, value in row.items()}
                    for row in csv.DictReader(file)
                ]
            for row in rows:
                row["epoch"], row[BEST_BY]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ModelFileError(f"{self.log_file} is damaged.") from error
        return rows

    def write_log(self, rows: list[dict[str, float]]) -> None:
        """Replace the log, in one step."""
        lines = [",".join(rows[0])] if rows else []
        lines += [",".join(repr(value) for value in row.values()) for row in rows]
        write_text(self.log_file, "".join(f"{line}\n" for line in lines))

    def best_score(self) -> float:
        """The least validation gradient error so far; infinity before the first epoch."""
        return min((row[BEST_BY] for row in self.read_log()), default=math.inf)

    def weights(self) -> Path:
        """The network that the run recommends: the best, else the last.

        Raises:
            ModelFileError: No epoch was finished.
        """
        for path in (self.best, self.last):
            if path.is_file():
                return path
        raise ModelFileError(f"{self.folder} holds no trained network yet.")


def auto_batch_norm_momentum(total_steps: int) -> float:
    """A decay whose averages span a hundredth of the training, 0.9 to 0.999.

    With the published 0.999 the initial values stay in the averages for thousands of
    steps. Fifty layers multiply that error, and evaluation looks broken until then.
    """
    return min(0.999, max(0.9, 1 - 100 / total_steps))


def check_config(config: RunConfig) -> None:
    """Refuse settings that no training can have.

    Raises:
        UsageError: A number is out of its range.
    """
    # Not-a-number fails every comparison, so each rule says what is allowed.
    rules = {
        "epochs": (1 <= config.epochs <= 1_000_000, "1 … 1000000"),
        "steps_per_epoch": (1 <= config.steps_per_epoch <= 1_000_000, "1 … 1000000"),
        "batch_size": (1 <= config.batch_size <= 4096, "1 … 4096"),
        "input_size": (config.input_size <= 4096, "at most 4096"),
        "learning_rate": (0 < config.learning_rate < math.inf, "above 0 and finite"),
        "weight_decay": (0 <= config.weight_decay < math.inf, "at least 0 and finite"),
        "batch_norm_momentum": (0 <= config.batch_norm_momentum < 1, "at least 0 and below 1"),
        "validation_share": (0 < config.validation_share < 1, "above 0 and below 1"),
        "seed": (0 <= config.seed < 2**32, "0 … 4294967295"),
    }
    for name, (holds, rule) in rules.items():
        if not holds:
            raise UsageError(f"`{name}` must be {rule}. Received: {getattr(config, name)}.")
