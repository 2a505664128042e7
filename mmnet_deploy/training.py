"""Training with Keras `fit`: published losses and augmentation, into a run folder.

Everything random is a function of the seed and of the step, and the whole state of
the optimizer is stored after each epoch, so a resumed training continues as if it
had never stopped.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import models
from mmnet_deploy import augmentation, data, initial_weights, losses, metrics
from mmnet_deploy.errors import (
    DataError,
    ModelFileError,
    OutputError,
    TrainingError,
    UsageError,
)
from mmnet_deploy.files import check_folder, make_folder, written_aside
from mmnet_deploy.progress import Advance, Progress, silent
from mmnet_deploy.run import BEST_BY, Run, RunConfig, check_config


class Trainer(keras.Model):
    """A network with the losses that train it, reported term by term.

    Attributes:
        stage: What is trained now; see `begin`.
        finished_epochs: Stored with the weights, so that they say where to go on.
    """

    def __init__(self, network: keras.Model, weight_decay: float) -> None:
        super().__init__()
        self.network = network
        self.weight_decay = weight_decay
        self.stage = models.Stage()
        self.finished_epochs = self.add_weight(
            name="finished_epochs", dtype="int32", initializer="zeros", trainable=False
        )
        names = ["alpha", "compositional", "gradient", "cross_entropy"]
        names += ["auxiliary"] if "auxiliary_logits" in network.output else []
        self.trackers = {name: keras.metrics.Mean(name=name) for name in names}

    def call(self, image: Any, training: bool = False) -> Any:
        return self.network(image, training=training)

    def begin(self, stage: models.Stage, learning_rate: float, steps: int) -> None:
        """Freeze what the stage does not train, with a new optimizer for what it does."""
        self.stage = stage
        for layer in self.network.layers:
            layer.trainable = layer.name.startswith(stage.trains)
        schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        optimizer = keras.optimizers.Adam(schedule)
        optimizer.build(self.trainable_variables)
        # XLA compiles this network for minutes on a CPU, and then runs it many times slower.
        self.compile(optimizer, jit_compile=False)

    def settle_dropout(self, steps: int) -> None:
        """Let the next dropout be that of this step, which the stored weights do not say."""
        for layer in self.network.layers:
            if isinstance(layer, keras.layers.Dropout):
                state = layer.seed_generator.state
                state.assign([int(keras.ops.convert_to_numpy(state)[0]), steps])

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        terms = losses.loss_terms(x, y, y_pred, self.stage.logits)
        for name, term in terms.items():
            self.trackers[name].update_state(term)
        minimised = {name: terms[name] for name in self.stage.terms or terms}
        return losses.total_loss(minimised) + self.weight_decay * self._squared_kernels()

    def _squared_kernels(self) -> Any:
        """Sum of squares over the convolution kernels, depthwise ones left out."""
        kernels = [
            layer.kernel for layer in self.network.layers if isinstance(layer, keras.layers.Conv2D)
        ]
        return sum(keras.ops.sum(keras.ops.square(kernel)) for kernel in kernels)


@dataclasses.dataclass(frozen=True)
class Validation:
    """Held-out pictures, uint8 (n, s, s, 3), and masks, uint8 (n, s, s)."""

    images: np.ndarray
    masks: np.ndarray

    def scores(self, network: keras.Model, batch_size: int) -> dict[str, float]:
        """Mean metrics of the inference network at its own resolution."""
        columns: dict[str, list[float]] = {"gradient_error": [], "mad": [], "mean_iou": []}
        for start in range(0, len(self.images), batch_size):
            batch = self.images[start : start + batch_size]
            # Every batch has the same shape, so that the network is compiled once.
            padded = np.resize(batch, (batch_size, *batch.shape[1:])).astype(np.float32) / 255
            matte = np.asarray(network.predict_on_batch(padded))[: len(batch), ..., -1]
            for alpha, mask in zip(matte, self.masks[start : start + batch_size], strict=True):
                for name, column in columns.items():
                    column.append(metrics.METRICS[name](alpha, mask.astype(np.float32) / 255))
        return {f"val_{name}": float(np.mean(column)) for name, column in columns.items()}


class _Recorder(keras.callbacks.Callback):
    """Scores, logs and stores the network after every epoch, and reports each step."""

    def __init__(
        self,
        run: Run,
        network: keras.Model,
        validation: Validation,
        batch_size: int,
        advance: Advance,
    ) -> None:
        super().__init__()
        self.run = run
        self.network = network
        self.validation = validation
        self.batch_size = batch_size
        self.advance = advance

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        loss = float((logs or {})["loss"])
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss became {loss} at step {batch + 1} of the epoch; the last whole "
                "epoch is kept. Try a lower --learning-rate."
            )
        self.advance(f"loss {loss:.4f}")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        assert logs is not None
        # In place, so that the callbacks after this one see the scores too.
        logs.update(self.validation.scores(self.network, self.batch_size))
        row = {"epoch": epoch + 1, **{name: float(value) for name, value in logs.items()}}
        save_network(self.network, self.run.last)
        if row[BEST_BY] < self.run.best_score():
            save_network(self.network, self.run.best)
        self.run.write_log([*self.run.read_log(), row])
        # Last, since it decides where a resumed training goes on.
        self.model.finished_epochs.assign(epoch + 1)
        save_state(self.model, self.run)
        self.advance(
            f"epoch {epoch + 1}: loss {row['loss']:.4f}, validation gradient error "
            f"{row[BEST_BY] * 1000:.2f} ×10⁻³, mean IoU {row['val_mean_iou']:.3f}",
            steps=0,
        )


def save_network(network: keras.Model, path: Path) -> None:
    """Write a network as a `.keras` file that is whole or absent."""
    with written_aside(path) as aside:
        network.save(aside)


def save_state(trainer: keras.Model, run: Run) -> None:
    """Write all weights and the optimizer's state."""
    with written_aside(run.state) as aside:
        trainer.save_weights(aside)


