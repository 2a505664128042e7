"""The training losses of Seo et al. 2019 (arXiv:1904.03816), in `keras.ops`.

Shapes: `image` (batch, h, w, 3) in [0, 1]; `alpha` and `truth` (batch, h, w, 1) in
[0, 1]; `logits` (batch, h, w, 2), background and foreground, or (batch, h, w, 1), their
difference. Each term is a mean, so that its size does not depend on batch or resolution.

The published code divides the already normalised image by 255 once more inside the
compositional term, which all but removes it; here the term has its full weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

Tensor = Any


def _sobel_kernel() -> np.ndarray:
    """Sobel/8 in x and y as a convolution kernel of shape (3, 3, 1, 2)."""
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32) / 8
    return np.stack([sobel, sobel.T], axis=-1)[:, :, np.newaxis, :]


def alpha_loss(alpha: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference of the mattes."""
    return ops.mean(ops.abs(alpha - truth))


def compositional_loss(image: Tensor, alpha: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference of the pictures under the mattes."""
    return ops.mean(ops.abs(image * (alpha - truth)))


def gradient_loss(alpha: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference of the mattes' Sobel/8 gradients, borders left out."""
    difference = ops.conv(
        alpha - truth,
        ops.convert_to_tensor(_sobel_kernel()),
        padding="valid",
        data_format="channels_last",
    )
    return ops.mean(ops.abs(difference))


def cross_entropy_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Mean softmax cross-entropy against the soft label (1 - truth, truth)."""
    log_probability = ops.log_softmax(logits, axis=-1)
    label = ops.concatenate([1.0 - truth, truth], axis=-1)
    return -ops.mean(ops.sum(label * log_probability, axis=-1))


def auxiliary_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of a coarse head against the mask, resized to it by nearest pixel."""
    height, width = logits.shape[1:3]
    coarse = ops.image.resize(
        truth, (height, width), interpolation="nearest", data_format="channels_last"
    )
    return cross_entropy_loss(logits, coarse)


def two_classes(logits: Tensor) -> Tensor:
    """Logits of background and foreground; a difference d is that of 0 and d."""
    if logits.shape[-1] == 2:
        return logits
    return ops.concatenate([ops.zeros_like(logits), logits], axis=-1)


def loss_terms(
    image: Tensor, truth: Tensor, outputs: dict[str, Tensor], name: str = "logits"
) -> dict[str, Tensor]:
    """Every term that applies to a network's outputs, unweighted, by its name.

    Args:
        name: The output that holds the logits.
    """
    logits = two_classes(outputs[name])
    alpha = ops.softmax(logits, axis=-1)[..., 1:]
    terms = {
        "alpha": alpha_loss(alpha, truth),
        "compositional": compositional_loss(image, alpha, truth),
        "gradient": gradient_loss(alpha, truth),
        "cross_entropy": cross_entropy_loss(logits, truth),
    }
    if "auxiliary_logits" in outputs:
        terms["auxiliary"] = auxiliary_loss(outputs["auxiliary_logits"], truth)
    return terms


def total_loss(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """The weighted mean of the terms: Σ λ·term / Σ λ over the terms that there are."""
    weighted = sum(weights[name] * term for name, term in terms.items())
    return weighted / sum(weights[name] for name in terms)
