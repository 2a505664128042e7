"""Our one folder on the phone: files by their content, checked by hash, never by name.

No name from this computer reaches the phone, so a model may be called anything. A file that
is there already, whole, is not pushed again.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from android_benchmark import errors
from android_benchmark.phone.adb import SHELL_TIMEOUT_S, AdbDevice

FOLDER = "/data/local/tmp/mmnet-deploy"
"""Where everything lies that the harness puts on a phone."""

HASHING_BYTES_PER_S = 5_000_000
"""A phone that hashes slower than this has stalled."""

_PROGRAMS = (("sha256sum", hashlib.sha256), ("md5sum", hashlib.md5))


class Workspace:
    """Our folder on one phone.

    Args:
        device: The phone.
        folder: The folder; it and all in it are ours.
    """

    def __init__(self, device: AdbDevice, folder: str = FOLDER) -> None:
        self.device = device
        self.folder = folder
        self._hashing: str | None = None

    def model(self, local: Path) -> str:
        """Push a model file; returns its path on the phone.

        Raises:
            NoSpaceError, NotWritableError: The phone does not take it.
            TransientError: The connection broke, or the file arrived damaged.
        """
        name = f"{hashlib.sha256(local.read_bytes()).hexdigest()[:32]}.tflite"
        self.push({name: local})
        return f"{self.folder}/{name}"

    def program(self, files: Mapping[str, Path], programs: tuple[str, ...]) -> str:
        """Push a program and what it needs beside it; returns their folder on the phone.

        Args:
            files: Local files by the name that they have there; plain names.
            programs: Which of them may be executed.

        Raises:
            NoSpaceError, NotWritableError: The phone does not take them.
            TransientError: The connection broke, or a file arrived damaged.
        """
        digest = hashlib.sha256()
        for name, local in sorted(files.items()):
            digest.update(name.encode() + b"\0" + hashlib.sha256(local.read_bytes()).digest())
        folder = f"program-{digest.hexdigest()[:32]}"
        self.push({f"{folder}/{name}": local for name, local in files.items()})
        paths = " ".join(self.quoted(f"{folder}/{name}") for name in programs)
        self.device.shell(f"chmod 755 {paths}")
        return f"{self.folder}/{folder}"

    def push(self, files: Mapping[str, Path]) -> None:
        """Push files that are not there yet, by their names in the folder.

        Each arrives under another name first, and gets its own once its hash is right.
        """
        folders = sorted(
            {self.folder, *(f"{self.folder}/{name}".rpartition("/")[0] for name in files)}
        )
        self._must(f"mkdir -p {' '.join(map(shlex.quote, folders))}")
        there = self._hashes(files)
        wanted = {name: self._digest(local) for name, local in files.items()}
        for name, local in files.items():
            if there.get(name) == wanted[name]:
                continue
            part = f"{name}.part"
            try:
                self.device.push(local, f"{self.folder}/{part}")
            except errors.RemoteError:
                self.remove(part)  # half a file on a full disk helps nobody
                raise
            if self._hashes({part: local}).get(part) != wanted[name]:
                raise errors.TransportLostError(
                    f"{local} arrived damaged on {self.device.serial}: check the cable."
                )
            self._must(f"mv -f {self.quoted(part)} {self.quoted(name)}")

    def remove(self, name: str) -> None:
        """Remove one file of the folder, if it is there."""
        self.device.shell(f"rm -f {self.quoted(name)}")

    def make_empty(self, name: str, within: Iterable[str] = ()) -> None:
        """Make one folder of the folder anew.

        Args:
            name: Its name.
            within: Names of files in it whose own folders are needed, too.

        Raises:
            NotWritableError, NoSpaceError: The phone refuses.
        """
        folders = {name, *(f"{name}/{file}".rpartition("/")[0] for file in within)}
        paths = " ".join(map(self.quoted, sorted(folders)))
        self._must(f"rm -rf {self.quoted(name)} && mkdir -p {paths}")

    def remove_folder(self, name: str) -> None:
        """Remove one folder of the folder, if it is there."""
        self.device.shell(f"rm -rf {self.quoted(name)}")

    def sizes(self, names: Iterable[str]) -> dict[str, int]:
        """Size in bytes of each of the files that is there, by its name in the folder."""
        paths = " ".join(map(self.quoted, names))
        text = self.device.shell(f"wc -c {paths} 2>/dev/null").stdout if paths else ""
        found = re.findall(r"^\s*([0-9]+) (.+)$", text, re.MULTILINE)
        prefix = f"{self.folder}/"
        return {path[len(prefix) :]: int(size) for size, path in found if path.startswith(prefix)}

    def clean(self) -> int:
        """Remove the folder and all in it; returns the number of bytes that were freed.

        Raises:
            NotWritableError: It cannot be removed.
        """
        folder = shlex.quote(self.folder)
        sizes = self.device.shell(f"wc -c {folder}/* {folder}/*/* 2>/dev/null; true").stdout
        found = re.findall(r"^\s*([0-9]+) (?!total$)", sizes, re.MULTILINE)
        self._must(f"rm -rf {folder}")
        return sum(map(int, found))

    def quoted(self, name: str) -> str:
        """The path of a file in the folder, for a shell."""
        return shlex.quote(f"{self.folder}/{name}")

    def _must(self, command: str) -> None:
        result = self.device.shell(command)
        if result.returncode:
            said = (result.stderr or result.stdout).strip() or f"{command.split()[0]} failed"
            raise errors.refusal(said, f"{self.device.serial}, folder {self.folder}")

    @property
    def _program(self) -> str:
        """The command that hashes files, on this phone."""
        if self._hashing is None:
            for name, _ in _PROGRAMS:
                if self.device.shell(f"{name} /dev/null 2>&1").returncode == 0:
                    self._hashing = name
                    break
            else:
                raise errors.RemoteError(
                    f"The phone {self.device.serial} has neither sha256sum nor md5sum, so no "
                    "push can be checked. Android 6 and later have one."
                )
        return self._hashing

    def _digest(self, local: Path) -> str:
        function = dict(_PROGRAMS)[self._program]
        return function(local.read_bytes()).hexdigest()

    def _hashes(self, files: Mapping[str, Path]) -> dict[str, str]:
        """Hash of each of the files that is there, by its name."""
        paths = " ".join(self.quoted(name) for name in files)
        size = sum(local.stat().st_size for local in files.values())
        text = self.device.shell(
            f"{self._program} {paths} 2>/dev/null",
            timeout_s=SHELL_TIMEOUT_S + size / HASHING_BYTES_PER_S,
        ).stdout
        found = re.findall(r"^([0-9a-f]{32,64}) [ *]?(.+)$", text, re.MULTILINE)
        return {path.strip().removeprefix(f"{self.folder}/"): digest for digest, path in found}
