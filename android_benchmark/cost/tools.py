"""The programs that counting needs: qemu with plugins, the counting plugin, and the engine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

from android_benchmark.building import CLOCK, COUNTER, MANIFEST, check_counter
from android_benchmark.engines import Tflbench
from android_benchmark.errors import EngineFileError, HarnessError

QEMU = "qemu-aarch64"


class CostToolsError(HarnessError):
    """Something that counting needs is not installed, or is of a kind that cannot be used."""


@dataclasses.dataclass(frozen=True)
class CostTools:
    """The programs, and what tells their builds apart.

    Attributes:
        qemu: The emulator, with its `qemu_version`.
        plugin: The instruction counter.
        clock: What the counted program asks for the time.
        counter_sha256: Hash of these two.
        engine: The bundle of tflbench.
        compiler: What compiled tflbench.
        runtime_wheel_sha256: Hash of the wheel that the kernels came in.
    """

    qemu: Path
    qemu_version: str
    plugin: Path
    clock: Path
    counter_sha256: str
    engine: Tflbench
    compiler: str
    runtime: str
    runtime_wheel_sha256: str


def find_counter(folder: Path) -> tuple[Path, str]:
    """The emulator that takes the instruction counter, and its version.

    Args:
        folder: Where `android_benchmark.building` put the counter.

    Raises:
        CostToolsError: Something is missing; the message says all of it, and how to get it.
        BuildError: The counter was changed.
    """
    missing = []
    qemu = shutil.which(QEMU)
    if qemu is None:
        missing.append(f"{QEMU} (Debian and Ubuntu: apt-get install qemu-user)")
    if not all((folder / one.name).is_file() for one in (COUNTER, CLOCK)):
        missing.append("the instruction counter (with gcc: mmnet-deploy engines build counter)")
    if missing or qemu is None:
        raise CostToolsError(f"Counting instructions needs {', and '.join(missing)}.")
    check_counter(folder)
    return Path(qemu), _version(Path(qemu))


def find_tools(bundle: Path, plugin: Path) -> CostTools:
    """Find the programs and ask for their versions.

    Args:
        bundle: Folder of tflbench that `android_benchmark.building` made.
        plugin: Folder of the counter that it made.

    Raises:
        CostToolsError: Something is missing; the message says all of it, and how to get it.
        EngineFileError: The bundle is damaged.
    """
    qemu, version = find_counter(plugin)
    engine = Tflbench(bundle)
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    try:
        compiler, runtime = str(manifest["compiler"]), str(manifest["runtime"])
        wheel = str(manifest["runtime_wheel_sha256"])
    except KeyError as error:
        raise EngineFileError(
            f"{bundle / MANIFEST} lacks {error}: build the bundle anew."
        ) from error
    counter, clock = plugin / COUNTER.name, plugin / CLOCK.name
    digest = hashlib.sha256(counter.read_bytes() + clock.read_bytes()).hexdigest()
    return CostTools(qemu, version, counter, clock, digest, engine, compiler, runtime, wheel)


def _version(qemu: Path) -> str:
    """The version of an emulator that takes plugins.

    Raises:
        CostToolsError: It takes none, or does not run.
    """
    try:
        answers = [
            subprocess.run(
                [qemu, option], capture_output=True, text=True, timeout=30, env={"LC_ALL": "C"}
            ).stdout
            for option in ("-version", "-help")
        ]
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CostToolsError(f"{qemu} does not run: {error}.") from error
    found = re.search(r"version (.+)", answers[0])
    if found is None or "-plugin" not in answers[1]:
        raise CostToolsError(
            f"{qemu} takes no plugins, like every static build: install the dynamic one (Debian "
            "and Ubuntu: apt-get install qemu-user)."
        )
    return found[1].strip()
