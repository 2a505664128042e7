"""What a matte of one value everywhere scores: the network that does nothing.

Such a matte has no gradient, so that its gradient error, the mean length of the truth's gradient,
is the same for all values, and less than that of many a good matte where masks are hard. Of the
empty and the full matte, the one with the smaller MAD over all pictures is taken.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from mmnet_deploy.mattes.metric import Matte, Metric
from mmnet_deploy.results.records import PictureScore

VALUES = (0.0, 1.0)


@dataclasses.dataclass(frozen=True)
class Candidates:
    """The empty and the full matte of one picture.

    Attributes:
        share: What the mask covers, which is the MAD of the empty matte; that of the full one is
            the rest.
        scores: For each of `VALUES`.
    """

    share: float
    scores: tuple[Mapping[str, float], ...]


@functools.lru_cache(maxsize=len(VALUES))
def _matte(value: float, shape: tuple[int, int]) -> Matte:
    """A matte of one value, kept for the next picture of that size: new memory takes longer."""
    matte = np.full(shape, value, np.float32)
    matte.flags.writeable = False
    return matte


def candidates(truth: Matte, before: Matte | None, wanted: Sequence[Metric]) -> Candidates:
    """Score the empty and the full matte of one picture.

    Args:
        truth, before: The mask, and that of the frame before for metrics of clips, (h, w) in
            [0, 1]; None if there is none.
        wanted: The metrics.
    """
    found: list[dict[str, float]] = []
    for value in VALUES:
        matte = _matte(value, (truth.shape[0], truth.shape[1]))
        scores = {}
        for metric in wanted:
            if metric.of_clip and before is None:
                continue
            if found and metric.of_changes:
                scores[metric.name] = found[0][metric.name]
            else:
                frames = (matte, truth, matte, before) if metric.of_clip else (matte, truth)
                scores[metric.name] = metric(*frames)
        found.append(scores)
    return Candidates(cv2.mean(np.asarray(truth, np.float32))[0], tuple(found))


def with_constant(
    scores: Sequence[PictureScore], found: Sequence[Candidates]
) -> tuple[tuple[PictureScore, ...], float]:
    """The pictures' scores with those of the matte of one value, and that value.

    Args:
        scores: Of the model's mattes.
        found: Of each picture, in the same order.
    """
    chosen = int(math.fsum(one.share for one in found) > len(found) / 2)
    pictures = tuple(
        PictureScore(picture.name, picture.scores, one.scores[chosen])
        for picture, one in zip(scores, found, strict=True)
    )
    return pictures, VALUES[chosen]
