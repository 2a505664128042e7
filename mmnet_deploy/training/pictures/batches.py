"""Augmented batches as a pure function of their number, and a stream that makes them ahead."""

from __future__ import annotations

import collections
import functools
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
"""`picture`, uint8 (b, h, w, 4): RGB and the matte; and if the recipe changes
colours, `colour`, float32 (b, 13): see `colour.apply`."""

BACKGROUND = Recipe(max_scale=1.5, rotation_share=0.0)
"""How a background is cropped and mirrored, apart from the portrait before it."""


class Batches:
    """Augmented batches by number.

    A batch depends on the seed and on its number alone, so training that is resumed
    at step n sees what it would have seen without the interruption, and so do several
    workers that each make their part of it.

    Args:
        decoded: Pictures of any size; larger than `size` where they are enlarged.
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
        backgrounds: NDArray[np.uint8] | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        self.decoded = decoded
        self.recipe = recipe
        self.size = size
        self.backgrounds = backgrounds
        worker, workers = part
        self.rows = range(
            recipe.batch_size * worker // workers, recipe.batch_size * (worker + 1) // workers
        )
        # Threads may ask for the last batches of a pass and the first of the next together.
        self._order = functools.lru_cache(maxsize=4)(self._permutation)

    def _rng(self, purpose: int, number: int) -> np.random.Generator:
        return np.random.default_rng([self.recipe.seed, purpose, number])

    def _permutation(self, lap: int) -> NDArray[np.intp]:
        return self._rng(0, lap).permutation(len(self.decoded))

    def _source(self, item: int) -> int:
        """Which picture is the stream's `item`: each pass is a new permutation."""
        lap, position = divmod(item, len(self.decoded))
        return int(self._order(lap)[position])

    def __getitem__(self, number: int) -> Batch:
        """This worker's part of batch `number`."""
        items = [number * self.recipe.batch_size + row for row in self.rows]
        batch: Batch = {"picture": np.stack([self._picture(item) for item in items])}
        if colour.changes(self.recipe):
            batch["colour"] = np.stack(
                [colour.sample(self._rng(3, item), self.recipe) for item in items]
            )
        return batch

    def _picture(self, item: int) -> NDArray[np.uint8]:
        """The stream's `item`, (h, w, 4)."""
        index = self._source(item)
        source = sample_map(self._rng(1, item), self.recipe)
        picture = warp(self.decoded.pictures[index], source, self.size)
        if self.backgrounds is None or self.decoded.foregrounds is None:
            return picture
        rng = self._rng(4, item)
        if rng.random() >= self.recipe.background_share or not self.decoded.soft[index]:
            return picture
        background = self.backgrounds[rng.integers(len(self.backgrounds)), ..., :3]
        picture[..., :3] = foreground.composite(
            warp(self.decoded.foregrounds[index], source, self.size),
            picture[..., 3],
            warp(background, sample_map(rng, BACKGROUND), self.size),
        )
        return picture


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
