"""How wrong a model's mattes are on a split of a data set.

Three things happen at once: a few pictures ahead are decoded and made into tensors, the model
computes, and the mattes behind it are scored and saved. Only so many pictures are under way,
so the memory does not grow with the data set.
"""

from __future__ import annotations

import datetime
import hashlib
import itertools
import math
import re
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import DataError, ModelFileError
from mmnet_deploy.evaluation import constant
from mmnet_deploy.mattes import metrics
from mmnet_deploy.mattes.enlargement import BILINEAR, check_upsample, enlarged
from mmnet_deploy.mattes.matting import Matting
from mmnet_deploy.mattes.metric import Metric
from mmnet_deploy.parallel import ahead, workers
from mmnet_deploy.portraits import dataset, pictures
from mmnet_deploy.portraits.masks import MaskValues
from mmnet_deploy.portraits.problems import PictureError
from mmnet_deploy.progress import Progress, silent
from mmnet_deploy.results.records import Evaluation, PictureScore

Sink = Callable[[dataset.Pair, pictures.Picture, NDArray[np.float32]], None]
"""Takes a pair, its picture and its matte, to save them; called from several threads."""

Frame = tuple[NDArray[np.float32], pictures.Picture]
"""A matte and the mask that it is compared with."""

Seen = tuple[NDArray[np.float32], pictures.Picture, pictures.Picture | None]
"""A matte as the model gives it, its mask, and the picture where that is needed."""


# --- Clips -------------------------------------------------------------------


def _clip_and_number(name: str) -> tuple[str, int]:
    """A frame's name without the number at its end, and that number; −1 without one."""
    match = re.search(r"\d+$", name)
    return (name[: match.start()], int(match[0])) if match else (name, -1)


def follows(pairs: Sequence[dataset.Pair]) -> list[bool]:
    """Whether each picture is the next frame of the clip that the picture before is of.

    Names of one clip differ only in the number at their end, which grows.

    Raises:
        DataError: Names sort otherwise than their numbers, or no picture follows another.
    """
    found = [False]
    for before, now in itertools.pairwise(pairs):
        (clip, number), (other, next_number) = map(_clip_and_number, (before.name, now.name))
        if clip == other and 0 <= next_number <= number:
            raise PictureError(
                now.image,
                f"comes after {before.image.name} by its name but not by its number: "
                "frames need numbers with leading zeros.",
            )
        found.append(clip == other and number >= 0)
    if not any(found):
        raise DataError(
            "A metric of clips needs frames whose names differ only in the number at their end, "
            f"such as clip-0001. Received: {', '.join(pair.name for pair in pairs[:2])}."
        )
    return found


# --- Data --------------------------------------------------------------------


