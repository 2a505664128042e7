"""Pictures without masks: which of a folder can be learned from."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

from mmnet_deploy.errors import DataError
from mmnet_deploy.files import reason, sha256
from mmnet_deploy.parallel import ahead, workers
from mmnet_deploy.portraits import dataset, pictures
from mmnet_deploy.portraits.formats import endings
from mmnet_deploy.portraits.problems import PictureError, Problem
from mmnet_deploy.progress import Progress
from mmnet_deploy.runs.run import RunConfig

MOST_NAMED = 20
"""Number of pictures that cannot be read that are named; the others are counted."""


@dataclasses.dataclass(frozen=True)
class Unlabelled:
    """A picture without a mask.

    Attributes:
        sha256: Of its file.
        pixels: Hash of the decoded picture, whatever its name and format; empty if nobody asked.
    """

    path: Path
    sha256: str
    pixels: str = ""

    @classmethod
    def of(cls, path: Path) -> Unlabelled:
        """A picture whose pixels nobody compares.

        Raises:
            PictureError: It cannot be read.
        """
        try:
            return cls(path, sha256(path))
        except OSError as error:
            raise PictureError(path, f"cannot be read: {reason(error)}.") from error


def listed(folder: Path) -> list[Path]:
    """The picture files of a folder.

    Raises:
        DataError: It is none, or it has no pictures.
    """
    found = pictures.pictures_in(folder)
    if found:
        return found
    within = folder / "train" / "image"
    way = f" Its pictures are in {within}: give that folder." if within.is_dir() else ""
    raise DataError(
        f"`--unlabelled` must be a folder with pictures ({', '.join(endings())}), and {folder} "
        f"has none.{way}"
    )


def chosen(config: RunConfig, progress: Progress) -> list[Unlabelled]:
    """The pictures without masks that a training uses, in order of their names.

    Those that cannot be read, that are also in the data set, whatever the split, and that are
    there twice are left out, which the progress is told.

    Raises:
        DataError: None is left.
    """
    folder = Path(config.unlabelled)
    found = _readable(listed(folder), folder, progress)
    if config.data:
        found = _apart_from_data(found, config, progress)
    distinct = {picture.pixels: picture for picture in reversed(found)}
    once = [picture for picture in found if distinct[picture.pixels] is picture]
    if len(once) < len(found):
        _tell(progress, f"{folder}: {len(found) - len(once)} are copies of others: left out.")
    return once


def _readable(paths: Sequence[Path], folder: Path, progress: Progress) -> list[Unlabelled]:
    """Those that can be decoded; the others are told."""
    found: list[Unlabelled] = []
    problems: list[Problem] = []
    with (
        progress("Reading pictures without masks", len(paths)) as advance,
        workers(0) as (executor, count),
    ):
        for result in ahead(executor, _read, paths, 2 * count):
            advance()
            if isinstance(result, Unlabelled):
                found.append(result)
                continue
            problems.append(result)
            if len(problems) <= MOST_NAMED:
                advance(f"{result} It is left out.", steps=0)
        if len(problems) > MOST_NAMED:
            more = len(problems) - MOST_NAMED
            advance(f"{more} more pictures in {folder} cannot be read: left out.", steps=0)
    if not found:
        raise DataError(f"None of the {len(paths)} pictures in {folder} can be read: {problems[0]}")
    return found


def _read(path: Path) -> Unlabelled | Problem:
    try:
        image = pictures.read_image(path)
        return dataclasses.replace(Unlabelled.of(path), pixels=_hash(image))
    except PictureError as error:
        return error.problem


def _hash(image: pictures.Picture) -> str:
    return hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()


# --- Pictures that are in the data set too -----------------------------------


def _apart_from_data(
    found: list[Unlabelled], config: RunConfig, progress: Progress
) -> list[Unlabelled]:
    """Those that are not in the data set: what is held out or tested with stays unseen."""
    known = _pixels_of(_pictures_of(config), f"Comparing them with {config.data}", progress)
    apart = [picture for picture in found if picture.pixels not in known]
    count = len(found) - len(apart)
    if not apart:
        raise DataError(
            f"All {count} pictures of {config.unlabelled} are also in {config.data}: "
            "`--unlabelled` must hold others. To learn the teacher's mattes of pictures that have "
            "masks, give `--set teacher_on_labelled=SHARE`; to learn without the masks, leave out "
            "`--data`."
        )
    if count:
        _tell(
            progress,
            f"{config.unlabelled}: {count} are also in {config.data}, which has masks for them or "
            "tests with them: left out.",
        )
    return apart


def _pictures_of(config: RunConfig) -> list[Path]:
    """Every picture of the data sets that are trained on, those of other splits too."""
    root = Path(config.data)
    parts = dict.fromkeys(name.strip().rpartition("/")[0] for name in config.split.split(","))
    found: list[Path] = []
    for part in parts:
        for split in dataset.split_names(root / part):
            folder = root / part / split / "image"
            found += pictures.pictures_in(folder) if folder.is_dir() else []
    return found


def _pixels_of(paths: Sequence[Path], title: str, progress: Progress) -> set[str]:
    """Hashes of pictures; one that cannot be read is nobody's copy."""
    found = set()
    with progress(title, len(paths)) as advance, workers(0) as (executor, count):
        for result in ahead(executor, _read, paths, 2 * count):
            advance()
            if isinstance(result, Unlabelled):
                found.add(result.pixels)
    return found


def _tell(progress: Progress, line: str) -> None:
    with progress("Pictures without masks", 1) as advance:
        advance(line, steps=0)
        advance()
