"""arm64 programs that come compiled, so that the emulated phone needs no compiler.

A stamp says from which sources and flags each was compiled, and with what. The tests compile
them again where that compiler is installed, and compare the bytes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from android_benchmark.building import program
from android_benchmark.building.compiler import CROSS, TRIPLET, BuildError, version
from android_benchmark.building.program import CLOCK, TFLBENCH, NativeProgram

PROGRAMS = (TFLBENCH, CLOCK)
STAMP = "stamp.json"
LINKER = f"{TRIPLET}-ld"


def folder() -> Path:
    """Where the programs and the stamp lie in the package."""
    return program.NATIVE / "prebuilt"


def stamp() -> dict[str, Any]:
    """The stamp: `compiler`, `linker`, and of each program `sources_sha256` and `sha256`.

    Raises:
        BuildError: It cannot be read.
    """
    file = folder() / STAMP
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BuildError(f"Cannot read {file}: install the package again.") from error


def find(wanted: NativeProgram) -> Path:
    """A compiled program that belongs to the sources beside it.

    Raises:
        BuildError: It was compiled from other sources, is damaged, or is not there.
    """
    file = folder() / wanted.name
    try:
        known = stamp()["programs"][wanted.name]
        content = file.read_bytes()
        sources, own = known["sources_sha256"], known["sha256"]
    except (OSError, KeyError, TypeError) as error:
        raise BuildError(f"Cannot read {file} or its stamp: install the package again.") from error
    if sources != wanted.sources_sha256():
        raise BuildError(
            f"{wanted.name} was compiled from other sources than those in {program.NATIVE}: "
            "compile it again (`mmnet-deploy engines build tflbench`; in a checkout: python "
            "tools/prebuilt_programs.py)."
        )
    if hashlib.sha256(content).hexdigest() != own:
        raise BuildError(f"{file} is damaged: install the package again.")
    return file


def renew() -> None:
    """Compile the programs anew, and write the stamp.

    Raises:
        BuildError: There is no cross compiler, or it refuses the sources.
    """
    folder().mkdir(exist_ok=True)
    made = {}
    for one in PROGRAMS:
        file = folder() / one.name
        one.compile(file, CROSS)
        file.chmod(0o644)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        made[one.name] = {"sources_sha256": one.sources_sha256(), "sha256": digest}
    content = {"compiler": version(CROSS), "linker": version(LINKER), "programs": made}
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    (folder() / STAMP).write_text(text, encoding="utf-8")