def hold_out(pairs: list[data.Pair], share: float, seed: int) -> tuple[list, list]:
    """Split pairs into those to train on and those to validate with, by a seeded draw.

    Raises:
        DataError: There are fewer than two pairs.
    """
    if len(pairs) < 2:
        raise DataError(f"Training needs at least 2 pairs. Received: {len(pairs)}.")
    order = np.random.default_rng([seed, 2]).permutation(len(pairs))
    count = min(max(1, round(len(pairs) * share)), len(pairs) - 1)
    held_out = set(order[:count].tolist())
    train = [pair for index, pair in enumerate(pairs) if index not in held_out]
    return train, [pairs[index] for index in sorted(held_out)]


def check_network(config: RunConfig) -> None:
    """Refuse a network that is not defined, without building it.

    Raises:
        UsageError: No such family, no such member of it, or too few epochs for its stages.
    """
    try:
        facts = models.check(config.family, config.width_multiplier, config.input_size)
    except models.ModelError as error:
        raise UsageError(str(error)) from error
    if config.epochs < len(facts.stages):
        raise UsageError(
            f"`epochs` must be at least {len(facts.stages)}, one for each stage that "
            f"{facts.title} is trained in. Received: {config.epochs}."
        )


def last_epochs(stages: Sequence[models.Stage], epochs: int) -> list[int]:
    """The number of epochs after which each stage ends, by their shares, one at least each."""
    ends: list[int] = []
    share = 0.0
    for number, stage in enumerate(stages, start=1):
        share += stage.share
        least, most = number, epochs - (len(stages) - number)
        ends.append(min(max(round(share * epochs), least), most))
    return [*ends[:-1], epochs]


def _trainer(config: RunConfig) -> Trainer:
    """A trainer with every variable of its network made."""
    network = models.build(
        config.family,
        width_multiplier=config.width_multiplier,
        input_size=config.input_size,
        batch_norm_momentum=config.batch_norm_momentum,
    )
    trainer = Trainer(network, config.weight_decay)
    trainer.build((None, config.input_size, config.input_size, 3))
    return trainer


def _stream(batches: augmentation.Batches, first: int) -> Iterator[tuple]:
    """Batches from number `first` on, for ever."""
    number = first
    while True:
        yield batches[number]
        number += 1


def _callbacks(run: Run, recorder: _Recorder) -> list[keras.callbacks.Callback]:
    callbacks: list[keras.callbacks.Callback] = [recorder]
    # Keras writes event files through TensorFlow, on any backend; without it, log.csv remains.
    if importlib.util.find_spec("tensorflow"):
        callbacks.append(keras.callbacks.TensorBoard(run.tensorboard, write_graph=False))
    return callbacks


