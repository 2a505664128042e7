"""Optimizers and learning rates by the names that a recipe gives them."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from mmnet_deploy.runs.recipe import Recipe


class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """The rate of a step: a linear rise, then fixed, along a cosine, or in pieces.

    Args:
        steps: How many there are; the cosine ends there.
    """

    def __init__(self, recipe: Recipe, steps: int) -> None:
        self.recipe = recipe
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        recipe = self.recipe
        step = ops.cast(step, "float32")
        warmup = round(recipe.warmup_share * self.steps)
        factor = ops.ones_like(step)
        if recipe.schedule == "cosine":
            done = (step - warmup) / max(1, self.steps - warmup)
            factor = 0.5 * (1 + ops.cos(math.pi * ops.clip(done, 0.0, 1.0)))
        elif recipe.schedule == "piecewise":
            passed = sum(
                ops.cast(step >= milestone * self.steps, "float32")
                for milestone in recipe.milestones
            )
            factor = ops.power(ops.cast(recipe.milestone_factor, "float32"), passed + 0 * step)
        if warmup:
            factor = ops.where(step < warmup, (step + 1) / warmup, factor)
        return recipe.learning_rate * factor

    def get_config(self) -> dict[str, Any]:
        return {"recipe": self.recipe, "steps": self.steps}


def build(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """A new optimizer for so many steps."""
    rate = LearningRate(recipe, steps)
    averaged = {"use_ema": True, "ema_momentum": recipe.ema_decay} if recipe.ema_decay else {}
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=recipe.momentum, **averaged)
    if recipe.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(rate, momentum=recipe.momentum, **averaged)
    return keras.optimizers.Adam(rate, **averaged)


def averages(optimizer: keras.optimizers.Optimizer) -> dict[int, Any]:
    """The moving average of each variable that has one, by the `id` of the variable."""
    # In mixed precision another optimizer is wrapped around it.
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if not inner.use_ema:
        return {}
    # Not public, but what Keras's own `SwapEMAWeights` reads.
    pairs = zip(inner._trainable_variables, inner._model_variables_moving_average, strict=True)
    return {id(variable): average for variable, average in pairs if average is not None}
