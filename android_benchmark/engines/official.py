"""The official engine `benchmark_model`, whose binary the user provides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from android_benchmark import errors
from android_benchmark.device import DELEGATES, Engine, OperatorTime, Settings
from android_benchmark.engines import benchmark_model, folder
from android_benchmark.engines.benchmark_model import (
    RUN_ORDER,
    BenchmarkModelReport,
    Delegate,
    FailureKind,
    Flags,
    Missing,
    Phase,
    Tool,
)
from android_benchmark.measurement import Flag, Measurement, Statistics
from android_benchmark.phone.adb import Completed
from android_benchmark.phone.engine import EngineResult, confirmation_flag, failure, fallback_flag
from android_benchmark.rules import RunRules

_FAILURES: Mapping[FailureKind, type[errors.EngineError]] = {
    FailureKind.ENGINE: errors.EngineFileError,
    FailureKind.MODEL_MISSING: errors.ModelRefusedError,
    FailureKind.MODEL_INVALID: errors.ModelRefusedError,
    FailureKind.OPERATOR: errors.ModelRefusedError,
    FailureKind.DELEGATE: errors.DelegateMissingError,
    FailureKind.MEMORY: errors.OutOfMemoryError,
    FailureKind.CRASH: errors.EngineCrashedError,
}
_CAUSES = (
    FailureKind.DELEGATE,
    FailureKind.MEMORY,
    FailureKind.OPERATOR,
    FailureKind.MODEL_INVALID,
    FailureKind.MODEL_MISSING,
    FailureKind.CRASH,
    FailureKind.FLAG,
    FailureKind.ENGINE,
)
"""What explains a failure best comes first: after a cause its consequences are printed too."""

_DELEGATE_FLAGS = ("use_cpu", "use_xnnpack", "use_gpu", "use_nnapi", "use_hexagon", "use_npu")


class BenchmarkModel:
    """One build of benchmark_model, with the libraries that it needs beside it.

    Args:
        path: The program, built for the phone, or a folder as `folder.read` takes it.
        release: The release that it is of, such as `2.3.0`, where that is known.
        origin: Where it came from, for the results.

    Raises:
        EngineFileError: It cannot be read.
    """

    name = "benchmark_model"

    def __init__(self, path: Path, *, release: str = "", origin: str = "") -> None:
        read = folder.read(path)
        self.files: Mapping[str, Path] = read.files
        self.programs: tuple[str, ...] = read.programs
        self.sha256 = read.sha256
        self.libraries: Mapping[str, str] = read.libraries
        self.release = release
        self.origin = origin
        self._flags: Flags | None = None

    @property
    def probe(self) -> list[str] | None:
        """The command that lists its flags."""
        return [f"./{folder.PROGRAM}", "--help"]

    def learn(self, answer: Completed) -> None:
        """Take its flags; `--help` ends in failure, always.

        Raises:
            EngineFileError: It is another program.
        """
        flags = benchmark_model.probe(f"{answer.stdout}\n{answer.stderr}")
        if flags.tool not in (Tool.BENCHMARK_MODEL, Tool.LITERT):
            said = (answer.stderr or answer.stdout).strip().splitlines()
            raise errors.EngineFileError(
                f"{self.files[folder.PROGRAM]} is not benchmark_model: its `--help` lists none of "
                f"that program's flags. It says: {said[-1][:200] if said else 'nothing'}."
            )
        self._flags = flags

    def command(
        self, model: str, settings: Settings, rules: RunRules, output: str | None
    ) -> list[str]:
        """The command that runs a model; it hands out no outputs.

        Raises:
            DelegateMissingError: This binary has no flag for the delegate.
            EngineError: It lacks another flag.
        """
        if self._flags is None:
            raise RuntimeError("`learn` comes first: it finds out which flags there are.")
        if settings.delegate not in DELEGATES:
            raise errors.DelegateMissingError(
                f"`delegate` must be one of {', '.join(DELEGATES)}. Received: {settings.delegate}."
            )
        # TensorFlow 1 knows no bound: there it is the time that a run may take at all.
        bounds = "max_secs" in self._flags
        try:
            arguments = benchmark_model.arguments(
                self._flags,
                graph=model,
                threads=settings.threads,
                delegate=Delegate(settings.delegate),
                runs=rules.min_runs,
                min_duration_s=rules.min_duration_s,
                max_duration_s=rules.max_duration_s if bounds else None,
                warmup_runs=rules.warmup_min_runs,
                warmup_min_duration_s=rules.warmup_min_s,
                profile=settings.profile,
            )
        except benchmark_model.UnsupportedDelegateError as error:
            raise errors.DelegateMissingError(str(error)) from error
        except benchmark_model.UnsupportedFlagError as error:
            missing = error.flag in _DELEGATE_FLAGS
            kind = errors.DelegateMissingError if missing else errors.EngineError
            raise kind(str(error)) from error
        except benchmark_model.BenchmarkModelError as error:
            raise errors.EngineError(str(error)) from error
        return [f"./{folder.PROGRAM}", *arguments]

    def read(self, completed: Completed, settings: Settings) -> EngineResult:
        """What a run's output says.

        Raises:
            OutputCutError: Its end is missing.
            EngineError: It failed, or its output contradicts itself.
        """
        report = benchmark_model.parse(completed.stdout, completed.stderr)
        measured = _require_success(report, completed.returncode, settings)
        delegate, flags = _delegate(report, settings)
        took = next(iter(report.delegations_of(Delegate(delegate))), None)
        return EngineResult(
            engine=Engine(
                self.name,
                report.dialect.value,
                delegate,
                settings.delegate,
                took.total_nodes if took else None,
                took.nodes if took else None,
                took.partitions if took else None,
                self.sha256,
                self.release,
                self.origin,
                self.libraries,
            ),
            measurement=Measurement((), (), measured),
            flags=flags,
            init_us=report.init_us,
            peak_memory_bytes=_peak(report),
            profile=operators(report),
        )


def _peak(report: BenchmarkModelReport) -> int | None:
    peak = report.memory.peak_bytes
    return None if peak is None else round(peak)


def operators(report: BenchmarkModelReport) -> tuple[OperatorTime, ...]:
    """The operators of an inference; what ran once, before them, is left out."""
    found = []
    for profile in report.profiles:
        if profile.phase is Phase.INITIALIZATION or not profile.ended:
            continue
        # LiteRT's newest layout, which has no timings, sums the calls up over all runs.
        series = (report.warmup, report.measured) if profile.timings is None else ()
        runs = sum(it.count for it in series if it) or 1
        for row in profile.rows(RUN_ORDER):
            calls = 1 if row.times_called is None else round(row.times_called / runs)
            if row.avg_us is not None and calls:
                # The table has the mean of one call.
                time_us = row.avg_us * calls
                found.append(OperatorTime(row.name or "", row.node_type, time_us, calls))
    return tuple(found)


def _require_success(
    report: BenchmarkModelReport, returncode: int, settings: Settings
) -> Statistics:
    """The numbers of a run that came to its end, and can be trusted.

    Raises:
        EngineError, OutputCutError: It did not.
    """
    failures = sorted(
        (it for it in report.failures if it.kind in _CAUSES), key=lambda it: _CAUSES.index(it.kind)
    )
    if returncode != 0 or any("Benchmarking failed" in it.text for it in report.failures):
        said = (failures or report.failures or (None,))[0]
        kind = _FAILURES.get(said.kind, errors.EngineError) if said else errors.EngineError
        why = said.text if said else "it says nothing of why"
        raise failure(kind, "benchmark_model", returncode, why)
    if report.unconsumed_flags:
        raise errors.EngineError(
            "benchmark_model does not know the flags "
            f"{', '.join(report.unconsumed_flags)}, so what it ran is not what was asked for: take "
            "a newer build."
        )
    if report.doubts:
        raise errors.UnreadableOutputError(
            f"The output of benchmark_model makes no sense: {report.doubts[0]}."
        )
    # Not every delegate has a profile, but one that began must end.
    needless = {Missing.PROFILE} if settings.profile else {Missing.PROFILE, Missing.PROFILE_END}
    cut = [part.value for part in report.missing if part not in needless]
    if cut:
        raise errors.OutputCutError(
            f"The output of benchmark_model is cut short: it lacks {', '.join(cut)}."
        )
    measured = report.measured.statistics if report.measured else None
    if measured is None:
        raise errors.UnreadableOutputError(
            "The output is complete but has no measured run: it is not that of benchmark_model."
        )
    return measured


def _delegate(report: BenchmarkModelReport, settings: Settings) -> tuple[str, tuple[Flag, ...]]:
    """What ran the model, and what is wrong with that."""
    why = report.fallbacks[0].text if report.fallbacks else ""
    wanted = Delegate(settings.delegate)
    ran = report.ran(wanted)
    # Newer runtimes apply XNNPACK by themselves, whatever was asked for.
    others = (it.value for it in Delegate if it is not wanted and report.ran(it))
    other = None if ran else next(others, None)
    if wanted is Delegate.NONE or ran is False or other:
        delegate = other or "none"
        return delegate, (fallback_flag(settings, delegate, why),)
    return settings.delegate, (
        fallback_flag(settings, settings.delegate, why),
        confirmation_flag(settings, ran is True),
    )