def train(
    config: RunConfig, folder: Path, *, resume: bool = False, progress: Progress = silent
) -> Run:
    """Train a network, or go on with a training that was stopped.

    Args:
        folder: The run folder; it must hold a run if `resume`, and otherwise none of
            which an epoch was finished.
        resume: Continue after the last whole epoch. `config` is the stored one, or
            differs from it in a greater `epochs` only, which a family with several stages
            does not allow.

    Returns:
        The run. Interrupted, it stands as it was after the last whole epoch.

    Raises:
        UsageError: The configuration cannot be trained.
        DataError: The data set cannot be used; every file is read before training.
        OutputError: The folder cannot be written, or already holds a run.
        TrainingError: The loss became infinite or undefined.
    """
    check_config(config)
    check_network(config)
    run = Run(folder)
    if run.exists and not resume and run.read_log():
        raise OutputError(
            f"{folder} already holds a run. Give --resume to go on with it, or another --out."
        )
    facts = models.family(config.family)
    if resume and len(facts.stages) > 1 and config.epochs != run.read_config().epochs:
        raise UsageError(
            f"`epochs` must be {run.read_config().epochs}, as {folder} was begun with: the "
            f"stages that {facts.title} is trained in are shares of it. "
            f"Received: {config.epochs}."
        )
    check_folder(folder)
    keras.utils.set_random_seed(config.seed)
    pairs = data.find_pairs(Path(config.data), config.split)
    train_pairs, validation_pairs = hold_out(pairs, config.validation_share, config.seed)
    trainer = _trainer(config)
    network = models.inference_network(trainer.network)
    if config.initial_weights and not resume:
        match = initial_weights.take(Path(config.initial_weights), trainer.network)
        with progress(f"Initial weights of {config.initial_weights}", 1) as advance:
            advance(str(match), steps=0)
            advance()
    # Enlarged by what augmentation may zoom in, so that zooming loses no detail.
    source_size = math.ceil(config.input_size * augmentation.MAX_SCALE)
    images, masks = data.load(train_pairs, source_size, progress)
    validation = Validation(*data.load(validation_pairs, config.input_size, progress))

    make_folder(folder)
    run.write_config(config)
    if resume:
        _restore(trainer, run)
    else:
        save_state(trainer, run)
    done = int(keras.ops.convert_to_numpy(trainer.finished_epochs))
    run.write_log([row for row in run.read_log() if row["epoch"] <= done])

    batches = augmentation.Batches(
        images, masks, batch_size=config.batch_size, size=config.input_size, seed=config.seed
    )
    name = models.member_name(config.family, config.width_multiplier, config.input_size)
    left = (config.epochs - done) * config.steps_per_epoch
    with progress(f"Training {name}", left) as advance:
        advance("building the training step, which takes a CPU half a minute", steps=0)
        recorder = _Recorder(run, network, validation, config.batch_size, advance)
        first = 0
        ends = last_epochs(facts.stages, config.epochs)
        for stage, last in zip(facts.stages, ends, strict=True):
            if done < last:
                if len(ends) > 1:
                    advance(f"{stage.title}: epochs {first + 1} to {last}", steps=0)
                trainer.begin(stage, config.learning_rate, (last - first) * config.steps_per_epoch)
                if done > first:
                    # Once more, now that there is an optimizer to take its state.
                    _restore(trainer, run)
                _fit(trainer, config, batches, recorder, done, last)
                done = last
            first = last
    return run


def _fit(
    trainer: Trainer,
    config: RunConfig,
    batches: augmentation.Batches,
    recorder: _Recorder,
    done: int,
    last: int,
) -> None:
    """Train from the end of epoch `done` to that of epoch `last`."""
    step = done * config.steps_per_epoch
    trainer.settle_dropout(step)
    trainer.fit(
        _stream(batches, step),
        steps_per_epoch=config.steps_per_epoch,
        initial_epoch=done,
        epochs=last,
        callbacks=_callbacks(recorder.run, recorder),
        shuffle=False,
        verbose=0,
    )


def _restore(trainer: Trainer, run: Run) -> None:
    """Load the weights and the optimizer's state after the last whole epoch."""
    try:
        trainer.load_weights(run.state)
    except (OSError, ValueError, KeyError) as error:
        raise ModelFileError(
            f"{run.state} is missing or damaged: the run cannot be resumed."
        ) from error
