"""Android's own shell, mksh with toybox's commands, beside an emulated phone.

Both are given the same command. mksh sees a copy of the phone's files in a folder, whose path
is put before each of the phone's paths in the command and taken out of the output again. What
only Android has is a script that prints what the emulated phone has just printed.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from android_benchmark.emulator.commands import COMMANDS
from android_benchmark.emulator.device import processes
from android_benchmark.emulator.device.pipes import Io, Memory
from android_benchmark.emulator.shell import syntax, tree

WRITABLE = ("data/local/tmp", "sdcard")
"""Folders that the shell user may write."""

_ANDROID = "am cmd dumpsys getprop id input logcat settings setprop svc uname which wm"
ANDROID = frozenset(_ANDROID.split())
"""Commands that this computer does not have, or that tell of it and not of the phone."""

_BUILTINS = ": [ cd echo exec exit export false kill printf pwd test true unset"
BUILTINS = frozenset(_BUILTINS.split())

_PATH = re.compile(r"(?<![\w./~-])/(?=(?:data|proc|sdcard|sys)(?![\w-])(?!/\$))")
_FIRST_PID = 90_000_000
"""Processes of the phone count from here: Linux has no such numbers."""

# No command may end another process of this computer, whatever number it read from a file.
_GUARD = """kill() { case "$*" in *" 9"[0-9][0-9][0-9][0-9][0-9][0-9][0-9]|*" $$")
builtin kill "$@";; *) echo "not sent: kill $*" >&2; builtin kill -9 $$;; esac; }
"""
_NOT_FOUND = re.compile(r"^E: \S*mksh: (.*): inaccessible or not found$", re.MULTILINE)
"""What mksh says since Android 10; the emulated phone's is older."""

_SH = """[ "$1" = -c ] || exec -a sh {mksh} "$@"
text=$2
shift 2
exec -a sh {mksh} -c "$GUARD$text" "$@"
"""
_TASKSET = """printf 'Cpus_allowed:\\t%s\\n' "$1" > "$ROOT/proc/self/status"
shift
exec "$@"
"""


def use_numbers_of_no_process(patch) -> None:
    """Let phones that are made from now on number their processes as Linux never does."""
    patch.setattr(processes, "_FIRST_PID", _FIRST_PID)


def missing() -> str:
    """The programs that this computer lacks for it."""
    return ", ".join(name for name in ("mksh", "toybox") if shutil.which(name) is None)


