"""How far a converted file is from the network that it was made from."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.mattes import metrics
from mmnet_deploy.parallel import usable_cores
from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.representative import Portrait
from mmnet_deploy.tflite.interpreter import TFLiteModel

Matte = NDArray[np.float32]

VISIBLE = 0.02
"""Five steps of an 8-bit matte. Where the network's mattes differ by more, the figures show
whether a file follows its picture, whatever the limits are."""


@dataclasses.dataclass(frozen=True)
class MatteDifference:
    """By how much the mattes of a file differ from those of its network on some pictures.

    Attributes:
        largest, mean: |Δα| over all pixels.
        gradient_error_change: Relative change of the mean gradient error against the masks;
            None without masks.
        pictures: Number of pictures.
    """

    largest: float
    mean: float
    gradient_error_change: float | None
    pictures: int

    def is_within(self, largest: float, mean: float) -> bool:
        """Whether |Δα| is at most this large, at most and on average."""
        return self.largest <= largest and self.mean <= mean


class Judge:
    """Held-out pictures, and the mattes that the source network gives for them.

    Attributes:
        images: The pictures, uint8 (h, w, 3).
        expected: The network's mattes, at its own resolution.
        has_masks: Whether there are masks, so that gradient errors can be measured.
    """

    def __init__(
        self,
        portraits: Sequence[Portrait],
        images: Sequence[pictures.Picture],
        expected: list[Matte],
    ) -> None:
        self.images = images
        self.expected = expected
        self._portraits = portraits
        self._masks = [
            pictures.read_mask(p.mask, p.mask_values) for p in portraits if p.mask is not None
        ]
        self.has_masks = len(self._masks) == len(images)
        self._baseline = self._gradient_error(expected) if self.has_masks else math.nan

    def first(self, count: int) -> Judge:
        """The same judge with at most this many pictures."""
        if count >= len(self.images):
            return self
        return Judge(self._portraits[:count], self.images[:count], self.expected[:count])

    def mattes(self, content: bytes, path: Path) -> list[Matte]:
        """The mattes of a `.tflite` file's content; `path` names it in messages.

        Raises:
            ModelFileError: It cannot be run, or is not a matting network.
        """
        model = TFLiteModel(path, usable_cores(), content=content)
        model.require_matting()
        return [model.matte(image) for image in self.images]

    def difference(self, mattes: Sequence[Matte]) -> MatteDifference:
        """Compare mattes with those of the network."""
        gaps = [np.abs(ours - theirs) for ours, theirs in zip(mattes, self.expected, strict=True)]
        change = None
        if self.has_masks:
            error = self._gradient_error(mattes)
            change = (error - self._baseline) / max(self._baseline, 1e-12)
        # A limit must not let NaN pass.
        largest, mean = (
            float(np.nan_to_num(value, nan=np.inf)) for value in (np.max(gaps), np.mean(gaps))
        )
        return MatteDifference(largest, mean, change, len(self.images))

    def share_beyond(self, mattes: Sequence[Matte], difference: float) -> float:
        """The share of pixels that are off by more than this, NaN among them."""
        gaps = [np.abs(ours - theirs) for ours, theirs in zip(mattes, self.expected, strict=True)]
        return float(np.mean([np.mean(~(gap <= difference)) for gap in gaps]))

    def proves(self, largest: float, mean: float) -> bool:
        """Whether a file that ignores its picture would be beyond these limits of |Δα|.

        Such a file gives every picture the same matte, at best the mean of the network's, or
        one value everywhere if there is one picture only. Where even that would be within the
        limits and is nowhere off by more than `VISIBLE`, the comparison proves nothing.
        """
        blind = np.mean(self.expected, axis=0, dtype=np.float64)
        if len(self.expected) == 1:
            blind = np.full_like(blind, blind.mean())
        gaps = np.abs(np.asarray(self.expected, np.float64) - blind)
        return bool(gaps.max() > min(largest, VISIBLE) or gaps.mean() > mean)

    def squared_error(self, mattes: Sequence[Matte]) -> float:
        """Mean squared difference from the network's mattes."""
        pairs = zip(mattes, self.expected, strict=True)
        return float(np.mean([np.mean(np.square(ours - theirs)) for ours, theirs in pairs]))

    def _gradient_error(self, mattes: Sequence[Matte]) -> float:
        """Mean gradient error as published, at `metrics.PUBLISHED_SIZE`."""
        return math.fsum(
            metrics.gradient_error(*metrics.at_one_size(matte, mask, metrics.PUBLISHED_SIZE))
            for matte, mask in zip(mattes, self._masks, strict=True)
        ) / len(mattes)
