"""The programs that are compiled from `native`, each with its flags and its sources."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

import android_benchmark
from android_benchmark.building.compiler import BuildError, run

NATIVE = Path(android_benchmark.__file__).resolve().parent / "native"

_WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
_STRICT = (*_WARNINGS, "-Wformat=2", "-Wconversion")
# No path, no time and no random identifier may get into a program.
_REPRODUCIBLE = ("-O2", "-s", "-Wl,--build-id=none")
_LIBRARY = (*_REPRODUCIBLE, "-fPIC", "-shared")


@dataclasses.dataclass(frozen=True)
class NativeProgram:
    """A program or library in C.

    Attributes:
        name: Of the file.
        folder: Of its sources, below `NATIVE`; all `.c` files there are compiled.
        warnings: Flags that choose them.
        flags: Those that a test may replace, such as by sanitizers.
        libraries: What it is linked with.
    """

    name: str
    folder: str
    warnings: tuple[str, ...]
    flags: tuple[str, ...]
    libraries: tuple[str, ...] = ()

    def sources(self) -> list[str]:
        """Names of what is compiled, relative to `NATIVE`.

        Raises:
            BuildError: There is nothing.
        """
        return self._files("*.c")

    def sources_sha256(self) -> str:
        """Hash of the flags, the sources and all headers that they may include."""
        digest = hashlib.sha256(json.dumps([self.warnings, self.flags, self.libraries]).encode())
        headers = [path.name for path in sorted(NATIVE.glob("*.h"))]
        for name in dict.fromkeys([*self._files("*.[ch]"), *headers]):
            content = hashlib.sha256((NATIVE / name).read_bytes()).hexdigest()
            digest.update(f"{name} {content}\n".encode())
        return digest.hexdigest()

    def compile(self, output: Path, compiler: str, flags: Sequence[str] | None = None) -> None:
        """Compile it, warnings as errors; the same compiler and sources give the same bytes.

        Args:
            output: Where the program goes.
            flags: In place of its own.

        Raises:
            BuildError: There is no such compiler, or it refuses the sources.
        """
        # Relative names from one folder: where the package lies cannot matter.
        chosen = self.flags if flags is None else flags
        command = [compiler, *self.warnings, *chosen, f"-ffile-prefix-map={NATIVE}=."]
        command += ["-o", str(output.resolve()), *self.sources(), *self.libraries]
        run(command, f"{compiler} cannot compile {self.name}", cwd=NATIVE)

    def _files(self, pattern: str) -> list[str]:
        found = sorted(
            path.relative_to(NATIVE).as_posix() for path in (NATIVE / self.folder).glob(pattern)
        )
        if not found:
            raise BuildError(
                f"There are no sources in {NATIVE / self.folder}: install the package again."
            )
        return found


TFLBENCH = NativeProgram("tflbench", ".", _WARNINGS, _REPRODUCIBLE, ("-ldl", "-lm"))
COUNTER = NativeProgram("libcost.so", "cost", _STRICT, (*_LIBRARY, "-fvisibility=hidden"))
"""The plugin of qemu that counts instructions, for this computer."""
CLOCK = NativeProgram("libsteadyclock.so", "cost/guest", _STRICT, _LIBRARY)
"""What the counted arm64 program asks for the time."""


def engine_version() -> str:
    """Version of tflbench, as it prints it.

    Raises:
        BuildError: The sources do not say it.
    """
    source = NATIVE / "tflbench.c"
    try:
        found = re.search(r'#define TFLBENCH_VERSION "(.+)"', source.read_text(encoding="utf-8"))
    except OSError as error:
        raise BuildError(f"Cannot read {source}: {error.strerror}.") from error
    if not found:
        raise BuildError(f"{source} does not define TFLBENCH_VERSION.")
    return found[1]
