"""Which pictures calibrate a conversion, and which ones judge it."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmnet_deploy.errors import DataError
from mmnet_deploy.portraits import dataset, manifest, pictures
from mmnet_deploy.portraits.formats import endings
from mmnet_deploy.portraits.masks import MaskValues
from mmnet_deploy.portraits.problems import Problem, raise_first


@dataclasses.dataclass(frozen=True)
class Portrait:
    """A picture, and its mask if it has one.

    Attributes:
        mask_values: What class numbers in the mask mean; None for alpha.
    """

    image: Path
    mask: Path | None = None
    mask_values: MaskValues | None = None


@dataclasses.dataclass(frozen=True)
class Draw:
    """The pictures of one conversion.

    Attributes:
        calibration: They set the quantization ranges.
        held_out: They judge the files; none of them calibrates as long as there are
            enough pictures.
        others: The rest of the pictures.
    """

    calibration: tuple[Portrait, ...]
    held_out: tuple[Portrait, ...]
    others: tuple[Portrait, ...] = ()

    @property
    def is_disjoint(self) -> bool:
        """Whether no picture judges what it calibrated."""
        paths = {portrait.image for portrait in self.calibration}
        return not any(portrait.image in paths for portrait in self.held_out)


TRAIN = "train"


def _is_data_set(folder: Path, split: str) -> bool:
    return split != TRAIN or (folder / TRAIN / "mask").is_dir()


def _plain_folder(folder: Path) -> Path:
    train = folder / TRAIN / "image"
    return train if train.is_dir() else folder


def left_out(folder: Path, split: str = TRAIN) -> list[Problem]:
    """The pictures that `portraits_in` leaves out; of a data set, it would raise.

    Raises:
        DataError: The folder cannot be listed.
    """
    return [] if _is_data_set(folder, split) else pictures.left_out(_plain_folder(folder))


def portraits_in(
    folder: Path, split: str = TRAIN, mask_values: MaskValues | None = None
) -> list[Portrait]:
    """Splits of a data set, with masks, or the pictures of a plain folder.

    Args:
        split: As for `data.find_pairs`. A folder without a split `train` may be a plain one.
        mask_values: As for `data.find_pairs`.

    Raises:
        DataError: There are no pictures, or a split is not sound.
    """
    if _is_data_set(folder, split):
        pairs = dataset.find_pairs(folder, split, mask_values)
        return [Portrait(pair.image, pair.mask, mask_values) for pair in pairs]
    unfinished = manifest.problem(folder)
    raise_first([unfinished] if unfinished else [], folder)
    found = pictures.pictures_in(_plain_folder(folder))
    if not found:
        raise DataError(
            f"{folder} holds no representative pictures: neither train/image nor the folder "
            f"itself has one ({', '.join(endings())})."
        )
    return [Portrait(path) for path in found]


def _stratified(count: int, total: int, rng: np.random.Generator) -> list[int]:
    """`count` of the numbers 0 … total − 1, one from each of as many equal stretches."""
    if not 0 < count < total:
        return list(range(min(count, total)))
    edges = [-(-number * total // count) for number in range(count + 1)]
    return [int(rng.integers(low, high)) for low, high in itertools.pairwise(edges)]


def draw(portraits: Sequence[Portrait], calibration: int, held_out: int, seed: int) -> Draw:
    """A seeded draw, stratified over the data set.

    The sorted pictures are cut into as many equal stretches as pictures are wanted, and
    one is drawn from each: names number the sessions, scenes or people of a data set, so
    that each has its share. The held-out pictures are drawn likewise from the rest.
    """
    rng = np.random.default_rng(seed)
    # Where there are few pictures, half of them still judge what the others calibrate.
    wanted = min(calibration, max(len(portraits) - held_out, (len(portraits) + 1) // 2))
    chosen = _stratified(wanted, len(portraits), rng)
    rest = sorted(set(range(len(portraits))) - set(chosen)) or chosen
    judges = [rest[index] for index in _stratified(held_out, len(rest), rng)]
    others = [index for index in rest if index not in judges]
    return Draw(*(tuple(portraits[index] for index in part) for part in (chosen, judges, others)))


def without_copies(drawn: Draw) -> Draw:
    """Let no picture be held out that calibrates under another name, or is held out already.

    Pictures are told apart by their pixels; others of the data set take their places. If all
    of them calibrate, up to half of these are held out instead. One picture under any number
    of names does both, and the draw is not disjoint.

    Raises:
        DataError: A picture cannot be read.
    """
    calibrating: dict[str, list[Portrait]] = {}
    for portrait in drawn.calibration:
        calibrating.setdefault(_pixels(portrait.image), []).append(portrait)
    judges: dict[str, Portrait] = {}
    for portrait in (*drawn.held_out, *drawn.others):
        if len(judges) == len(drawn.held_out):
            break
        pixels = _pixels(portrait.image)
        if pixels not in calibrating:
            judges.setdefault(pixels, portrait)
    if judges:
        return Draw(drawn.calibration, tuple(judges.values()))
    groups = list(calibrating.values())
    if len(groups) < 2:
        return Draw(drawn.calibration, drawn.calibration[:1])
    count = min(len(drawn.held_out), len(groups) // 2)
    return Draw(
        tuple(portrait for group in groups[count:] for portrait in group),
        tuple(group[0] for group in groups[:count]),
    )


def _pixels(path: Path) -> str:
    """A hash of a picture as it is decoded, whatever its name and format."""
    image = pictures.read_image(path)
    return hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()
