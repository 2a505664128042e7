"""A training under way: one epoch of it, trained, validated, stored and reported."""

from __future__ import annotations

import dataclasses
import math
import time

import keras
import numpy as np

from mmnet_deploy.errors import TrainingError
from mmnet_deploy.progress import Advance
from mmnet_deploy.runs.run import Run, RunConfig
from mmnet_deploy.training import checkpoints
from mmnet_deploy.training.events import Events
from mmnet_deploy.training.history import History
from mmnet_deploy.training.pictures.batches import Stream
from mmnet_deploy.training.trainer import Trainer
from mmnet_deploy.training.validation import Validation
from mmnet_deploy.training.workers import Workers

FAR_WORSE = 1.5
"""How many times the MAD of an imported network a later one has where training has harmed it."""


@dataclasses.dataclass
class Session:
    """All that an epoch needs, and what those before gave.

    Attributes:
        imported_mad: Validation MAD of an imported network before its first step; None for others.
    """

    config: RunConfig
    run: Run
    trainer: Trainer
    deployed: keras.Model
    validation: Validation
    events: Events
    workers: Workers
    advance: Advance
    history: History
    imported_mad: float | None = None

    def score_imported(self, imported: keras.Model, said: bool) -> None:
        """Find out how good an imported network is before the first step; say so if `said`."""
        self.deployed.set_weights(imported.get_weights())
        scores = self.validation.scores(self.deployed)
        self.imported_mad = scores["val_mad"]
        if said:
            self.advance(f"as imported: {_told(scores)}", steps=0)

    def say_gain(self) -> None:
        """At the end, say if no epoch was better than the network as imported."""
        best = self.history.best_score("mad")
        if self.imported_mad is None or not self.history.rows or best < self.imported_mad:
            return
        self.advance(
            f"no epoch was better than the imported network: its validation MAD is "
            f"{self.imported_mad:.4f}, that of the best epoch {best:.4f}. Try a lower "
            f"--learning-rate, such as {self.config.learning_rate / 10:g}, or more pictures.",
            steps=0,
        )

    def epoch(self, number: int, stream: Stream) -> None:
        """Train, validate, store and report epoch `number`, from 1.

        Raises:
            TrainingError: The loss became infinite or undefined, or a worker was lost.
            OutputError: The run folder cannot be written.
        """
        steps = []
        begin, waited, untimed = 0.0, 0.0, 0
        for step in range(self.config.steps_per_epoch):
            # Without the first step, which may have to be compiled, if there are others.
            if step < 2:
                begin, waited, untimed = time.perf_counter(), stream.waited_s, step
            steps.append(self._step(step, stream))
        taken_s = time.perf_counter() - begin
        speed = {
            "pictures_per_s": (len(steps) - untimed) * self.config.batch_size / taken_s,
            "waiting_share": (stream.waited_s - waited) / taken_s,
        }
        self._require_numbers(number)
        with self.workers.alone():
            # Every worker does, so that none waits for one that validates.
            self.deployed.set_weights(self.trainer.deployed_weights())
            scores = self.validation.scores(self.deployed)
        means = {name: float(np.mean([logs[name] for logs in steps])) for name in steps[0]}
        row = {"epoch": float(number), **means, **scores}
        self.trainer.finished_epochs.assign(number)
        if self.workers.writes:
            # Alone too: whatever is made to store an epoch is no business of the others.
            with self.workers.alone():
                self._store(row, speed)
        self.advance(
            f"epoch {number}: loss {row['loss']:.4f}, {_told(scores)}; "
            f"{speed['pictures_per_s']:.0f} pictures/s, "
            f"{100 * speed['waiting_share']:.0f} % of the time waiting for data",
            steps=0,
        )
        if self.imported_mad is not None and scores["val_mad"] > FAR_WORSE * self.imported_mad:
            self.advance(
                f"epoch {number} is far worse than the network as imported: try a lower "
                f"--learning-rate than {self.config.learning_rate:g}.",
                steps=0,
            )
        undefined = [name for name, score in scores.items() if math.isnan(score)]
        if undefined:
            names = ", ".join(name.removeprefix("val_") for name in undefined)
            self.advance(f"epoch {number} is not the best by {names}: it is no number.", steps=0)

    def _require_numbers(self, number: int) -> None:
        """Refuse to store weights from which no training can go on.

        Raises:
            TrainingError: One of them is infinite or undefined.
        """
        for weights in (*self.trainer.deployed_weights(), *self.trainer.network.get_weights()):
            if not np.isfinite(weights).all():
                raise TrainingError(
                    f"The weights became infinite or undefined in epoch {number}; "
                    f"{self._kept()}. Try a lower --learning-rate."
                )

    def _kept(self) -> str:
        """What there is of the epochs before."""
        return "the last whole epoch is kept" if self.history.rows else "no epoch was finished"

    def _step(self, step: int, stream: Stream) -> dict[str, float]:
        with self.workers.watched():
            logs = self.trainer.step(next(stream))
        if not math.isfinite(logs["loss"]):
            raise TrainingError(
                f"The loss became {logs['loss']} at step {step + 1} of the epoch; {self._kept()}. "
                "Try a lower --learning-rate."
            )
        self.advance(f"loss {logs['loss']:.4f}")
        return logs

    def _store(self, row: dict[str, float], speed: dict[str, float]) -> None:
        self.history = checkpoints.store_epoch(
            self.run,
            self.deployed,
            self.trainer,
            self.history,
            row,
            keep=self.config.keep_checkpoints,
        )
        rate = float(keras.ops.convert_to_numpy(self.trainer.optimizer.learning_rate))
        weights: dict[str, float] = {}
        if self.trainer.term_weights.change:
            now = self.trainer.term_weights.now()
            weights = {f"loss_weight/{name}": weight for name, weight in now.items()}
        self.events.write(
            int(row["epoch"]),
            {**row, "learning_rate": rate, **weights, **speed},
            {f"picture, {self.validation.truth}, matte": self.validation.sheet(self.deployed)},
        )


def _told(scores: dict[str, float]) -> str:
    """The scores of validation, in words."""
    return (
        f"validation MAD {scores['val_mad']:.4f}, "
        f"gradient error {scores['val_gradient_error'] * 1000:.2f} ×10⁻³, "
        f"mean IoU {scores['val_mean_iou']:.3f}"
    )
