"""Which pictures a training uses: to train on, to validate with, and the same when resumed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmnet_deploy.errors import DataError
from mmnet_deploy.portraits import dataset
from mmnet_deploy.portraits.masks import parse_mask_values
from mmnet_deploy.runs.run import Run, RunConfig
from mmnet_deploy.training.history import History, digest


def hold_out(pairs: list[dataset.Pair], share: float, seed: int) -> tuple[list, list]:
    """Split pairs into those to train on and those to validate with, by a seeded draw.

    Raises:
        DataError: There are fewer than two pairs.
    """
    if len(pairs) < 2:
        raise DataError(f"Training needs at least 2 pairs. Received: {len(pairs)}.")
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
    pairs = dataset.find_pairs(Path(config.data), config.split, values)
    if config.max_pairs is None or config.max_pairs >= len(pairs):
        return pairs
    order = np.random.default_rng([config.seed, 5]).permutation(len(pairs))
    return [pairs[index] for index in sorted(order[: config.max_pairs].tolist())]


def listed(config: RunConfig, train_pairs: list[dataset.Pair], held_out: list[dataset.Pair]) -> str:
    """A line for each picture: what it is used for, and its path in the data set."""
    root = Path(config.data)
    lines = [
        f"{use} {pair.image.relative_to(root)}"
        for use, pairs in (("train", train_pairs), ("validate", held_out))
        for pair in pairs
    ]
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
    if not all(line.startswith(("train ", "validate ")) for line in before):
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
    raise DataError(
        f"{config.data} does not hold the pictures that {run.folder} was begun with: {which}. "
        "Put them back, or begin another run."
    )
