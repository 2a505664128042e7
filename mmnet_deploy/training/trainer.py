"""A network with the losses that train it: what one compiled step computes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

import models
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.networks import keras_file
from mmnet_deploy.networks.imported import network as imported_network
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.runs.recipe import Recipe
from mmnet_deploy.runs.run import Run, RunConfig
from mmnet_deploy.training import losses, optimizer
from mmnet_deploy.training.pictures import colour
from mmnet_deploy.training.pictures.batches import Batch

DTYPE_POLICIES = {"off": "float32", "float16": "mixed_float16", "bfloat16": "mixed_bfloat16"}


class Latest(keras.metrics.Metric):
    """The value of the last step alone, so that nothing has to be reset before the next.

    On several machines each reset would be a message to all of them.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name, dtype="float32")
        self.value = self.add_variable((), initializer="zeros", name="value")

    def update_state(self, value: Any) -> None:
        self.value.assign(value)

    def result(self) -> Any:
        return keras.ops.convert_to_tensor(self.value)


class Trainer(keras.Model):
    """A network with the losses that train it, reported term by term.

    Attributes:
        stage: What is trained now; see `begin`.
        term_weights: Of the terms in its next step.
        finished_epochs: Stored with the weights, so that they say where to go on.
        beginning: The first weights of the inference form, stored too, if the recipe keeps a share
            of them.
    """

    def __init__(self, network: keras.Model, recipe: Recipe) -> None:
        # What comes in is uint8, and what the losses read is float32 in any policy.
        super().__init__(autocast=False)
        self.network = network
        self.recipe = recipe
        self.stage = models.Stage()
        self.term_weights = losses.Weights(recipe, ())
        self.finished_epochs = self.add_weight(
            name="finished_epochs", dtype="int32", initializer="zeros", trainable=False
        )
        kept = models.inference_network(network).weights if recipe.initial_share else ()
        self.beginning = [
            self.add_weight(shape=variable.shape, dtype="float32", trainable=False)
            for variable in kept
        ]
        names = ["loss", "alpha", "compositional", "gradient", "cross_entropy"]
        names += ["auxiliary"] if "auxiliary_logits" in network.output else []
        self.trackers = {name: Latest(name) for name in names}
        self.built = True

    def call(self, batch: Any, training: bool = False) -> Any:
        """Outputs of the network, with what they should be, as the batch says it.

        `image` and `truth` always, and `teacher` and the weights where the batch has them.
        """
        picture = keras.ops.cast(batch["picture"], "float32") * np.float32(1 / 255)
        image, truth = picture[..., :3], picture[..., 3:]
        if "colour" in batch:
            image = colour.apply(image, batch["colour"])
        outputs = self.network(image, training=training)
        exact = {name: keras.ops.cast(value, "float32") for name, value in outputs.items()}
        targets = {"image": image, "truth": truth}
        if "teacher" in batch:
            targets["teacher"] = keras.ops.cast(batch["teacher"], "float32") * np.float32(1 / 255)
        for name in ("weight", "loss_weights"):
            if name in batch:
                targets[name] = batch[name]
        return {**exact, **targets}

    def begin(self, stage: models.Stage, steps: int, done: int = 0) -> None:
        """Freeze what the stage does not train, with a new optimizer for what it does.

        Args:
            steps: Of the whole stage.
            done: How many of them are done.
        """
        self.stage = stage
        self.term_weights = losses.Weights(self.recipe, stage.terms, steps, done)
        for layer in self.network.layers:
            layer.trainable = layer.name.startswith(stage.trains)
        new = optimizer.build(self.recipe, steps)
        self.compile(new, jit_compile=compiles(self.recipe.jit_compile))
        self.optimizer.build(self.trainable_variables)

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
        terms = self._terms(y_pred, "truth")
        if "teacher" in y_pred:
            taught = self._terms(y_pred, "teacher")
            terms = losses.mixed(terms, taught, self.recipe.teacher_on_labelled)
        for name, term in terms.items():
            self.trackers[name].update_state(term)
        minimised = {name: terms[name] for name in self.stage.terms or terms}
        total = losses.total_loss(minimised, self.term_weights.of_rows(y_pred.get("loss_weights")))
        total = total + self.recipe.weight_decay * self._squared_kernels()
        self.trackers["loss"].update_state(total)
        return total

    def _terms(self, outputs: dict[str, Any], truth: str) -> dict[str, Any]:
        return losses.loss_terms(
            outputs["image"], outputs[truth], outputs, self.stage.logits, outputs.get("weight")
        )

    def compute_metrics(
        self, x: Any, y: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> dict[str, Any]:
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def reset_metrics(self) -> None:
        """Nothing: see `Latest`."""

    def _squared_kernels(self) -> Any:
        """Sum of squares over the convolution kernels, depthwise ones left out."""
        kernels = [
            layer.kernel for layer in self.network.layers if isinstance(layer, keras.layers.Conv2D)
        ]
        return sum(keras.ops.sum(keras.ops.square(kernel)) for kernel in kernels)

    def step(self, batch: Batch) -> dict[str, float]:
        """One step; its loss and the terms of it, those of this batch alone."""
        if self.term_weights.change:
            batch = {**batch, "loss_weights": self.term_weights.rows(len(batch["picture"]))}
        logs = self.train_on_batch(batch, return_dict=True)
        self.term_weights.done += 1
        return {name: float(value) for name, value in logs.items()}

    def remember_beginning(self) -> None:
        """Take the weights of now for those that the training begins with."""
        if self.beginning:
            variables = models.inference_network(self.network).weights
            for kept, variable in zip(self.beginning, variables, strict=True):
                kept.assign(variable)

    def deployed_weights(self) -> list[np.ndarray]:
        """What the inference form of the network should have.

        Averages where there are any, mixed with the first weights if the recipe says so.
        """
        averages = optimizer.averages(self.optimizer)
        variables = models.inference_network(self.network).weights
        trained = [
            keras.ops.convert_to_numpy(averages.get(id(variable), variable))
            for variable in variables
        ]
        if not self.beginning:
            return trained
        share = np.float32(self.recipe.initial_share)
        # So that weights which have not moved stay as they are, to the bit.
        return [
            last + share * (keras.ops.convert_to_numpy(first) - last)
            for first, last in zip(self.beginning, trained, strict=True)
        ]


def compiles(choice: str) -> bool:
    """Whether the step is compiled with XLA.

    JAX needs it. TensorFlow's XLA compiles these networks for minutes on a CPU and then
    runs them many times slower.
    """
    if choice == "auto":
        return keras.backend.backend() == "jax"
    return choice == "on"


@contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def stages_of(config: RunConfig) -> tuple[models.Stage, ...]:
    """The parts of a training, in order; an imported network has one."""
    return (models.Stage(),) if config.imported_from else models.family(config.family).stages


def beginning(config: RunConfig, run: Run, resume: bool) -> keras.Model | None:
    """The network that a run began with, in its inference form; None for one of a family.

    Args:
        resume: Take the run's own, so that neither the file nor how it is imported matters.

    Raises:
        ModelFileError: The file cannot be imported, or is another by now; or the run's own network
            cannot be read.
        UsageError: What was said of the file does not fit it.
    """
    if not config.imported_from:
        return None
    if resume and not run.imported.is_file():
        raise ModelFileError(
            f"{run.imported}, the network as it was imported, is missing: the run cannot be "
            f"resumed. Begin another with --init-from {run.folder}."
        )
    if resume:
        return keras_file.load(run.imported).model
    path = Path(config.imported_from)
    size, ends = config.output_size, config.input_range
    meaning = Meaning(
        output=config.output,
        alpha_channel=config.alpha_channel,
        output_size=None if size is None else (int(size[0]), int(size[1])),
        input_range=None if ends is None else (ends[0], ends[1]),
    )
    made = imported_network.load(path, meaning)
    if (made.source.sha256, made.source.size) != (config.imported_sha256, config.picture_size):
        raise ModelFileError(f"{path} has changed since the training was described: try again.")
    return models.inference_network(made.network)


def _copy(network: keras.Model) -> keras.Model:
    """The same network with its own weights."""
    made = keras.models.clone_model(network)
    made.set_weights(network.get_weights())
    return made


def _training_form(network: keras.Model) -> keras.Model:
    """What `models.inference_network` made a network of."""
    logits = network.get_layer("matte").input
    return keras.Model(network.input, {"logits": logits}, name=f"{network.name}_training")


def _network(config: RunConfig) -> keras.Model:
    options: dict[str, Any] = {"batch_norm_momentum": config.batch_norm_momentum}
    if config.dropout is not None:
        builder = models.family(config.family).builder
        if "dropout" not in inspect.signature(builder).parameters:
            raise UsageError(
                f"`dropout` must be left out: {config.family} has none. Received: {config.dropout}."
            )
        options["dropout"] = config.dropout
    network = models.build(
        config.family,
        width_multiplier=config.width_multiplier,
        input_size=config.input_size,
        **options,
    )
    if config.batch_norm_epsilon is not None:
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.epsilon = config.batch_norm_epsilon
    return network


def build(config: RunConfig, imported: keras.Model | None = None) -> Trainer:
    """A trainer of a new network, in the precision that the recipe says.

    Args:
        imported: As `beginning` gives it; it stays as it is.

    Raises:
        UsageError: The family cannot have what the recipe says.
    """
    if imported is not None:
        return Trainer(_training_form(_copy(imported)), config)
    with _dtype_policy(DTYPE_POLICIES[config.mixed_precision]):
        return Trainer(_network(config), config)


def build_deployed(config: RunConfig, imported: keras.Model | None = None) -> keras.Model:
    """The inference form to validate and to store: its own weights, always float32; see `build`."""
    if imported is not None:
        return _copy(imported)
    return models.inference_network(_network(config))
