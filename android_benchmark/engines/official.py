"""The official engine `benchmark_model`, whose binary the user provides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from android_benchmark import errors
from android_benchmark.device import DELEGATES, Engine, OperatorTime, Settings
from android_benchmark.engines import benchmark_model, folder, verdict
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
from android_benchmark.engines.run_model import RunModel
from android_benchmark.measurement import Measurement, Statistics
from android_benchmark.phone.adb import Completed
from android_benchmark.phone.engine import EngineResult, OutputRunner, failure
from android_benchmark.rules import RunRules

_LINKER = re.compile(r'CANNOT LINK EXECUTABLE.*library "([^"]{1,200})" not found')
_CPU_DELEGATES = ("xnnpack", "none")
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
        self.outputs: OutputRunner | None = RunModel() if folder.RUNNER in read.files else None
        self._flags: Flags | None = None

    @property
    def probe(self) -> list[str] | None:
        """The command that lists its flags."""
        return [f"./{folder.PROGRAM}", "--help"]

    def learn(self, answer: Completed) -> None:
        """Take its flags; `--help` ends in failure, always.

        Raises:
            EngineFileError: It is another program, or does not start for want of a library.
        """
        text = f"{answer.stdout}\n{answer.stderr}"
        if missing := _LINKER.search(text):
            raise errors.EngineFileError(
                f"{self.files[folder.PROGRAM]} does not start on the phone, which lacks its "
                f"library {missing[1]}: put that beside it, in a folder, and give the folder to "
                "`--engine-binary`."
            )
        flags = benchmark_model.probe(text)
        if flags.tool not in (Tool.BENCHMARK_MODEL, Tool.LITERT):
            said = (answer.stderr or answer.stdout).strip().rstrip(".").splitlines()
            raise errors.EngineFileError(
                f"{self.files[folder.PROGRAM]} is not benchmark_model: its `--help` lists none of "
                f"that program's flags. It says: {said[-1][:200] if said else 'nothing'}."
            )
        self._flags = flags

    def check(self, settings: Settings) -> None:
        """Make sure that this binary can do what is asked.

        Raises:
            DelegateMissingError: It has no flag for the delegate, or no library of an NPU.
            EngineError: It lacks another flag.
        """
        self.command("model", settings, RunRules(), None)

    def libraries_for(self, settings: Settings) -> Mapping[str, str]:
        """Those beside it; a published program holds all that a CPU needs in itself.

        So results of a CPU are the same whether libraries for a GPU lay beside it or not.
        """
        return {} if self.release and settings.delegate in _CPU_DELEGATES else self.libraries

    def environment(self, path: str) -> Mapping[str, str]:
        """Where Android's linker, and Qualcomm's NPU, find the libraries beside the program."""
        if not self.libraries:
            return {}
        qualcomm = any("Qnn" in name or "Qualcomm" in name for name in self.libraries)
        names = ["LD_LIBRARY_PATH", *(["ADSP_LIBRARY_PATH"] if qualcomm else [])]
        return dict.fromkeys(names, path)

    def command(
        self, model: str, settings: Settings, rules: RunRules, output: str | None, path: str = "."
    ) -> list[str]:
        """The command that runs a model; it hands out no outputs.

        Raises:
            DelegateMissingError: This binary has no flag for the delegate, or no library of an
                NPU.
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
        extra = {
            name: value for name, _, value in (f.partition("=") for f in settings.engine_flags)
        }
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
                precision=settings.precision,
                libraries=path if self.libraries else "",
                extra=extra,
            )
        except benchmark_model.UnsupportedDelegateError as error:
            raise errors.DelegateMissingError(str(error)) from error
        except benchmark_model.BenchmarkModelError as error:
            raise errors.EngineError(str(error)) from error
        if settings.delegate == "npu" and not {"dispatch_library_path"} & extra.keys():
            self._require_dispatch()
        return [f"./{folder.PROGRAM}", *arguments]

    def _require_dispatch(self) -> None:
        if not any("Dispatch" in name for name in self.libraries):
            there = ", ".join(sorted(self.libraries)[:8]) or "none"
            raise errors.DelegateMissingError(
                "`--delegate npu` needs the chip's dispatch library, such as "
                "libLiteRtDispatch_Qualcomm.so, beside the engine: give a folder with both to "
                f"`--engine-binary`. Received: libraries {there}."
            )

    def read(self, completed: Completed, settings: Settings) -> EngineResult:
        """What a run's output says.

        Raises:
            OutputCutError: Its end is missing.
            EngineError: It failed, or its output contradicts itself.
        """
        report = benchmark_model.parse(completed.stdout, completed.stderr)
        measured = _require_success(report, completed.returncode, settings)
        ran = verdict.judge(report, settings, self.libraries)
        return EngineResult(
            engine=Engine(
                self.name,
                report.dialect.value,
                ran.delegate,
                settings.delegate,
                ran.nodes,
                ran.delegated_nodes,
                ran.partitions,
                self.sha256,
                self.release,
                self.origin,
                self.libraries_for(settings),
                ran.backend,
            ),
            measurement=Measurement((), (), measured),
            flags=ran.flags,
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
        # The line that ends the run is rarely the one that explains it.
        before = verdict.why(report, Delegate(settings.delegate))
        if before and settings.delegate not in ("xnnpack", "none"):
            kind = errors.DelegateMissingError if kind is errors.EngineError else kind
            why = why.rstrip(".") + (f" ({before})" if before not in why else "")
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
