"""Our own engine `tflbench`, which hands out raw samples and output tensors."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from android_benchmark import errors
from android_benchmark.building import MANIFEST, TFLBENCH
from android_benchmark.device import Engine, OperatorTime, Settings
from android_benchmark.engines import tflbench
from android_benchmark.engines.own_outputs import TflbenchOutputs
from android_benchmark.measurement import Measurement
from android_benchmark.phone.adb import Completed
from android_benchmark.phone.engine import (
    EngineResult,
    OutputRunner,
    confirmation_flag,
    failure,
    fallback_flag,
)
from android_benchmark.rules import RunRules

_DELEGATES = ("xnnpack", "none")
_COMPLAINTS: tuple[tuple[str, type[errors.EngineError]], ...] = (
    (r"no memory for ", errors.OutOfMemoryError),
    (r"`--use_xnnpack` was given|the XNNPACK delegate ", errors.DelegateMissingError),
    (r"the library ", errors.EngineFileError),
    (
        r"`--graph` cannot be read|the model cannot|the interpreter cannot|the tensors cannot|"
        r"run [0-9]+ of the phase|a profiling run|(input|output) [0-9]+ |there is no noise|"
        r"`--input` ",
        errors.ModelRefusedError,
    ),
)
"""What the beginning of a complaint of tflbench's own stands for; its end may hold any path."""


