"""How wrong a model's mattes are on a split of a data set."""

from __future__ import annotations

import datetime
import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy import data, metrics
from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.progress import Progress, silent
from mmnet_deploy.records import Evaluation, ModelFile, PictureScore

Predict = Callable[[data.Picture], NDArray[np.float32]]
"""From a picture, uint8 (h, w, 3), to its matte in 0 … 1, at any resolution."""

T = TypeVar("T")
R = TypeVar("R")


def _ahead(
    executor: ThreadPoolExecutor, function: Callable[[T], R], items: Sequence[T], depth: int
) -> Iterator[R]:
    """Results in order, computed at most `depth` items ahead of their use."""
    waiting: deque[Future[R]] = deque()
    for item in items:
        waiting.append(executor.submit(function, item))
        if len(waiting) > depth:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def evaluate(
    predict: Predict,
    model: ModelFile,
    engine: str,
    root: Path,
    split: str,
    *,
    size: tuple[int, int] | None = metrics.PUBLISHED_SIZE,
    progress: Progress = silent,
) -> Evaluation:
    """Compare a model's mattes with the masks of a split.

    Args:
        engine: What `predict` runs on, for the record.
        size: Height and width in pixels to compare at; None for each picture's own.

    Raises:
        DataError: The split cannot be found, or a file cannot be read.
        ModelFileError: A matte is not finite.
    """
    pairs = data.find_pairs(root, split)
    workers = os.cpu_count() or 1
    scores: list[PictureScore] = []
    # Decoding and metrics run beside inference; all three release the interpreter lock.
    with (
        progress(f"Evaluating {model.name}", len(pairs)) as advance,
        ThreadPoolExecutor(workers) as executor,
    ):
        pending: deque[Future[dict[str, float]]] = deque()

        def collect() -> None:
            scores.append(PictureScore(pairs[len(scores)].name, pending.popleft().result()))
            advance()

        digest = hashlib.sha256()
        for number, (image, mask) in enumerate(
            _ahead(executor, data.read_pair, pairs, 2 * workers)
        ):
            matte = predict(image)
            if not np.isfinite(matte).all():
                raise ModelFileError(
                    f"{model.name} gives no finite matte of {pairs[number].image}: it is damaged, "
                    "or its training went wrong."
                )
            digest.update(repr((pairs[number].name, mask.shape)).encode("utf-8", "replace"))
            digest.update(mask.tobytes())
            pending.append(executor.submit(metrics.score, matte, mask, size))
            if len(pending) > 2 * workers:
                collect()
        while pending:
            collect()
    height, width = size or (None, None)
    return Evaluation(
        model=model,
        data=root.resolve().name,
        data_sha256=digest.hexdigest(),
        split=split,
        height_px=height,
        width_px=width,
        engine=engine,
        pictures=tuple(scores),
        created_at=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
    )
