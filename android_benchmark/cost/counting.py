"""Count one model: a folder of fixed names, a fixed environment, one thread, two runs.

The same files give the same count to the last instruction. What could change it is kept out:
the program sees no variable of the caller's, no path of this computer, no random number that
is not seeded, and no time: its phases end by number, and its clock is moved by its readings.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from android_benchmark import errors
from android_benchmark.building import CLOCK, COUNTER
from android_benchmark.cost import counter
from android_benchmark.cost.counter import Kernel
from android_benchmark.cost.identity import CPUS, DEFAULT_CPU
from android_benchmark.cost.tools import CostTools
from android_benchmark.device import Engine, Settings
from android_benchmark.engines import tflbench
from android_benchmark.instructions import InstructionCounts
from android_benchmark.phone.adb import Completed
from android_benchmark.rules import RunRules

DELEGATES = ("xnnpack", "none")
WARMUP_RUNS = 3
"""After which built-in kernels have stored what they prepare; XNNPACK's do in the first."""
RUNS = 2
TIMEOUT_S = 600.0
_POLL_S = 0.1
_COUNTS = "counts.jsonl"
_ENVIRONMENT = {"LC_ALL": "C"}
_KERNEL_RELEASE = "5.10.0"
"""What the program is told of the kernel, whatever runs here."""


@dataclasses.dataclass(frozen=True)
class CountedRuns:
    """What one inference executes.

    Attributes:
        runs: The measured runs in order; equal unless the kernels do other work in each.
        kernels: Every kernel of one more run, in order.
        operators: The operators of that run, in order. One that a delegate ran can be several
            kernels, such as the copies of a concatenation.
        trace_failure: Why there are no operators; empty if there are.
        engine: What ran the model, as in a benchmark.
        identity: The chip that the program believed to run on.
    """

    runs: tuple[InstructionCounts, ...]
    kernels: tuple[Kernel, ...]
    operators: tuple[tflbench.TracedOp, ...]
    trace_failure: str
    engine: Engine
    cpu: str
    identity: str

    @property
    def per_inference(self) -> InstructionCounts:
        """The last run: a runtime may still prepare something in the one before."""
        return self.runs[-1]


def count(
    model: Path,
    tools: CostTools,
    *,
    cpu: str = DEFAULT_CPU,
    delegate: str = "xnnpack",
    timeout_s: float = TIMEOUT_S,
    trace: bool = True,
    stop: threading.Event | None = None,
) -> CountedRuns:
    """Count the instructions of one inference.

    Args:
        model: A `.tflite` file.
        tools: What `find_tools` found.
        cpu: One of `CPUS`.
        delegate: `xnnpack`, or `none` for the built-in kernels.
        timeout_s: The emulator is killed after so long.
        trace: Whether the kernels are wanted too, which takes one run more.
        stop: Set from another thread, it ends the emulator.

    Raises:
        ValueError: There is no such core or delegate.
        ModelRefusedError: It is no TFLite file, or the runtime does not take it.
        DelegateMissingError: The delegate took nothing of it.
        EngineCrashedError: A signal ended the engine.
        EngineHungError: It did not end in time.
        StoppedError: `stop` was set.
        EngineError: It failed in another way.
    """
    if cpu not in CPUS:
        raise ValueError(f"`cpu` must be one of {', '.join(CPUS)}. Received: {cpu}.")
    if delegate not in DELEGATES:
        raise ValueError(f"`delegate` must be one of {', '.join(DELEGATES)}. Received: {delegate}.")
    _check_is_model(model)
    core = CPUS[cpu]
    settings = Settings(threads=1, delegate=delegate, cores="")
    with tempfile.TemporaryDirectory(prefix="mmnet-cost-") as scratch:
        folder = Path(scratch)
        core.identity.write(folder / "identity")
        for name, file in tools.engine.files.items():
            (folder / name).symlink_to(file.resolve())
        (folder / COUNTER.name).symlink_to(tools.plugin.resolve())
        (folder / CLOCK.name).symlink_to(tools.clock.resolve())
        (folder / "model.tflite").symlink_to(model.resolve())
        command = _command(tools, core.played_by, settings, trace=trace)
        completed = _run(command, folder, timeout_s, stop or threading.Event())
        if completed.returncode < 0:
            raise _crashed(-completed.returncode, completed.stderr)
        if completed.returncode and not (folder / _COUNTS).exists():
            raise errors.EngineFileError(
                f"{tools.qemu} {tools.qemu_version} does not load the instruction counter: "
                f"{_last_line(completed.stderr)}"
            )
        result = tools.engine.read(completed, settings)
        report = tflbench.parse(completed.stdout, completed.stderr, completed.returncode)
        counted = counter.read((folder / _COUNTS).read_text(encoding="utf-8"))
    if result.engine.delegate != delegate:
        raise errors.DelegateMissingError(
            f"XNNPACK takes no operator of {model.name}: count it with `--delegate none`."
        )
    _check_exact(counted)
    return CountedRuns(
        counted.runs,
        counted.kernels,
        report.trace.ops if report.trace else (),
        (report.trace.failure or "") if report.trace else "it was not asked for",
        result.engine,
        cpu,
        core.identity.name,
    )


