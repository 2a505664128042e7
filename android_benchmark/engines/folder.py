"""The files of an engine: a program alone, or a folder that holds it and its libraries.

LiteRT 2 keeps its accelerators in libraries beside the program, such as
`libLiteRtClGlAccelerator.so` for GPUs; those of an NPU come from the chip's vendor.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path

from android_benchmark.errors import EngineFileError

PROGRAM, RUNNER = "benchmark_model", "run_model"
"""What measures a model, and what computes its outputs; the second may be missing."""


@dataclasses.dataclass(frozen=True)
class EngineFiles:
    """What an engine consists of.

    Attributes:
        files: Every file, by the name that it needs on the phone.
        sha256: Hash of the program.
        libraries: Hash of each library, by its name.
    """

    files: Mapping[str, Path]
    sha256: str
    libraries: Mapping[str, str]

    @property
    def programs(self) -> tuple[str, ...]:
        """Which of the files are executed."""
        return tuple(name for name in (PROGRAM, RUNNER) if name in self.files)


def read(path: Path) -> EngineFiles:
    """The files of a program, or of a folder with `benchmark_model` and its libraries.

    A folder's libraries are the files `*.so` in it and in the folders directly within it; on the
    phone, all lie beside the program. Of its other files, only `run_model` belongs to the engine.
    Hidden files, which some systems leave beside each file, are none of it.

    Raises:
        EngineFileError: A file cannot be read, there is no program or more than one, there are
            two different libraries of one name, or a name cannot be one on a phone.
    """
    if not path.is_dir():
        return EngineFiles({PROGRAM: path}, _sha256(path), {})
    try:
        beside = sorted(it for it in path.iterdir() if not it.name.startswith("."))
        nested = sorted(it for it in path.glob("*/*.so") if not it.name.startswith("."))
    except OSError as error:
        raise EngineFileError(f"Cannot read the engine {path}: {error.strerror}.") from error
    found = [it for it in beside if it.is_file()]
    program = _program(path, found)
    files = {PROGRAM: program}
    if (path / RUNNER).is_file():
        files[RUNNER] = path / RUNNER
    hashes: dict[str, str] = {}
    for library in [it for it in (*beside, *nested) if it.suffix == ".so" and _is_meant(it)]:
        if not library.name.isprintable():
            raise EngineFileError(
                f"The engine {path} must hold libraries with names in one line, without control "
                f"characters. Received: {library.name!r}."
            )
        digest = _sha256(library)
        if hashes.setdefault(library.name, digest) != digest:
            raise EngineFileError(
                f"The engine {path} must hold one library of each name. Received: "
                f"{files[library.name]} and {library}, which differ."
            )
        files.setdefault(library.name, library)
    return EngineFiles(files, _sha256(program), hashes)


def _is_meant(path: Path) -> bool:
    """Whether it is a file, or a link that should lead to one and leads nowhere."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def _program(folder: Path, found: list[Path]) -> Path:
    """The program in a folder: `benchmark_model`, or the only file whose name ends so."""
    named = [it for it in found if it.name.endswith(PROGRAM)]
    exact = [it for it in named if it.name == PROGRAM]
    chosen = exact or named
    if len(chosen) != 1:
        received = ", ".join(it.name for it in (chosen or found)[:8]) or "an empty folder"
        raise EngineFileError(
            f"The engine {folder} must hold one program `{PROGRAM}`, with its libraries (*.so) "
            f"beside it, or be a bundle of tflbench. Received: {received}."
        )
    return chosen[0]


def _sha256(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise EngineFileError(f"Cannot read the engine {file}: {error.strerror}.") from error
