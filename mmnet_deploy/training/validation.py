"""Scores of a network on held-out pictures while it is trained, and pictures to look at."""

from __future__ import annotations

import dataclasses
import math

import keras
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.mattes import metrics
from mmnet_deploy.runs.run import VALIDATED

MASK = "mask"
"""What mattes are compared with where somebody has made masks."""

SHOWN = 4
"""How many held-out pictures are shown."""


@dataclasses.dataclass(frozen=True)
class Validation:
    """Held-out pictures.

    Attributes:
        images: uint8, (n, h, w, 3).
        masks: uint8, (n, h, w).
        truth: What the masks are, in words.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    batch_size: int
    truth: str = MASK

    def mattes(self, network: keras.Model, start: int) -> NDArray[np.float32]:
        """Alpha, (b, h, w), of the pictures from `start` on, at most `batch_size`."""
        batch = self.images[start : start + self.batch_size]
        # Every batch has the same shape, so that the network is compiled once.
        padded = np.resize(batch, (self.batch_size, *batch.shape[1:])).astype(np.float32) / 255
        return np.asarray(network.predict_on_batch(padded))[: len(batch), ..., -1]

    def scores(self, network: keras.Model) -> dict[str, float]:
        """Mean metrics of the inference network at its own resolution.

        NaN if a matte holds one: some metrics alone would take it for background.
        """
        columns: dict[str, list[float]] = {name: [] for name in VALIDATED}
        for start in range(0, len(self.images), self.batch_size):
            matte = self.mattes(network, start)
            if not np.isfinite(matte).all():
                return {f"val_{name}": math.nan for name in VALIDATED}
            for alpha, mask in zip(matte, self.masks[start:], strict=False):
                for name, column in columns.items():
                    column.append(metrics.METRICS[name](alpha, mask.astype(np.float32) / 255))
        return {f"val_{name}": float(np.mean(column)) for name, column in columns.items()}

    def sheet(self, network: keras.Model) -> NDArray[np.uint8]:
        """The first pictures, each beside its mask and its matte: uint8, (n·h, 3·w, 3)."""
        rows = []
        for image, mask, alpha in zip(
            self.images[:SHOWN], self.masks[:SHOWN], self.mattes(network, 0), strict=False
        ):
            greys = (mask, np.rint(np.nan_to_num(alpha) * 255).astype(np.uint8))
            rows.append(np.hstack([image, *(np.dstack([grey] * 3) for grey in greys)]))
        return np.vstack(rows)
