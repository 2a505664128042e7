"""The published engine, from the cache or by one download: what its files must be is checked here.

The first hash of a file that comes is recorded, and holds from then on: a file with another one,
downloaded or put there by hand, is refused until a person accepts it. Versions that move
(`nightly`) are an exception, since the publisher replaces their files: a fetch replaces the hash.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mmnet_deploy.engines import cache, content, download, releases, server
from mmnet_deploy.engines.cache import Recorded
from mmnet_deploy.engines.releases import PROGRAM, EngineFile
from mmnet_deploy.errors import DownloadError, OutputError
from mmnet_deploy.files import FolderInUseError, locked, make_folder, read_regular, reason
from mmnet_deploy.progress import Progress, silent

BY_HAND = "put into the cache by hand"

_WAIT_S = 0.2


@dataclasses.dataclass(frozen=True)
class Official:
    """An engine as it was published.

    Attributes:
        version: Its release, or `nightly`.
        abi: Android's name of the instruction set.
        files: What there is of it, by name; all are checked.
        origin: Where the program came from.
    """

    version: str
    abi: str
    files: Mapping[str, Path]
    origin: str

    def gather(self, folder: Path) -> Path:
        """The engine as `BenchmarkModel` takes it: the program, or a folder with it and the rest.

        Args:
            folder: An empty one, which takes links if there is more than the program. The cache
                itself may hold more than is wanted.
        """
        if set(self.files) == {PROGRAM}:
            return self.files[PROGRAM]
        for name, path in self.files.items():
            (folder / name).symlink_to(path)
        return folder


def get(
    version: str,
    abi: str,
    wanted: Mapping[str, bool],
    *,
    offline: bool = False,
    anew: bool = False,
    pins: Mapping[str, str] | None = None,
    progress: Progress = silent,
    tell: Callable[[str], None] = lambda line: None,
) -> Official:
    """The files of a published engine, those that are missing by download.

    Args:
        version: A release, or one of `releases.MOVING`. Of these, what is in the cache is used
            as it is, and all files are downloaded together: without a program there, or `anew`.
        abi: One of `releases.ABIS`.
        wanted: Names of files, each with whether it must be there; see `releases.needed`.
        offline: Whether nothing may be downloaded.
        anew: Whether to download a version that moves even if it is there.
        pins: Hashes that a person says files must have; they replace what was recorded.
        progress, tell: See `download.fetch`.

    Raises:
        DownloadError: A file cannot be had, or is not what it must be.
        OutputError: The cache cannot be written.
    """
    pins = pins or {}
    files = [EngineFile(version, abi, name) for name in wanted]
    moves = version in releases.MOVING
    if moves and not anew and cache.place(EngineFile(version, abi, PROGRAM)).exists():
        tell(
            f"LiteRT {version} is taken as it is in the cache; `mmnet-deploy engines get "
            f"--version {version}` fetches the latest (`--for gpu` with what GPUs need)."
        )
        offline = True
    anew = moves and not offline
    old = [file for file in cache.files() if (file.version, file.abi) == (version, abi)]
    found: dict[str, Path] = {}
    origin = ""
    for file in files:
        try:
            path, known = _file(
                file, offline=offline, anew=anew, pin=pins.get(file.name), progress=progress,
                tell=tell,
            )  # fmt: skip
        except (server.NotThereError, _NotCachedError) as error:
            if not wanted[file.name]:
                tell(f"Going on without {file.title}, which is not there.")
                continue
            raise DownloadError(f"{error}.") from error
        found[file.name] = path
        if file.name == PROGRAM:
            origin = known.origin if known else BY_HAND
        if anew:  # Files of two nights do not go together.
            for stale in old:
                if stale.name not in found:
                    cache.remove(stale)
            old = []
    return Official(version, abi, found, origin)


class _NotCachedError(DownloadError):
    """A file is not in the cache, and nothing may be downloaded."""


def _file(
    file: EngineFile,
    *,
    offline: bool,
    anew: bool,
    pin: str | None,
    progress: Progress,
    tell: Callable[[str], None],
) -> tuple[Path, Recorded | None]:
    """One file, and what is recorded of it."""
    if not anew:
        kept = _kept(file, pin, tell)
        if kept is not None:
            return kept
    address = f"{releases.server()}/{file.path}"
    shown, by_hand = releases.without_password(address), cache.place(file)
    if offline:
        raise _NotCachedError(
            f"{file.title} is not in the cache, and `--offline` allows no download: get it from "
            f"{shown} and put it at {by_hand}"
        )
    try:
        with _alone(file, tell):
            # Another process may have put it there meanwhile.
            kept = None if anew else _kept(file, pin, tell)
            return kept or _fetched(file, address, pin, progress, tell)
    except server.UnreachableError as error:
        raise DownloadError(
            f"{error}. Without a download: get it elsewhere and put it at {by_hand}."
        ) from error
    except server.NotThereError as error:
        other = next(it for it in releases.LAST if it != file.version)
        raise server.NotThereError(
            f"{error}: take another version, such as {other} (`bench --engine-version`, "
            "`engines get --version`), or an engine of your own (`bench --engine-binary`), or get "
            f"it elsewhere and put it at {by_hand}"
        ) from error


@contextlib.contextmanager
def _alone(file: EngineFile, tell: Callable[[str], None]) -> Iterator[None]:
    """Be the only process that downloads a file; whoever comes second waits.

    Raises:
        OutputError: The cache cannot be written.
    """
    with contextlib.ExitStack() as stack:
        waiting = False
        while True:
            try:
                with cache.writable():
                    stack.enter_context(locked(cache.partial(file)))
                break
            except FolderInUseError as error:
                if not waiting:
                    tell(f"Waiting for {error.who}, which downloads {file.title}.")
                waiting = True
                time.sleep(_WAIT_S)
        yield
    cache.tidy(file)


# --- What a file must be ----------------------------------------------------------


def expected(file: EngineFile, pin: str | None = None) -> tuple[str, str]:
    """The SHA-256 that a file must have, and who says so; empty if none is known.

    Args:
        pin: One that a person says now, before all others.
    """
    if pin:
        return pin, "as `--sha256` says"
    known = cache.recorded(file)
    shipped = releases.KNOWN.get(str(file.path), "")
    if known and (known.pinned or not shipped):
        return known.sha256, f"as was recorded at {known.recorded_at}"
    return shipped, "as this package says" if shipped else ""


def hashed(file: EngineFile) -> str | None:
    """SHA-256 of a file in the cache; None if it is not there.

    Raises:
        DownloadError: It cannot be read, or is no engine.
    """
    path = cache.place(file)
    try:
        whole = read_regular(path, content.MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DownloadError(f"Cannot read the engine {path}: {reason(error)}.") from error
    fault = content.fault(whole[: content.HEAD_BYTES], file, len(whole))
    if fault:
        raise DownloadError(
            f"{path} is not {file.title}: {fault}. Remove it with `mmnet-deploy engines remove "
            f"--version {file.version}`, and get it anew."
        )
    return hashlib.sha256(whole).hexdigest()


def _kept(
    file: EngineFile, pin: str | None, tell: Callable[[str], None]
) -> tuple[Path, Recorded | None] | None:
    """A file that is in the cache, checked; None if it is not, or another one was pinned."""
    digest = hashed(file)
    if digest is None or (pin and digest != pin):
        return None
    path, known = cache.place(file), cache.recorded(file)
    must, why = expected(file, pin)
    if must and digest != must:
        anew = f"To get the right one: mmnet-deploy engines remove --version {file.version}. "
        raise _changed(f"{path} has", file, digest, f"{must}, {why}", anew)
    if known is None or pin:
        known = _new_record(digest, known.origin if known else BY_HAND, bool(pin))
        try:
            cache.record(file, known)
        except OutputError as error:
            if pin:
                raise
            tell(f"{file.title} is used, but its hash cannot be recorded: {error}")
        else:
            tell(f"{file.title} is recorded with SHA-256 {digest}.")
    return path, known


def _fetched(
    file: EngineFile,
    address: str,
    pin: str | None,
    progress: Progress,
    tell: Callable[[str], None],
) -> tuple[Path, Recorded]:
    """A file by download, checked and in its place."""
    folder = cache.partial(file)
    with cache.writable():
        fetched = download.fetch(
            address,
            folder,
            file.title,
            check=lambda head: content.fault(head, file),
            progress=progress,
            tell=tell,
        )
    try:
        whole = read_regular(fetched, content.MOST_BYTES)
        digest = hashlib.sha256(whole).hexdigest()
        shown = releases.without_password(address)
        fault = content.fault(whole[: content.HEAD_BYTES], file, len(whole))
        if fault:
            raise DownloadError(f"{shown} gave something else than {file.title}: {fault}.")
        must, why = expected(file, pin)
        moves = file.version in releases.MOVING and not pin
        if must and digest != must and not moves:
            raise _changed(f"{shown} gave", file, digest, f"{must}, {why}")
    except DownloadError:
        cache.forget_partial(file)  # It is no beginning of the right one.
        raise
    before = cache.recorded(file)
    pinned = bool(pin or (before and before.pinned and before.sha256 == digest))
    known = _new_record(digest, shown, pinned)
    # The hash first: a process that is killed between the two leaves nothing unchecked.
    cache.record(file, known)
    path = cache.place(file)
    with cache.writable():
        make_folder(path.parent)
        try:
            os.replace(fetched, path)
        except OSError as error:
            raise OutputError(f"Cannot write {path}: {reason(error)}.") from error
    cache.forget_partial(file)
    tell(f"{file.title} is at {path}, SHA-256 {digest}.")
    return path, known


def _new_record(digest: str, origin: str, pinned: bool) -> Recorded:
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    return Recorded(digest, origin, now, pinned)


def _changed(what: str, file: EngineFile, digest: str, must: str, anew: str = "") -> DownloadError:
    """The error of a file with another hash than the one that it must have."""
    return DownloadError(
        f"{what} SHA-256 {digest}, and {file.title} must have {must}: it was replaced "
        f"or damaged. {anew}To accept it on purpose: mmnet-deploy engines get "
        f"--version {file.version} --sha256 {file.name}={digest}"
    )
