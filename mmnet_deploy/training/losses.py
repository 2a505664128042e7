"""The training losses of Seo et al. 2019 (arXiv:1904.03816), in `keras.ops`.

Shapes: `image` (batch, h, w, 3) in [0, 1]; `alpha` and `truth` (batch, h, w, 1) in
[0, 1]; `logits` (batch, h, w, 2), background and foreground, or (batch, h, w, 1), their
difference. Each term is a mean, so that its size does not depend on batch or resolution.

The published code divides the already normalised image by 255 once more inside the
compositional term, which all but removes it; here the term has its full weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from mmnet_deploy.runs.recipe import Recipe

Tensor = Any


def _sobel_kernel() -> np.ndarray:
    """Sobel/8 in x and y as a convolution kernel of shape (3, 3, 1, 2)."""
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32) / 8
    return np.stack([sobel, sobel.T], axis=-1)[:, :, np.newaxis, :]


def _mean(values: Tensor, weight: Tensor | None) -> Tensor:
    """The mean, or Σ w·m / Σ w over the pictures, whose means are m and weights w."""
    if weight is None:
        return ops.mean(values)
    means = ops.mean(values, axis=tuple(range(1, len(values.shape))))
    return ops.sum(weight * means) / ops.sum(weight)


def alpha_loss(alpha: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference of the mattes."""
    return _mean(ops.abs(alpha - truth), weight)


def compositional_loss(
    image: Tensor, alpha: Tensor, truth: Tensor, weight: Tensor | None = None
) -> Tensor:
    """Mean absolute difference of the pictures under the mattes."""
    return _mean(ops.abs(image * (alpha - truth)), weight)


def gradient_loss(alpha: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference of the mattes' Sobel/8 gradients, borders left out."""
    difference = ops.conv(
        alpha - truth,
        ops.convert_to_tensor(_sobel_kernel()),
        padding="valid",
        data_format="channels_last",
    )
    return _mean(ops.abs(difference), weight)


def cross_entropy_loss(logits: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean softmax cross-entropy against the soft label (1 - truth, truth)."""
    log_probability = ops.log_softmax(logits, axis=-1)
    label = ops.concatenate([1.0 - truth, truth], axis=-1)
    return -_mean(ops.sum(label * log_probability, axis=-1), weight)


def auxiliary_loss(logits: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """Cross-entropy of a coarse head against the mask, resized to it by nearest pixel."""
    height, width = logits.shape[1:3]
    coarse = ops.image.resize(
        truth, (height, width), interpolation="nearest", data_format="channels_last"
    )
    return cross_entropy_loss(logits, coarse, weight)


def two_classes(logits: Tensor) -> Tensor:
    """Logits of background and foreground; a difference d is that of 0 and d."""
    if logits.shape[-1] == 2:
        return logits
    return ops.concatenate([ops.zeros_like(logits), logits], axis=-1)


def loss_terms(
    image: Tensor,
    truth: Tensor,
    outputs: dict[str, Tensor],
    name: str = "logits",
    weight: Tensor | None = None,
) -> dict[str, Tensor]:
    """Every term that applies to a network's outputs, unweighted, by its name.

    Args:
        name: The output that holds the logits.
        weight: That of each picture in every term, (batch,), not all 0; None for equal ones.
    """
    logits = two_classes(outputs[name])
    alpha = ops.softmax(logits, axis=-1)[..., 1:]
    terms = {
        "alpha": alpha_loss(alpha, truth, weight),
        "compositional": compositional_loss(image, alpha, truth, weight),
        "gradient": gradient_loss(alpha, truth, weight),
        "cross_entropy": cross_entropy_loss(logits, truth, weight),
    }
    if "auxiliary_logits" in outputs:
        terms["auxiliary"] = auxiliary_loss(outputs["auxiliary_logits"], truth, weight)
    return terms


def mixed(
    terms: Mapping[str, Tensor], others: Mapping[str, Tensor], share: float
) -> dict[str, Tensor]:
    """Each term against one truth with the same against another, which has this share."""
    return {name: (1 - share) * term + share * others[name] for name, term in terms.items()}


class Weights:
    """The weights λ of the terms along a stage of a training.

    A stage that minimises one term alone has it at the weight 1 throughout: of one term, no weight
    makes more or less, but 0 would leave nothing.

    Attributes:
        change: Whether any does. Then they are an input of the compiled step, since numbers would
            be constants of it.
        done: How many steps are done.
    """

    def __init__(self, recipe: Recipe, terms: Sequence[str], steps: int = 1, done: int = 0) -> None:
        """
        Args:
            terms: Those that are minimised; empty for all.
            steps: Of the stage.
        """
        self._recipe = recipe
        self._names = tuple(recipe.loss_weights)
        self._alone = len(terms) == 1
        self._steps = steps
        self.done = done
        self.change = not self._alone and any(
            len(set(recipe.loss_weights[name])) > 1 for name in terms or self._names
        )

    def now(self) -> dict[str, float]:
        """Those of the next step, by the names of the terms."""
        if self._alone:
            return dict.fromkeys(self._names, 1.0)
        return self._recipe.loss_weights_at(min(1.0, self.done / self._steps))

    def rows(self, count: int) -> NDArray[np.float32]:
        """Those of the next step for a batch, which devices share by its rows: (count, terms)."""
        return np.tile(np.array(list(self.now().values()), np.float32), (count, 1))

    def of_rows(self, rows: Tensor | None) -> dict[str, Any]:
        """By the names of the terms what `rows` gave; without any, the weights that stay."""
        if rows is None:
            return self.now()
        return dict(zip(self._names, ops.unstack(ops.max(rows, axis=0)), strict=True))


def total_loss(terms: Mapping[str, Tensor], weights: Mapping[str, Any]) -> Tensor:
    """The weighted mean of the terms: Σ λ·term / Σ λ over the terms that there are."""
    weighted = sum(weights[name] * term for name, term in terms.items())
    return weighted / sum(weights[name] for name in terms)