class Tflbench:
    """A bundle of tflbench with a runtime, as `android_benchmark.building` puts it together.

    Args:
        bundle: Its folder.

    Raises:
        EngineFileError: It is no such folder, is incomplete, or holds a file that was changed.
    """

    name = tflbench.ENGINE

    def __init__(self, bundle: Path) -> None:
        try:
            manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
            hashes = {name: file["sha256"] for name, file in sorted(manifest["files"].items())}
            self._loader, self._library = str(manifest["loader"]), str(manifest["library"])
            self.sha256 = str(hashes[TFLBENCH.name])
            self.libraries: Mapping[str, str] = {
                name: str(one) for name, one in hashes.items() if name != TFLBENCH.name
            }
            self.origin = str(manifest["files"][TFLBENCH.name]["origin"])
        except OSError as error:
            raise errors.EngineFileError(
                f"{bundle} is no bundle of tflbench: cannot read {MANIFEST} ({error.strerror}). "
                "Make one: mmnet-deploy engines build tflbench."
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise errors.EngineFileError(
                f"{bundle / MANIFEST} is damaged: build the bundle anew."
            ) from error
        absent = [
            name
            for name in hashes
            if not re.fullmatch(r"[\w.+-]+", name) or not (bundle / name).is_file()
        ]
        if absent or not {self._loader, self._library, "tflbench"} <= set(hashes):
            raise errors.EngineFileError(
                f"{bundle} lacks {', '.join(absent) or 'a part of the engine'}: build it anew."
            )
        self.files: Mapping[str, Path] = {name: bundle / name for name in hashes}
        for name, file in self.files.items():
            if _sha256(file) != hashes[name]:
                raise errors.EngineFileError(
                    f"{file} does not have the hash that {MANIFEST} gives: build the bundle anew."
                )
        self.programs: tuple[str, ...] = (self._loader, "tflbench")

    @property
    def outputs(self) -> OutputRunner | None:
        """What hands out what a model computes: tflbench itself."""
        return TflbenchOutputs(self.command, self.read)

    @property
    def probe(self) -> list[str] | None:
        """The command that prints its version: it shows that the bundle starts at all."""
        return [*self._start, "--version"]

    def learn(self, answer: Completed) -> None:
        """Check the answer to `probe`.

        Raises:
            EngineFileError: The bundle does not start on this phone.
        """
        if answer.returncode:
            said = (answer.stderr or answer.stdout).strip().splitlines() or ["it says nothing"]
            raise errors.EngineFileError(
                f"tflbench does not start on this phone: {said[-1][:200]}."
            )

    @property
    def _start(self) -> list[str]:
        return [f"./{self._loader}", "--library-path", ".", "./tflbench"]

    def check(self, settings: Settings) -> None:
        """Make sure that it can do what is asked.

        Raises:
            DelegateMissingError: It has XNNPACK and the built-in kernels only.
            EngineError: It has no further flags, and cannot choose a precision.
        """
        if settings.delegate not in _DELEGATES:
            raise errors.DelegateMissingError(
                f"tflbench has no delegate {settings.delegate}, only {' and '.join(_DELEGATES)}: "
                "give the official benchmark_model with `--engine-binary`."
            )
        option = "--delegate-precision" if settings.precision else "--engine-flag"
        if settings.precision or settings.engine_flags:
            raise errors.EngineError(
                f"tflbench has nothing that `{option}` could set: leave it out, or give the "
                "official benchmark_model with `--engine-binary`."
            )

    def libraries_for(self, settings: Settings) -> Mapping[str, str]:
        """All of them, whatever the settings."""
        return self.libraries

    def environment(self, path: str) -> Mapping[str, str]:
        """None: its own loader is told where the libraries are."""
        return {}

    def command(
        self, model: str, settings: Settings, rules: RunRules, output: str | None, path: str = "."
    ) -> list[str]:
        """The command that runs a model.

        Raises:
            EngineError: See `check`.
        """
        self.check(settings)
        return [
            *self._start,
            f"--graph={model}",
            f"--library=./{self._library}",
            f"--num_threads={settings.threads}",
            f"--warmup_runs={rules.warmup_min_runs}",
            f"--warmup_min_secs={rules.warmup_min_s}",
            f"--num_runs={rules.min_runs}",
            f"--min_secs={rules.min_duration_s}",
            f"--max_secs={rules.max_duration_s}",
            f"--use_xnnpack={str(settings.delegate == 'xnnpack').lower()}",
            *(["--enable_op_profiling=true"] if settings.profile else []),
            *([f"--output={output}"] if output else []),
        ]

    def read(self, completed: Completed, settings: Settings) -> EngineResult:
        """What a run's output says.

        Raises:
            OutputCutError: It ended well, but its output lacks its end.
            EngineError: It failed, or its output makes no sense.
            RemoteError: It could not write its output tensors.
        """
        report = tflbench.parse(completed.stdout, completed.stderr, completed.returncode)
        if completed.returncode:
            raise _failure(report, completed)
        if not report.complete or report.start is None:
            raise errors.OutputCutError(
                f"The output of tflbench is cut short: {report.problems[-1]}."
            )
        if report.damage or not report.samples_ns:
            said = (report.damage or ("it made no run",))[0]
            raise errors.UnreadableOutputError(f"The output of tflbench makes no sense: {said}.")
        result = result_of(report, report.start, settings, self.sha256)
        engine = dataclasses.replace(result.engine, origin=self.origin, libraries=self.libraries)
        return dataclasses.replace(result, engine=engine)


def _sha256(file: Path) -> str:
    """Hash of a file; empty if it cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def result_of(
    report: tflbench.TflbenchReport, start: tflbench.Start, settings: Settings, sha256: str
) -> EngineResult:
    """What a complete report says of a run.

    Args:
        start: The report's.
        settings: What was asked for.
        sha256: Hash of the program; empty if unknown.
    """
    delegate = report.delegate
    took = delegate.delegated_nodes if delegate else None
    ran = (delegate.name or "none").lower() if delegate and took != 0 else "none"
    told = ran == "none" or took is not None
    init = report.init
    return EngineResult(
        engine=Engine(
            tflbench.ENGINE,
            f"{start.version} ({start.runtime})",
            ran,
            settings.delegate,
            delegate.nodes if delegate else None,
            took,
            delegate.partitions if delegate else None,
            sha256,
        ),
        measurement=Measurement(
            tuple(value / 1000 for value in report.warmup_ns),
            tuple(value / 1000 for value in report.samples_ns),
        ),
        flags=(
            fallback_flag(settings, ran, "the delegate took no operator" if took == 0 else ""),
            confirmation_flag(settings, told),
        ),
        init_us=((init.model_ns + init.interpreter_ns + init.allocate_ns) / 1000 if init else None),
        peak_memory_bytes=(report.memory.peak_bytes or None) if report.memory else None,
        profile=_profile(report.op_profile),
        outputs=tuple((tensor.dtype, tensor.size_bytes) for tensor in report.outputs),
    )


def _profile(profile: tflbench.OpProfile | None) -> tuple[OperatorTime, ...]:
    """The operators of an inference; none where some are missing."""
    if profile is None or profile.failure or not profile.runs:
        return ()
    return tuple(
        OperatorTime(
            f"{op.subgraph}:{op.index}",
            op.name,
            op.total_ns / 1000 / profile.runs,
            max(1, round(op.count / profile.runs)),
        )
        for op in profile.ops
    )


def _failure(report: tflbench.TflbenchReport, completed: Completed) -> errors.HarnessError:
    """The error that tflbench's own complaint stands for."""
    said = (report.complaints or ("it says nothing of why",))[0].rstrip(".")
    if said.startswith("`--output`"):
        return errors.refusal(said, "the phone")
    # The runtime names the operator that it lacks; tflbench only says that one is missing.
    why = re.search(r"^ERROR: (.*\S)", f"{completed.stderr}\n{completed.stdout}", re.MULTILINE)
    kinds = (kind for pattern, kind in _COMPLAINTS if re.match(pattern, said))
    said += f" ({why[1][:200].rstrip('.')})" if why else ""
    return failure(next(kinds, errors.EngineError), tflbench.ENGINE, completed.returncode, said)
