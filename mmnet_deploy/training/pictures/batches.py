"""Augmented batches as a pure function of their number, and a stream that makes them ahead."""

from __future__ import annotations

import collections
import functools
import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.portraits import foreground
from mmnet_deploy.runs.recipe import Recipe
from mmnet_deploy.training.pictures import colour
from mmnet_deploy.training.pictures.augmentation import sample_map, warp
from mmnet_deploy.training.pictures.decoded import Decoded

Batch = dict[str, NDArray]
"""`picture`, uint8 (b, h, w, 4): RGB and the matte; if the recipe changes colours, `colour`,
float32 (b, 13): see `colour.apply`; if some pictures have masks and others not, `weight`,
float32 (b,), in the loss; and `teacher`, uint8 (b, h, w, 1), if a teacher's mattes stand beside
masks."""

BACKGROUND = Recipe(max_scale=1.5, rotation_share=0.0)
"""How a background is cropped and mirrored, apart from the portrait before it."""


class Batches:
    """Augmented batches by number.

    A batch depends on the seed and on its number alone, so training that is resumed
    at step n sees what it would have seen without the interruption, and so do several
    workers that each make their part of it.

    Args:
        decoded: Pictures of any size; larger than `size` where they are enlarged.
        unlabelled: Pictures without masks beside those; None if all are of one kind.
        size: Height and width in pixels of what comes out, one number for both.
        backgrounds: uint8, (m, h, w, 3 or more); None to leave backgrounds as they are.
        part: This worker's number and how many there are; `batch_size` is that of all.
    """

    def __init__(
        self,
        decoded: Decoded,
        recipe: Recipe,
        size: int | tuple[int, int],
        *,
        unlabelled: Decoded | None = None,
        backgrounds: NDArray[np.uint8] | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        self.decoded = decoded
        self.unlabelled = unlabelled
        self.recipe = recipe
        self.size = size
        self.backgrounds = backgrounds
        worker, workers = part
        self.rows = range(
            recipe.batch_size * worker // workers, recipe.batch_size * (worker + 1) // workers
        )
        self._share = _share(decoded, unlabelled, recipe)
        # Threads may ask for the last batches of a pass and the first of the next together.
        self._order = functools.lru_cache(maxsize=8)(self._permutation)

    def _rng(self, purpose: int, number: int) -> np.random.Generator:
        return np.random.default_rng([self.recipe.seed, purpose, number])

    def _permutation(self, purpose: int, lap: int, count: int) -> NDArray[np.intp]:
        return self._rng(purpose, lap).permutation(count)

    def _source(self, item: int) -> tuple[Decoded, int]:
        """Which picture is the stream's `item`: each pass is a new permutation.

        Those without masks come at even distances, so that every batch has its share of them.
        """
        taught = math.floor(item * self._share)
        if self.unlabelled is not None and math.floor((item + 1) * self._share) > taught:
            among, purpose, number = self.unlabelled, 6, taught
        else:
            among, purpose, number = self.decoded, 0, item - taught
        lap, position = divmod(number, len(among))
        return among, int(self._order(purpose, lap, len(among))[position])

    def __getitem__(self, number: int) -> Batch:
        """This worker's part of batch `number`."""
        items = [number * self.recipe.batch_size + row for row in self.rows]
        shown = [self._picture(item) for item in items]
        batch: Batch = {"picture": np.stack([picture for picture, _ in shown])}
        if self.decoded.mattes is not None:
            batch["teacher"] = np.stack([matte for _, matte in shown])[..., np.newaxis]
        if self.unlabelled is not None:
            weights = [self._weight(item) for item in items]
            batch["weight"] = np.array(weights, np.float32)
        if colour.changes(self.recipe):
            batch["colour"] = np.stack(
                [colour.sample(self._rng(3, item), self.recipe) for item in items]
            )
        return batch

    def _weight(self, item: int) -> float:
        among, _ = self._source(item)
        return self.recipe.teacher_weight if among is self.unlabelled else 1.0

    def _picture(self, item: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The stream's `item`, (h, w, 4), and the teacher's matte of it, or else its truth."""
        among, index = self._source(item)
        source = sample_map(self._rng(1, item), self.recipe)
        picture = warp(among.pictures[index], source, self.size)
        matte = picture[..., 3]
        if among.mattes is not None:
            matte = warp(among.mattes[index], source, self.size)
        self._replace_background(picture, item, among, index, source)
        return picture, matte

    def _replace_background(
        self,
        picture: NDArray[np.uint8],
        item: int,
        among: Decoded,
        index: int,
        source: NDArray[np.float64],
    ) -> None:
        """Put another background into a warped picture, if it is its turn and may have one."""
        if self.backgrounds is None or among.foregrounds is None:
            return
        rng = self._rng(4, item)
        if rng.random() >= self.recipe.background_share or not among.soft[index]:
            return
        background = self.backgrounds[rng.integers(len(self.backgrounds)), ..., :3]
        picture[..., :3] = foreground.composite(
            warp(among.foregrounds[index], source, self.size),
            picture[..., 3],
            warp(background, sample_map(rng, BACKGROUND), self.size),
        )


def _share(decoded: Decoded, unlabelled: Decoded | None, recipe: Recipe) -> float:
    """The share of the pictures without masks in the stream."""
    if unlabelled is None:
        return 0.0
    if recipe.unlabelled_share is not None:
        return recipe.unlabelled_share
    return len(unlabelled) / (len(decoded) + len(unlabelled))


class Stream:
    """Batches from a number on, made ahead by threads and taken in order.

    Attributes:
        waited_s: How long `next` has waited for batches that were not made yet.
    """

    def __init__(self, batches: Batches, first: int, *, threads: int = 2) -> None:
        self._batches = batches
        self._next = first
        self._made: collections.deque[Future[Batch]] = collections.deque()
        self._ahead = threads + 2
        # Each warp is small: several pictures at once gain more than parts of one.
        cv2.setNumThreads(1)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="batches")
        self.waited_s = 0.0

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def __next__(self) -> Batch:
        while len(self._made) < self._ahead:
            self._made.append(self._executor.submit(self._batches.__getitem__, self._next))
            self._next += 1
        begin = time.perf_counter()
        batch = self._made.popleft().result()
        self.waited_s += time.perf_counter() - begin
        return batch
