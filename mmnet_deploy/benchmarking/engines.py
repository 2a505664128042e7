"""Which engine runs the models on a phone: the one that was given, else the published one."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from android_benchmark import DeviceFacts
from android_benchmark.building import MANIFEST
from android_benchmark.engines import BenchmarkModel, PhoneEngine, Tflbench
from mmnet_deploy.engines import cache, official, releases
from mmnet_deploy.engines.releases import EngineFile
from mmnet_deploy.progress import Progress, silent

ENGINE_VARIABLE = "MMNET_BENCHMARK_MODEL"

Make = Callable[[], PhoneEngine]
"""Makes an engine for one phone."""


@dataclasses.dataclass(frozen=True)
class EngineChoice:
    """What the user says of the engine.

    Attributes:
        path: A program, or a folder; see `engine_at`.
        version: Of the published engine; empty means that of the installed runtime.
        offline: Whether nothing may be downloaded.
        purposes: What it is for, of `releases.PURPOSES`.
    """

    path: Path | None = None
    version: str = ""
    offline: bool = False
    purposes: tuple[str, ...] = (releases.CPU,)

    def given(self) -> Make | None:
        """The engine of the path or of the environment; None if there is neither.

        A version that was asked for comes before the environment.

        Raises:
            EngineFileError: It is no engine.
        """
        if self.path is not None:
            return engine_at(self.path, "given with --engine-binary")
        text = "" if self.version else os.environ.get(ENGINE_VARIABLE)
        return engine_at(Path(text), f"given with {ENGINE_VARIABLE}") if text else None


def purposes_of(delegates: tuple[str, ...], *, outputs: bool = False) -> tuple[str, ...]:
    """What an engine must be for: the delegates, and handing out outputs where that is asked."""
    others = [name for name in (releases.GPU, releases.NPU) if name in delegates]
    return (releases.CPU, *others, *([releases.OUTPUTS] if outputs else []))


def engine_at(path: Path, origin: str) -> Make:
    """What makes the engine of a path.

    Args:
        path: A binary of benchmark_model, a folder with one and its libraries, or the folder of
            a bundle of tflbench.
        origin: Where it came from, for results.

    Raises:
        EngineFileError: It is no engine.
    """

    def make() -> PhoneEngine:
        if (path / MANIFEST).is_file():
            return Tflbench(path)
        return BenchmarkModel(path, origin=origin)

    make()  # a fault is found before a phone is touched
    return make


class OfficialEngines:
    """The published engines for some phones; phones that need the same share one download.

    Args:
        choice: Version and purposes.
        stack: Removes what is made for them in temporary folders.
        progress, tell: See `official.get`.
    """

    def __init__(
        self,
        choice: EngineChoice,
        stack: contextlib.ExitStack,
        *,
        progress: Progress = silent,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._choice = choice
        self._stack = stack
        self._progress = progress
        self._tell = tell
        self._made: dict[tuple[str, frozenset[str]], Make] = {}

    def make_for(self, facts: DeviceFacts) -> Make:
        """What makes the engine for a phone.

        Raises:
            UsageError: There is none for its ABI, or no version to take.
            DownloadError, OutputError: It cannot be had.
        """
        abi = releases.checked_abi(facts.abi, facts.serial)
        version = self._choice.version or releases.default_version()
        vendor = releases.vendor_of(facts.processor)
        purposes = self._choice.purposes
        if cache.place(EngineFile(version, abi, releases.RUNNER)).exists():
            # Whoever got it wants outputs to be compared; the times of a CPU are the same.
            purposes += (releases.OUTPUTS,)
        wanted = releases.needed(purposes, vendor)
        if releases.NPU in self._choice.purposes and not vendor:
            self._tell(
                f"{facts.serial}: LiteRT publishes libraries for NPUs of Qualcomm and MediaTek. "
                f"Of whom its {facts.processor or 'processor'} is cannot be told, so none is taken."
            )
        key = abi, frozenset(wanted)
        if key not in self._made:
            found = official.get(
                version,
                abi,
                wanted,
                offline=self._choice.offline,
                progress=self._progress,
                tell=self._tell,
            )
            folder = tempfile.TemporaryDirectory(prefix="mmnet-engine-")
            path = found.gather(Path(self._stack.enter_context(folder)))
            self._made[key] = lambda: BenchmarkModel(
                path, release=found.version, origin=found.origin
            )
            self._made[key]()
        return self._made[key]
