"""Which pictures a training uses: to train on, to validate with, and the same when resumed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from mmnet_deploy.errors import DataError
from mmnet_deploy.portraits import dataset
from mmnet_deploy.portraits.masks import parse_mask_values
from mmnet_deploy.progress import Progress, silent
from mmnet_deploy.runs.run import Run, RunConfig
from mmnet_deploy.training.history import History, digest
from mmnet_deploy.training.teaching import unlabelled
from mmnet_deploy.training.teaching.unlabelled import Unlabelled

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Chosen:
    """The pictures of a training.

    Attributes:
        train: Pairs to train on.
        unlabelled: Pictures without masks to train on.
        held_out: Pairs to validate with.
        unlabelled_held_out: Pictures without masks to validate with, where there are no pairs.
    """

    train: Sequence[dataset.Pair]
    unlabelled: Sequence[Unlabelled]
    held_out: Sequence[dataset.Pair]
    unlabelled_held_out: Sequence[Unlabelled]


def hold_out(
    pairs: Sequence[T], share: float, seed: int, *, what: str = "pairs"
) -> tuple[list[T], list[T]]:
    """Split pairs into those to train on and those to validate with, by a seeded draw.

    Args:
        what: They are, for the message.

    Raises:
        DataError: There are fewer than two.
    """
    if len(pairs) < 2:
        raise DataError(f"Training needs at least 2 {what}. Received: {len(pairs)}.")
    order = np.random.default_rng([seed, 2]).permutation(len(pairs))
    count = min(max(1, round(len(pairs) * share)), len(pairs) - 1)
    held_out = set(order[:count].tolist())
    train = [pair for index, pair in enumerate(pairs) if index not in held_out]
    return train, [pairs[index] for index in sorted(held_out)]


def chosen_pairs(config: RunConfig) -> list[dataset.Pair]:
    """The pairs of the splits, or as many of them as the recipe says, by a seeded draw.

    Raises:
        DataError: The data set cannot be used.
    """
    values = parse_mask_values(config.mask_values)
    return _drawn(dataset.find_pairs(Path(config.data), config.split, values), config)


def _drawn(items: Sequence[T], config: RunConfig) -> list[T]:
    if config.max_pairs is None or config.max_pairs >= len(items):
        return list(items)
    order = np.random.default_rng([config.seed, 5]).permutation(len(items))
    return [items[index] for index in sorted(order[: config.max_pairs].tolist())]


def chosen(config: RunConfig, progress: Progress = silent) -> Chosen:
    """All pictures of a training, and what each is for.

    Pairs are held out to validate with; pictures without masks only where there are no pairs.

    Raises:
        DataError: The data set, or the folder of pictures without masks, cannot be used.
    """
    train: list[dataset.Pair] = []
    held_out: list[dataset.Pair] = []
    share, seed = config.validation_share, config.seed
    if config.data:
        train, held_out = hold_out(chosen_pairs(config), share, seed)
    if not config.unlabelled:
        return Chosen(train, [], held_out, [])
    taught = unlabelled.chosen(config, progress)
    if config.data:
        return Chosen(train, taught, held_out, [])
    shown, held_back = hold_out(_drawn(taught, config), share, seed, what="pictures without masks")
    return Chosen([], shown, [], held_back)


def pictures_per_pass(config: RunConfig) -> int:
    """How many pictures show each of them once at least, as far as their names tell.

    Raises:
        DataError: See `chosen`.
    """
    kept = 1 - config.validation_share
    labelled = round(len(chosen_pairs(config)) * kept) if config.data else 0
    if not config.unlabelled:
        return max(1, labelled)
    found = unlabelled.listed(Path(config.unlabelled))
    if not config.data:
        return max(1, round(len(_drawn(found, config)) * kept))
    taught = len(found)
    share = config.unlabelled_share
    if share is None:
        return max(1, labelled + taught)
    return max(1, round(labelled / (1 - share)), round(taught / share))


def listed(config: RunConfig, used: Chosen) -> str:
    """A line for each picture: what it is used for, and its path in its folder."""
    lines = []
    for use, images, root in (
        ("train", [pair.image for pair in used.train], config.data),
        ("unlabelled", [picture.path for picture in used.unlabelled], config.unlabelled),
        ("validate", [pair.image for pair in used.held_out], config.data),
        ("validate", [picture.path for picture in used.unlabelled_held_out], config.unlabelled),
    ):
        lines += [f"{use} {image.relative_to(root)}" for image in images]
    return "".join(f"{line}\n" for line in lines)


def check_same_pictures(run: Run, config: RunConfig, now: str, told: History | None) -> None:
    """Refuse to go on with other pictures than a run was begun with.

    Args:
        now: What `listed` gives today.
        told: What the run's state says; None for that of an earlier version.

    Raises:
        DataError: Some are gone, or there are others.
    """
    if told and told.pictures_sha256 == digest(now):
        return
    if not told and not run.pictures_file.exists():
        return
    try:
        text = run.pictures_file.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        text = ""
    before = text.splitlines()
    if before == now.splitlines():
        return
    if not all(line.startswith(("train ", "unlabelled ", "validate ")) for line in before):
        before = []
    names_before = {line.partition(" ")[2] for line in before}
    names_now = {line.partition(" ")[2] for line in now.splitlines()}
    gone, new = sorted(names_before - names_now), sorted(names_now - names_before)
    changes = [
        f"{len(names)} {what}, such as {names[0]}"
        for what, names in (("gone", gone), ("new", new))
        if names
    ]
    which = "; ".join(changes) or "their order differs"
    if not before:
        which = f"{run.pictures_file.name}, which would say which, is missing or damaged"
    folders = list(filter(None, (config.data, config.unlabelled)))
    raise DataError(
        f"{' and '.join(folders)} {'do' if len(folders) > 1 else 'does'} not hold the pictures "
        f"that {run.folder} was begun with: {which}. "
        "Put them back, or begin another run."
    )
