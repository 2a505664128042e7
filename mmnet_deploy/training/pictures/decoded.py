"""The pictures of a training, decoded once and held as uint8.

In memory as long as they fit a limit, else in files that are mapped into memory. The files
are built once for a set of pictures, a size and a content, and their hashes are checked
whenever they are opened.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

import models
from mmnet_deploy import parallel
from mmnet_deploy.errors import OutputError
from mmnet_deploy.files import folder_aside, make_folder, reason, sha256, write_text
from mmnet_deploy.portraits import dataset, foreground, pictures
from mmnet_deploy.portraits.masks import MaskValues
from mmnet_deploy.portraits.problems import PictureError, Problem, raise_first
from mmnet_deploy.progress import Progress, silent
from mmnet_deploy.training.teaching.mattes import read as read_matte

VERSION = 2
"""Version of the files' content; a file of another version is built anew."""

CONTENTS = "contents.json"

Shapes = dict[str, tuple[int, ...]]

Size = tuple[int, int]
"""Height and width, in pixels."""


@dataclasses.dataclass(frozen=True)
class PictureStore:
    """Where decoded pictures may be.

    Attributes:
        folder: For the files.
        memory_limit_bytes: Pictures that need more than this go to files.
    """

    folder: Path
    memory_limit_bytes: int


@dataclasses.dataclass(frozen=True)
class Decoded:
    """Pictures with their masks.

    Attributes:
        pictures: uint8, (n, h, w, 4): red, green, blue and the mask; or the teacher's matte
            of a picture that has none.
        foregrounds: uint8, (n, h, w, 3), the foreground's colours; None where they
            were not asked for.
        soft: Which masks have soft edges, (n,).
        mattes: uint8, (n, h, w), the teacher's mattes beside the masks; None for none.
    """

    pictures: NDArray[np.uint8]
    foregrounds: NDArray[np.uint8] | None
    soft: NDArray[np.bool_]
    mattes: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def images(self) -> NDArray[np.uint8]:
        """(n, h, w, 3)."""
        return self.pictures[..., :3]

    @property
    def masks(self) -> NDArray[np.uint8]:
        """(n, h, w)."""
        return self.pictures[..., 3]


@dataclasses.dataclass(frozen=True)
class Source:
    """The files of a row.

    Attributes:
        image: None where the matte alone is wanted.
        mask: None for a picture without one.
        values: What class numbers in the mask mean.
        matte: The teacher's; in place of the mask where there is a picture.
    """

    image: Path | None
    mask: Path | None = None
    values: MaskValues | None = None
    matte: Path | None = None


def decode(
    pairs: Sequence[dataset.Pair],
    size: int | tuple[int, int],
    store: PictureStore | None = None,
    *,
    with_foregrounds: bool = False,
    progress: Progress = silent,
) -> Decoded:
    """Read pairs, resized to one size whatever their own, as the published evaluation does.

    Args:
        size: Height and width in pixels, one number for both.
        store: None for memory, whatever it takes.
        with_foregrounds: Estimate the foreground's colours of the pictures with soft masks
            too. As that takes long, they are kept in files even where memory would do.

    Raises:
        DataError: Files that cannot be read; the message counts them and names one.
        OutputError: The files cannot be written.
    """
    sources = [Source(pair.image, pair.mask, pair.mask_values) for pair in pairs]
    names = ("pictures", "soft", *(["foregrounds"] if with_foregrounds else []))
    arrays = _decode(sources, names, models.as_pair(size), store, progress)
    return Decoded(arrays["pictures"], arrays.get("foregrounds"), arrays["soft"].astype(bool))


def decode_taught(
    paths: Sequence[Path],
    mattes: Sequence[Path],
    size: int | tuple[int, int],
    store: PictureStore | None = None,
    *,
    progress: Progress = silent,
) -> Decoded:
    """Read pictures without masks, with the teacher's mattes of them; see `decode`."""
    sources = [Source(path, matte=matte) for path, matte in zip(paths, mattes, strict=True)]
    arrays = _decode(sources, ("pictures",), models.as_pair(size), store, progress)
    return Decoded(arrays["pictures"], None, np.zeros(len(sources), bool))


def decode_mattes(
    mattes: Sequence[Path],
    size: int | tuple[int, int],
    store: PictureStore | None = None,
    *,
    progress: Progress = silent,
) -> NDArray[np.uint8]:
    """Read a teacher's mattes alone, uint8, (n, h, w); see `decode`."""
    sources = [Source(None, matte=matte) for matte in mattes]
    return _decode(sources, ("mattes",), models.as_pair(size), store, progress)["mattes"]


def decode_pictures(
    paths: Sequence[Path],
    size: int | tuple[int, int],
    store: PictureStore | None = None,
    *,
    progress: Progress = silent,
) -> NDArray[np.uint8]:
    """Read pictures that have no masks; see `decode`.

    Returns:
        uint8, (n, h, w, 4), whose fourth channel is 0.
    """
    sources = [Source(path) for path in paths]
    return _decode(sources, ("pictures",), models.as_pair(size), store, progress)["pictures"]


Arrays = dict[str, NDArray[np.uint8]]


