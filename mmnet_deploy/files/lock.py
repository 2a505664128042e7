"""A folder that one command at a time writes to.

For commands whose files belong together, as those of a training do. Commands whose every file
stands for itself, such as a stored result, need none: each file has its own name and is
written whole.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from mmnet_deploy.errors import OutputError
from mmnet_deploy.files.aside import owner_of
from mmnet_deploy.files.process import Owner, this_process
from mmnet_deploy.files.whole import make_folder, reason

LOCK = ".mmnet-deploy.lock"

SETTLED_S = 0.5
"""Where a file system knows no locks: after this time the last to write its name has the folder."""

_PROGRAM = "mmnet-deploy"
_LONGEST_COMMAND = 120
_MOST_BYTES = 4096
_WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
_TRIES = 100


class FolderInUseError(OutputError):
    """Another process writes to the folder.

    Attributes:
        who: That process, for people.
    """

    def __init__(self, message: str, who: str) -> None:
        super().__init__(message)
        self.who = who


def is_empty(folder: Path) -> bool:
    """Whether there is nothing in a folder but this module's file and half-written ones.

    Raises:
        OSError: It cannot be read.
    """
    return all(name == LOCK or owner_of(name) for name in os.listdir(folder))


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Write to `folder` as the only process; it is made, and goes again if it stays empty.

    The system frees the lock when the process ends, even if it is killed. Where the file
    system has no locks, the file says who writes, and whoever comes looks whether that process
    still runs.

    Raises:
        FolderInUseError: Another process writes there, which the message names.
        OutputError: Nobody can.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    descriptor = None
    try:
        descriptor = _take(folder)
        yield
    finally:
        if descriptor is not None:
            # While the lock is held: whoever has opened the file finds that it is gone.
            with contextlib.suppress(OSError):
                (folder / LOCK).unlink()
            os.close(descriptor)
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()


def _take(folder: Path) -> int:
    """Lock the folder; the descriptor that holds the lock."""
    file = folder / LOCK
    for _ in range(_TRIES):
        make_folder(folder)
        try:
            descriptor = _opened(file)
            if descriptor is None:
                continue
            if _is_taken(descriptor, file):
                return descriptor
            os.close(descriptor)
        except FileNotFoundError:
            continue  # Whoever had made the folder has removed it.
        except OSError as error:
            raise OutputError(f"Cannot write to the folder {folder}: {reason(error)}.") from error
    raise OutputError(f"Cannot write to the folder {folder}: {LOCK} is made and removed again.")


def _opened(file: Path) -> int | None:
    """The lock's file; None if another user's was in the way and is removed now."""
    flags = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | flags, 0o666)
    except PermissionError:
        descriptor = os.open(file, os.O_RDONLY | flags)
    try:
        if not _flock(descriptor):
            raise _in_use(file, _read(descriptor))
        file.unlink()
    finally:
        os.close(descriptor)
    return None


def _is_taken(descriptor: int, file: Path) -> bool:
    """Whether the file was locked, for this process, before anybody removed it.

    Raises:
        OutputError: Another process has it.
    """
    try:
        has_locks = _flock(descriptor)
        holder = None if has_locks else _read(descriptor)
        if has_locks is False or (holder and _may_run(holder)):
            raise _in_use(file, holder or _read(descriptor), needs_removal=has_locks is None)
        if not os.path.samestat(os.fstat(descriptor), os.stat(file)):
            return False
        ours = _record()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(ours).encode(), 0)
        if has_locks is None:
            time.sleep(SETTLED_S)
            if (now := _read(descriptor)) != ours:
                raise _in_use(file, now, needs_removal=True)
    except BaseException:
        os.close(descriptor)
        raise
    return True


def _flock(descriptor: int) -> bool | None:
    """Whether this process has the lock now; None if the file system knows no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _WITHOUT_LOCKS:
            return None
        raise
    return True


# --- Who has it --------------------------------------------------------------

Record = dict[str, str | int]


def _record() -> Record:
    owner = this_process()
    program = Path(sys.argv[0]).name
    command = shlex.join([_PROGRAM if program == "__main__.py" else program, *sys.argv[1:]])
    return {
        "pid": owner.pid,
        "started": owner.started,
        "place": owner.place,
        "host": platform.node(),
        "since": datetime.datetime.now().astimezone().isoformat(" ", "seconds"),
        "command": command[:_LONGEST_COMMAND] + " …" * (len(command) > _LONGEST_COMMAND),
    }


def _read(descriptor: int) -> Record | None:
    """What the file says of the process that has it; None if it says nothing."""
    try:
        found = json.loads(os.pread(descriptor, _MOST_BYTES, 0))
        wanted = {name: type(value) for name, value in _record().items()}
        return found if {name: type(found[name]) for name in wanted} == wanted else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _may_run(record: Record) -> bool:
    owner = Owner(int(record["pid"]), int(record["started"]), str(record["place"]))
    return not owner.is_gone()


def _in_use(file: Path, record: Record | None, *, needs_removal: bool = False) -> FolderInUseError:
    who = "another process"
    if record:
        who = f"process {record['pid']} on {record['host']} since {record['since']}"
        who += f" (`{record['command']}`)"
    freed = f" If it no longer runs, remove {file}." if needs_removal else ""
    return FolderInUseError(
        f"{file.parent} is being written by {who}. Wait until it ends, or give another "
        f"folder.{freed}",
        who,
    )