def _check_is_model(model: Path) -> None:
    try:
        with model.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise errors.ModelRefusedError(
            f"Cannot read {model}: {error.strerror or error}."
        ) from error
    if head[4:] != b"TFL3":
        raise errors.ModelRefusedError(f"{model} is not a TFLite file.")


def _command(tools: CostTools, played_by: str, settings: Settings, *, trace: bool) -> list[str]:
    rules = RunRules(
        warmup_min_runs=WARMUP_RUNS,
        warmup_min_s=0.0,
        min_runs=RUNS,
        min_duration_s=0.0,
        max_duration_s=86400.0,
    )
    emulator = [str(tools.qemu), "-cpu", played_by, "-L", "identity", "-r", _KERNEL_RELEASE]
    emulator += ["-E", f"LD_PRELOAD=./{CLOCK.name}", "-seed", "1"]
    emulator += ["-plugin", f"./{COUNTER.name},out={_COUNTS}"]
    engine = tools.engine.command("model.tflite", settings, rules, None)
    return [*emulator, *engine, *(["--trace_ops=true"] if trace else [])]


def _run(command: list[str], folder: Path, timeout_s: float, stop: threading.Event) -> Completed:
    """Run in `folder`, in a process group of its own, which is killed whole."""
    out, err = folder / "stdout", folder / "stderr"
    deadline = time.monotonic() + timeout_s
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                if stop.is_set():
                    raise errors.StoppedError("Stopped.")
                if time.monotonic() > deadline:
                    raise errors.EngineHungError(
                        f"The count did not end within {timeout_s:g} s, and was stopped: allow "
                        "more time with `--timeout`."
                    )
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_S)
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    said, complained = (path.read_text(encoding="utf-8", errors="replace") for path in (out, err))
    return Completed(said, complained, process.returncode)


def _crashed(number: int, stderr: str) -> errors.EngineError:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number == signal.SIGKILL:
        return errors.OutOfMemoryError(
            "The system killed the emulated engine (SIGKILL), most likely because memory ran out."
        )
    return errors.EngineCrashedError(
        f"The engine crashed under emulation with {name}: {_last_line(stderr)}"
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines or ["it says nothing"])[-1][:200].rstrip(".") + "."


def _check_exact(counted: counter.Counted) -> None:
    """Refuse what cannot be an exact count."""
    if len(counted.runs) != RUNS:
        raise errors.UnreadableOutputError(
            f"The instruction counter saw {len(counted.runs)} runs instead of {RUNS}."
        )
    if counted.threads != 1:
        raise errors.EngineError(
            f"The engine ran {counted.threads} threads; a count is exact with one thread only."
        )