class Mksh:
    """mksh with the files of a phone.

    Attributes:
        root: Its copy of the phone's files.
        known: Commands that it has.
    """

    def __init__(self, folder: Path, phone) -> None:
        self.root = folder / "root"
        self._phone = phone
        self._mksh = shutil.which("mksh")
        self._programs = folder / "bin"
        self._programs.mkdir(parents=True)
        self._answers: dict[str, dict[str, tuple[int, bytes, bytes]]] = {}
        toybox = shutil.which("toybox")
        has = subprocess.run([toybox], capture_output=True, text=True, check=True).stdout.split()
        plain = (COMMANDS.keys() & set(has)) - ANDROID - {"taskset"} - phone.device.missing
        for name in plain:
            (self._programs / name).symlink_to(toybox)
        self._script("sh", _SH.format(mksh=self._mksh))
        if "taskset" not in phone.device.missing:
            self._script("taskset", _TASKSET)
        for name in ANDROID:
            self._script(name, "exit 99\n")
        phone.device.write_dynamic_files()
        for name in ("proc", "sys"):
            shutil.copytree(phone.root / name, self.root / name, symlinks=True)
        (self.root / "proc/self").mkdir()
        self.known = plain | BUILTINS | ANDROID | {"sh", "taskset"} | phone.device.missing

    def listen(self, patch) -> None:
        """Take note of what the emulated phone's own commands print, from now on."""

        def heard(name):
            command = COMMANDS[name]

            async def act(call):
                out, err = Memory(), Memory()
                io = Io(call.io.stdin, out, err)
                code = await command(dataclasses.replace(call, io=io))
                await call.io.stdout.write(bytes(out.data))
                await call.io.stderr.write(bytes(err.data))
                answers = self._answers.setdefault(name, {})
                answers[" ".join(call.arguments)] = (code, bytes(out.data), bytes(err.data))
                return code

            return act

        for name in ANDROID:
            patch.setitem(COMMANDS, name, heard(name))

    def copy(self) -> None:
        """Copy the files that the shell user may write, as they are now on the phone."""
        for name in self._answers:
            self._script(name, "exit 99\n")
        self._answers.clear()
        for folder in WRITABLE:
            shutil.rmtree(self.root / folder, ignore_errors=True)
            shutil.copytree(self._phone.root / folder, self.root / folder, symlinks=True)
        (self.root / "proc/self/status").write_text("Cpus_allowed:\tf\n")

    def run(self, command: str) -> tuple[int, str]:
        """Run a command; return its exit code and standard output."""
        for name, answers in self._answers.items():
            lines = [
                f"{shlex.quote(words)}) printf %s {_quoted(out)}; printf %s {_quoted(err)} >&2; "
                f"exit {code};;"
                for words, (code, out, err) in answers.items()
            ]
            self._script(name, "\n".join(['case "$*" in', *lines, "esac\nexit 99\n"]))
        done = subprocess.run(
            [self._mksh, "-c", _GUARD + _PATH.sub(f"{self.root}/", command)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=self.root,
            env={
                "PATH": str(self._programs),
                "HOME": "/",
                "TMPDIR": "/data/local/tmp",
                "USER": "shell",
                "LC_ALL": "C.UTF-8",
                "GUARD": _GUARD,
                "ROOT": str(self.root),
            },
            timeout=20,
        )
        code = 128 - done.returncode if done.returncode < 0 else done.returncode
        out = done.stdout.decode(errors="replace").replace(str(self.root), "")
        return code, _NOT_FOUND.sub(r"/system/bin/sh: \1: not found", out)

    def files(self) -> dict[str, bytes]:
        """Content of each file that the shell user may write, by its path."""
        return contents(self.root)

    def _script(self, name: str, text: str) -> None:
        path = self._programs / name
        path.write_text(f"#!{self._mksh}\n{text}")
        path.chmod(0o755)


def contents(root: Path) -> dict[str, bytes]:
    """Content of each file below the folders that the shell user may write, by its path."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for folder in WRITABLE
        for path in sorted((root / folder).rglob("*"))
        if path.is_file() and path.name != "run.pid"
    }


def commands_in(text: str) -> Iterator[str]:
    """Names of the commands in a command line, also within `$(…)` and `sh -c`."""
    yield from _in_script(syntax.parse(text))


def _in_script(script: tree.Script) -> Iterator[str]:
    for _, pipeline in script:
        for command in pipeline.commands:
            yield from _in_command(command)


def _in_command(command: tree.Command) -> Iterator[str]:
    if isinstance(command, tree.Redirected):
        yield from _in_command(command.command)
    elif isinstance(command, tree.Group):
        yield from _in_script(command.body)
    elif isinstance(command, tree.If):
        for script in (command.condition, command.body, command.otherwise):
            yield from _in_script(script)
    else:
        words = [value for _, value in command.assignments] + list(command.words)
        for part in (part for word in words for part in word if part.kind == "command"):
            yield from commands_in(part.text)
        texts = ["".join(part.text for part in word) for word in command.words]
        if command.words and all(part.kind == "text" for part in command.words[0]):
            yield texts[0]
        if "sh" in texts[:-2] and texts[texts.index("sh") + 1] == "-c":
            yield from commands_in(texts[texts.index("sh") + 2])


def _quoted(data: bytes) -> str:
    return shlex.quote(os.fsdecode(data))