class MaskDigest:
    """The hash of the names and masks of a split, which tells data sets apart."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, pair: dataset.Pair, mask: pictures.Picture) -> None:
        """Take the next pair of the split, with its mask, uint8 (h, w)."""
        self._digest.update(repr((pair.name, mask.shape)).encode("utf-8", "replace"))
        self._digest.update(mask.tobytes())

    @property
    def sha256(self) -> str:
        """In hexadecimal digits."""
        return self._digest.hexdigest()


def data_sha256(root: Path, split: str, mask_values: MaskValues | None = None) -> str:
    """What an evaluation on a split has as `Evaluation.data_sha256`, without evaluating.

    Raises:
        DataError: The split cannot be found, or a mask cannot be read.
    """
    pairs = dataset.find_pairs(root, split, mask_values)
    digest = MaskDigest()
    with workers(0) as (executor, count):
        masks = ahead(
            executor, lambda it: pictures.read_mask(it.mask, it.mask_values), pairs, 2 * count
        )
        for pair, mask in zip(pairs, masks, strict=True):
            digest.add(pair, mask)
    return digest.sha256


# --- Evaluation --------------------------------------------------------------


def score(
    frame: Frame, before: Frame | None, size: tuple[int, int] | None, wanted: Sequence[Metric]
) -> tuple[dict[str, float], constant.Candidates]:
    """The metrics of one matte, compared with its mask at `size`, and those of doing nothing.

    Args:
        before: The frame before, for metrics of clips; None if there is none.

    Raises:
        ValueError: The pictures are too small, or not as large as those before.
    """
    mattes = metrics.at_one_size(*frame, size)
    scores = {metric.name: metric(*mattes) for metric in wanted if not metric.of_clip}
    truth_before = None
    if before:
        mattes_before = metrics.at_one_size(*before, size)
        if mattes_before[0].shape != mattes[0].shape:
            raise ValueError("Frames of one clip must have one size.")
        scores |= {m.name: m(*mattes, *mattes_before) for m in wanted if m.of_clip}
        truth_before = mattes_before[1]
    return scores, constant.candidates(mattes[1], truth_before, wanted)


def evaluate(
    model: Matting,
    root: Path,
    split: str,
    *,
    size: tuple[int, int] | None = metrics.PUBLISHED_SIZE,
    upsample: str = BILINEAR,
    wanted: Sequence[Metric] = (),
    mask_values: MaskValues | None = None,
    sink: Sink | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Compare a model's mattes with the masks of a split.

    Args:
        size: Height and width in pixels to compare at; None for each picture's own.
        upsample: How mattes are enlarged: bilinearly from the model's resolution to `size`, as
            the published definition says, or guided by the picture to the picture's own
            resolution, and bilinearly from there.
        wanted: The metrics; the default ones if there are none.
        mask_values: What class numbers in the masks mean; None for masks of alpha.
        sink: Takes each matte besides, to save it.

    Raises:
        UsageError: There is no such way to enlarge mattes.
        DataError: The split cannot be found, a file cannot be read, or a metric cannot be
            computed of it.
        ModelFileError: The model does not run, or gives values that are no alpha.
    """
    check_upsample(upsample)
    wanted = wanted or metrics.named()
    pairs = dataset.find_pairs(root, split, mask_values)
    linked = follows(pairs) if any(m.of_clip for m in wanted) else [False] * len(pairs)

    guided = upsample != BILINEAR

    def read(pair: dataset.Pair) -> tuple[pictures.Picture | None, pictures.Picture, Any]:
        image, mask = dataset.read_pair(pair)
        return image if sink or guided else None, mask, model.prepare(image)

    def at_full_size(seen: Seen) -> Frame:
        matte, mask, image = seen
        if guided and image is not None:
            matte = enlarged(matte, image, upsample)
        return matte, mask

    def judge(
        pair: dataset.Pair, seen: Seen, before: Seen | None
    ) -> tuple[PictureScore, constant.Candidates]:
        matte, _, image = seen
        if not np.isfinite(matte).all():
            raise ModelFileError(
                f"{model.file.name} gives no finite matte of {pair.image}: it is damaged, "
                "or its training went wrong."
            )
        frames = at_full_size(seen), at_full_size(before) if before else None
        try:
            scores, nothing = score(*frames, size, wanted)
        except ValueError as error:
            raise PictureError(pair.mask, str(error)) from error
        if sink and image is not None:
            sink(pair, image, matte)
        return PictureScore(pair.name, scores), nothing

    scores: list[tuple[PictureScore, constant.Candidates]] = []
    foreground: list[float] = []
    digest = MaskDigest()
    with (
        progress(f"Evaluating {model.file.name}", len(pairs)) as advance,
        workers(model.threads) as (executor, count),
    ):
        pending: deque[Future[tuple[PictureScore, constant.Candidates]]] = deque()
        before = None

        def collect() -> None:
            scores.append(pending.popleft().result())
            advance()

        for number, (image, mask, tensor) in enumerate(ahead(executor, read, pairs, 2 * count)):
            pair = pairs[number]
            try:
                seen = (model.infer(tensor), mask, image)
            except ModelFileError as error:
                raise ModelFileError(f"{error} The picture is {pair.image}.") from error
            last = before if linked[number] else None
            pending.append(executor.submit(judge, pair, seen, last))
            before = seen
            foreground.append(float(mask.mean()) / 255)
            digest.add(pair, mask)
            while len(pending) > 2 * count:
                collect()
        while pending:
            collect()
    height, width = size or (None, None)
    of_pictures, constant_value = constant.with_constant(*zip(*scores, strict=True))
    return Evaluation(
        model=model.file,
        data=root.resolve().name,
        data_sha256=digest.sha256,
        split=split,
        height_px=height,
        width_px=width,
        engine=model.engine,
        pictures=of_pictures,
        created_at=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
        foreground_share=math.fsum(foreground) / len(foreground),
        upsample=upsample,
        constant_value=constant_value,
    )


def worst(result: Evaluation, metric: Metric, count: int) -> list[PictureScore]:
    """The pictures with the worst scores, worst first; equal ones in order of their names.

    No score is worse than one that is no number.
    """
    scored = [picture for picture in result.pictures if metric.name in picture.scores]

    def quality(picture: PictureScore) -> float:
        better = metric.better(picture.scores[metric.name], 0.0)
        return -math.inf if math.isnan(better) else better

    scored.sort(key=quality)
    return scored[:count]
