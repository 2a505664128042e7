"""The phone's file system: a folder of the host that nothing on the phone can leave.

Permissions are those of Android's `shell` user.
"""

from __future__ import annotations

import errno
import io
import os
import posixpath
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from android_benchmark.emulator.device import paths
from android_benchmark.emulator.device.paths import error, within
from android_benchmark.emulator.faults import DiskFull, Faults, NoExecution

WRITABLE = ("/data/local/tmp", "/sdcard")
_UNREADABLE = ("/data", "/data/local")  # a shell may pass through, not look around
_READ_ONLY = ("/system", "/vendor", "/product", "/odm")

DynamicFile = Callable[[], str]


class PhoneFiles:
    """The files of one phone.

    Attributes:
        root: The folder of the host that is the phone's `/`.
        dynamic: Files whose content is made when they are read, by path.
    """

    def __init__(self, root: Path, faults: Faults) -> None:
        self.root = root
        self.dynamic: dict[str, DynamicFile] = {}
        self._faults = faults
        for folder in (*WRITABLE, "/system/bin", "/dev"):
            (root / folder[1:]).mkdir(parents=True, exist_ok=True)

    def resolve(self, path: str, *, follow: bool = True) -> str:
        """The path without links, `.` and `..`; the last name need not exist.

        Raises:
            OSError: As `paths.resolve`.
        """
        return paths.resolve(self.root, path, follow=follow)

    def on_host(self, path: str, *, follow: bool = True) -> Path:
        """Where a path of the phone lies on the host.

        Raises:
            OSError: As `resolve`.
        """
        return self.root / self.resolve(path, follow=follow)[1:]

    def status(self, path: str, *, follow: bool = True) -> os.stat_result:
        """Mode, size and times.

        Raises:
            OSError: There is no such file.
        """
        try:
            return self.on_host(path, follow=follow).lstat()
        except OSError as problem:
            raise error(problem.errno or errno.EIO, path) from None

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        try:
            self.status(path)
        except OSError:
            return False
        return True

    def free_bytes(self) -> int | None:
        """Room that is left on the phone, if a fault limits it."""
        full = self._faults.active(DiskFull)
        return full.room(full.fault.free_bytes, full.fault.free_bytes) if full else None

    def list(self, path: str) -> list[str]:
        """Names in a folder, sorted.

        Raises:
            OSError: It is none, or the shell user may not look into it.
        """
        resolved = self.resolve(path)
        if resolved in _UNREADABLE:
            raise error(errno.EACCES, path)
        try:
            return sorted(os.listdir(self.root / resolved[1:]))
        except OSError as problem:
            raise error(problem.errno or errno.EIO, path) from None

    def open(self, path: str) -> BinaryIO:
        """Open a file to read it.

        Raises:
            OSError: There is none, it is a folder, or it may not be read.
        """
        resolved = self.resolve(path)
        if resolved in self.dynamic:
            return io.BytesIO(os.fsencode(self.dynamic[resolved]()))
        mode = self.status(resolved).st_mode
        if stat.S_ISDIR(mode):
            raise error(errno.EISDIR, path)
        # Checked here as well: the emulator may run as root, whom the host stops nowhere.
        if not stat.S_ISREG(mode) or not mode & 0o400:
            raise error(errno.EACCES, path)
        return (self.root / resolved[1:]).open("rb")

    def read(self, path: str) -> bytes:
        """The whole content of a file.

        Raises:
            OSError: As `open`.
        """
        with self.open(path) as file:
            return file.read()

    def check_writable(self, path: str) -> str:
        """The resolved path, if the shell user may change what lies there.

        Raises:
            OSError: It may not, with Android's reason.
        """
        resolved = self.resolve(path)
        if any(within(resolved, folder) for folder in WRITABLE):
            return resolved
        read_only = posixpath.dirname(resolved) == "/" or any(
            within(resolved, folder) for folder in _READ_ONLY
        )
        raise error(errno.EROFS if read_only else errno.EACCES, path)

    def create(self, path: str, *, append: bool = False) -> WritableFile:
        """Open a file to write it, as a new one unless `append`.

        Raises:
            OSError: It may not be written, its folder is missing, or it is a folder.
        """
        resolved = self.check_writable(path)
        try:
            file = (self.root / resolved[1:]).open("ab" if append else "wb")
        except OSError as problem:
            raise error(problem.errno or errno.EIO, path) from None
        return WritableFile(file, self._faults)

    def make_folder(self, path: str, *, parents: bool = False) -> None:
        """Make a folder; with `parents`, all that are missing, and none if it is there.

        Raises:
            OSError: It may not be made, or something is in its place.
        """
        names = path.strip("/").split("/")
        for count in range(1 if parents else len(names), len(names) + 1):
            part = "/" + "/".join(names[:count])
            if parents and self.exists(part) and stat.S_ISDIR(self.status(part).st_mode):
                continue
            if self.exists(part):
                raise error(errno.EEXIST, path)
            resolved = self.check_writable(part)
            room = self._faults.active(DiskFull)
            if room and not room.room(1, room.fault.free_bytes):
                raise error(errno.ENOSPC, path)
            try:
                (self.root / resolved[1:]).mkdir()
            except OSError as problem:
                raise error(problem.errno or errno.EIO, path) from None

    def link(self, target: str, path: str) -> None:
        """Make a symbolic link; `target` is a path of the phone.

        Raises:
            OSError: It may not be made.
        """
        folder, name = posixpath.split(path)
        place = self.check_writable(posixpath.join(self.resolve(folder), name))
        os.symlink(target, self.root / place[1:])

    def remove(self, path: str, *, recursive: bool = False) -> None:
        """Remove a file or link; with `recursive`, a folder and all in it.

        Raises:
            OSError: There is none, it may not be removed, or it is a folder.
        """
        folder, name = posixpath.split(path.rstrip("/"))
        resolved = posixpath.join(self.resolve(folder), name)
        if name in ("", ".", ".."):
            raise error(errno.EINVAL, path)
        mode = self.status(resolved, follow=False).st_mode
        if resolved in WRITABLE:
            raise error(errno.EACCES, path)
        # A link is removed where it lies, whatever it points to: its folder decides.
        self.check_writable(posixpath.join(self.resolve(folder), "any"))
        host = self.root / resolved[1:]
        if stat.S_ISDIR(mode):
            if not recursive:
                raise error(errno.EISDIR, path)
            shutil.rmtree(host)
        else:
            host.unlink()

    def move(self, source: str, target: str) -> bool:
        """Rename within one volume, replacing a file; false where it must be copied instead.

        Raises:
            OSError: One of the two may not be changed, or is a folder where the other is none.
        """
        old, new = self.check_writable(source), self.check_writable(target)
        volumes = {folder for p in (old, new) for folder in WRITABLE if within(p, folder)}
        if len(volumes) > 1 or old in WRITABLE:
            return False
        try:
            os.replace(self.root / old[1:], self.root / new[1:])
        except OSError as problem:
            raise error(problem.errno or errno.EIO, source) from None
        return True

    def change_mode(self, path: str, mode: int) -> None:
        """Set the permission bits.

        Raises:
            OSError: There is no such file, or it belongs to another.
        """
        found = self.status(path)
        try:
            resolved = self.check_writable(path)
        except OSError:
            raise error(errno.EPERM, path) from None
        # The host must always be able to clear the folder away.
        host_mode = mode | 0o700 if stat.S_ISDIR(found.st_mode) else mode
        (self.root / resolved[1:]).chmod(host_mode & 0o777)

    def may_execute(self, path: str) -> bool:
        """Whether a file has the execute bit and lies where programs may run."""
        resolved = self.resolve(path)
        if any(within(resolved, fault.path) for fault in self._faults.all(NoExecution)):
            return False
        # /sdcard is an emulated FAT volume on every phone: mounted noexec.
        return not within(resolved, "/sdcard") and bool(self.status(path).st_mode & 0o100)


class WritableFile:
    """A file that is written, within the room that is left on the phone."""

    def __init__(self, file: BinaryIO, faults: Faults) -> None:
        self._file = file
        self._faults = faults

    def write_now(self, data: bytes) -> None:
        """Append `data`.

        Raises:
            OSError: No space is left on the phone.
        """
        full = self._faults.active(DiskFull)
        room = full.room(len(data), full.fault.free_bytes) if full else len(data)
        if full:
            full.passed_bytes += room
        self._file.write(data[:room])
        self._file.flush()  # others may read it while it is written
        if room < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def write(self, data: bytes) -> None:
        """As `write_now`: a file can be a command's output."""
        self.write_now(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