def _decode(
    sources: Sequence[Source],
    names: Sequence[str],
    size: Size,
    store: PictureStore | None,
    progress: Progress,
) -> Arrays:
    """The arrays of `Decoded` of these names, from memory or from files."""
    depths = {"pictures": (*size, 4), "soft": (), "foregrounds": (*size, 3), "mattes": size}
    shapes: Shapes = {name: (len(sources), *depths[name]) for name in names}
    # Foregrounds take long, so they are kept even where memory would do.
    with_foregrounds = "foregrounds" in names
    total = sum(math.prod(shape) for shape in shapes.values())
    in_memory = store is None or total <= store.memory_limit_bytes
    if store is None or (in_memory and not with_foregrounds):
        arrays = {name: np.zeros(shape, np.uint8) for name, shape in shapes.items()}
        _fill(arrays, sources, size, progress)
        return arrays
    folder = store.folder / _key(sources, size, names)
    if not _is_whole(folder, shapes):
        _build(folder, shapes, sources, size, progress)
    mode: Literal["r"] | None = None if in_memory else "r"
    return {name: np.load(folder / f"{name}.npy", mmap_mode=mode) for name in shapes}


def _fill(arrays: Arrays, sources: Sequence[Source], size: Size, progress: Progress) -> None:
    """Read every source into its row of the arrays."""
    problems: list[Problem] = []

    def read(index: int) -> None:
        try:
            _read(arrays, index, sources[index], size)
        except PictureError as error:
            problems.append(error.problem)

    for _ in parallel.in_parallel(read, range(len(sources)), "Reading pictures", progress):
        pass
    if problems:
        first = sources[0]
        image = first.image or problems[0].path
        root = image.parents[2] if first.mask else image.parent
        raise_first(sorted(problems, key=str), root)


def _read(arrays: Arrays, index: int, source: Source, size: Size) -> None:
    """Read one source into its row of the arrays."""
    if source.matte is not None:
        matte = pictures.resized(read_matte(source.matte), *size)
        if source.image is None:
            arrays["mattes"][index] = matte
            return
        arrays["pictures"][index, ..., 3] = matte
    if source.image is None:
        return
    picture = arrays["pictures"][index]
    if source.mask is None:
        picture[..., :3] = pictures.resized(pictures.read_image(source.image), *size)
        return
    image, mask = dataset.read_pair(
        dataset.Pair(source.image.stem, source.image, source.mask, source.values)
    )
    small, small_mask = (pictures.resized(whole, *size) for whole in (image, mask))
    picture[..., :3], picture[..., 3] = small, small_mask
    # By the whole mask: shrinking one makes the hardest edge look soft.
    arrays["soft"][index] = foreground.is_soft(mask)
    if arrays["soft"][index] and "foregrounds" in arrays:
        arrays["foregrounds"][index] = foreground.estimate(small, small_mask)


# --- Files -------------------------------------------------------------------


def _key(sources: Sequence[Source], size: Size, names: Sequence[str]) -> str:
    """A name that changes with every picture file, as far as its size and time tell."""
    height, width = size
    sides = f"{height}" if height == width else f"{height}x{width}"
    digest = hashlib.sha256(f"{VERSION} {sides} {' '.join(names)}".encode())
    for source in sources:
        for path in filter(None, (source.image, source.mask, source.matte)):
            try:
                facts = path.stat()
            except OSError as error:
                raise PictureError(path, f"cannot be read: {reason(error)}.") from error
            # Between NUL bytes, which no path can hold.
            line = f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}\0"
            digest.update(line.encode("utf-8", "surrogateescape"))
        if source.values is not None:
            digest.update(f"{source.values}\0".encode())
    return digest.hexdigest()[:32]


def _is_whole(folder: Path, shapes: Shapes) -> bool:
    """Whether the files are there, with the hashes that they were written with."""
    try:
        hashes = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
        return hashes.keys() == {f"{name}.npy" for name in shapes} and all(
            sha256(folder / name) == written for name, written in hashes.items()
        )
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


def _build(
    folder: Path, shapes: Shapes, sources: Sequence[Source], size: Size, progress: Progress
) -> None:
    """Make the files aside and put them into place together."""
    make_folder(folder.parent)
    total = sum(math.prod(shape) for shape in shapes.values())
    free = shutil.disk_usage(folder.parent).free
    if total > free:
        raise OutputError(
            f"The decoded pictures need {total / 1e9:.1f} GB, and {folder.parent} has "
            f"{free / 1e9:.1f} GB left. Give --cache elsewhere, or more --memory-limit."
        )
    # What is there is damaged, as far as this process has seen.
    shutil.rmtree(folder, ignore_errors=True)
    with folder_aside(folder) as aside:
        mapped = {
            name: np.lib.format.open_memmap(
                aside / f"{name}.npy", mode="w+", dtype=np.uint8, shape=shape
            )
            for name, shape in shapes.items()
        }
        for name in mapped:
            _reserve(aside / f"{name}.npy")
        _fill({**mapped}, sources, size, progress)
        for array in mapped.values():
            array.flush()
        hashes = {f"{name}.npy": sha256(aside / f"{name}.npy") for name in shapes}
        write_text(aside / CONTENTS, json.dumps(hashes))


def _reserve(path: Path) -> None:
    """Give a file its place on the disk: a mapped page for which there is none is a bus error.

    Raises:
        OSError: There is not enough left.
    """
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                    raise
