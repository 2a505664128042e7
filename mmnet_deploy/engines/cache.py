"""The cache of engines on this computer, and the hashes that its files must have.

official/VERSION/android_arm64/NAME        files, laid out as on the server
recorded/VERSION/android_arm64/NAME.json   the hash of each, kept when the file is removed
partial/VERSION/android_arm64/NAME/        what has arrived of a download under way
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath

from mmnet_deploy import typed
from mmnet_deploy.downloads import cache as downloads
from mmnet_deploy.downloads.cache import folder
from mmnet_deploy.engines import releases
from mmnet_deploy.engines.releases import EngineFile
from mmnet_deploy.errors import DownloadError, OutputError
from mmnet_deploy.files import make_folder, read_regular, reason, write_text

_MOST_RECORD_BYTES = 2**16


def writable() -> AbstractContextManager[None]:
    """Within, an error of writing says how to choose another cache."""
    return downloads.writable("Engines")


def place(file: EngineFile) -> Path:
    """Where a file lies, or would lie."""
    return folder() / "official" / file.path


def partial(file: EngineFile) -> Path:
    """The folder of a download under way; `content` in it is what has arrived."""
    return folder() / "partial" / file.path


def arrived_bytes(file: EngineFile) -> int:
    """How much of an unfinished download is there."""
    try:
        return (partial(file) / "content").stat().st_size
    except OSError:
        return 0


# --- Hashes --------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Recorded:
    """What is known of a file since it first came.

    Attributes:
        sha256: The hash that it must have.
        origin: Where it came from: an address, or words.
        recorded_at: When, in ISO 8601.
        pinned: Whether a person said the hash.
    """

    sha256: str
    origin: str
    recorded_at: str
    pinned: bool = False


def _record_file(file: EngineFile) -> Path:
    path = folder() / "recorded" / file.path
    return path.with_name(f"{path.name}.json")


def recorded(file: EngineFile) -> Recorded | None:
    """What was recorded of a file; None if nothing was.

    Raises:
        DownloadError: It cannot be read.
    """
    path = _record_file(file)
    try:
        return typed.from_json(read_regular(path, _MOST_RECORD_BYTES), Recorded)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else "it is damaged"
        raise DownloadError(
            f"Cannot read the recorded hash {path}: {why}. Without it, {file.title} cannot be "
            "checked; remove it to record the hash anew."
        ) from error


def record(file: EngineFile, known: Recorded) -> None:
    """Record the hash of a file.

    Raises:
        OutputError: The cache cannot be written.
    """
    path = _record_file(file)
    with writable():
        make_folder(path.parent)
        write_text(path, json.dumps(dataclasses.asdict(known), indent=1) + "\n")


# --- What there is --------------------------------------------------------------


def files() -> tuple[EngineFile, ...]:
    """All files of engines that are there, whole or in part, by version and name."""
    found = set()
    for kind in ("official", "partial"):
        root = folder() / kind
        for path in root.glob("*/*/*"):
            file = releases.find(PurePosixPath(path.relative_to(root).as_posix()))
            there = path.is_file() if kind == "official" else (path / "content").is_file()
            if file is not None and there:
                found.add(file)
    return tuple(sorted(found, key=lambda file: file.path))


def remove(file: EngineFile) -> int:
    """Remove a file and what has arrived of it; its hash stays recorded.

    Returns:
        How many bytes were freed.

    Raises:
        OutputError: It cannot be removed.
    """
    path = place(file)
    freed = arrived_bytes(file)
    try:
        with contextlib.suppress(FileNotFoundError):
            size = path.stat().st_size
            path.unlink()
            freed += size
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(partial(file))
    except OSError as error:
        raise OutputError(f"Cannot remove {error.filename or path}: {reason(error)}.") from error
    tidy(file)
    return freed


def tidy(file: EngineFile) -> None:
    """Remove the folders of a file, and of what has arrived of it, that are empty."""
    of_file, of_part = place(file), partial(file)
    for empty in (*of_file.parents[:2], of_part, *of_part.parents[:2]):
        with contextlib.suppress(OSError):
            empty.rmdir()


def forget_partial(file: EngineFile) -> None:
    """Remove what has arrived of a download, except the lock of whoever does it."""
    for name in ("content", "from.json"):
        with contextlib.suppress(OSError):
            (partial(file) / name).unlink()
