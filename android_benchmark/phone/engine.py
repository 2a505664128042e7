"""What an engine must offer, and what its runs bring back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from android_benchmark import errors
from android_benchmark.device import Computed, Engine, OperatorTime, Ports, Settings
from android_benchmark.measurement import Flag, Measurement
from android_benchmark.phone.adb import Completed
from android_benchmark.rules import RunRules


@dataclasses.dataclass(frozen=True)
class EngineResult:
    """What the output of one run says.

    Attributes:
        flags: See `fallback_flag` and `confirmation_flag`.
        outputs: Type (numpy's name) and size in bytes of each tensor in the output file, in
            order; none where no file was asked for.
    """

    engine: Engine
    measurement: Measurement
    flags: tuple[Flag, ...] = ()
    init_us: float | None = None
    peak_memory_bytes: int | None = None
    profile: tuple[OperatorTime, ...] = ()
    outputs: tuple[tuple[str, int], ...] = ()


@dataclasses.dataclass(frozen=True)
class Exchange:
    """Folders on the phone: what a model is given, what it computes, and the engine's own files."""

    given: str
    computed: str
    engine: str


class OutputRunner(Protocol):
    """A program, among an engine's files, that hands out what a model computes.

    Attributes:
        name: As messages call it.
    """

    name: str

    @property
    def probe(self) -> list[str] | None:
        """The command, in the folder of the engine's files, that asks what it can do; or None."""

    def learn(self, answer: Completed) -> None:
        """Take the answer to `probe`.

        Raises:
            NoOutputsError: It cannot hand out outputs.
        """

    def given(self, ports: Ports) -> Mapping[str, bytes]:
        """The files that it wants, by their names in the folder `given`.

        Raises:
            NoOutputsError: It cannot be given such inputs.
        """

    def command(
        self, model: str, settings: Settings, ports: Ports, exchange: Exchange
    ) -> list[str]:
        """The command, in the folder of the engine's files, that runs a model once.

        Raises:
            NoOutputsError: It cannot run it under these settings.
        """

    def computed(self, ports: Ports) -> tuple[str, ...]:
        """Names of the files that it writes into the folder `computed`."""

    def read(
        self, completed: Completed, settings: Settings, ports: Ports, files: Mapping[str, bytes]
    ) -> Computed:
        """What it computed.

        Args:
            completed: The run.
            settings: Of the run.
            ports: Of the run.
            files: Content of the files of `computed` that are there, by name.

        Raises:
            EngineError: It failed, or gave something else.
        """


class PhoneEngine(Protocol):
    """A program that runs a model.

    Attributes:
        name: As it stands in results.
        files: What it consists of, by the names that the files need on the phone.
        programs: Which of the files are executed.
        sha256: Hash of the program, which tells builds apart.
        libraries: Hash of each library beside it, by its name.
        outputs: What hands out what a model computes; None where nothing does.
    """

    name: str
    files: Mapping[str, Path]
    programs: tuple[str, ...]
    sha256: str
    libraries: Mapping[str, str]

    @property
    def outputs(self) -> OutputRunner | None:
        """See above."""

    @property
    def probe(self) -> list[str] | None:
        """The command, in the folder of its files, that asks what it can do; None: none."""

    def learn(self, answer: Completed) -> None:
        """Take the answer to `probe`.

        Raises:
            EngineError: It is not such a program.
        """

    def check(self, settings: Settings) -> None:
        """Make sure, once `learn` was called, that it can do what is asked.

        Raises:
            EngineError: It cannot; the message says what it can.
        """

    def libraries_for(self, settings: Settings) -> Mapping[str, str]:
        """SHA-256 of each library that may take part in a run with these settings, by its name."""

    def environment(self, path: str) -> Mapping[str, str]:
        """Variables that its programs need.

        Args:
            path: The folder of its files on the phone.
        """

    def command(
        self, model: str, settings: Settings, rules: RunRules, output: str | None, path: str = "."
    ) -> list[str]:
        """The command, in the folder of its files, that runs a model.

        Args:
            model: Path on the phone.
            settings: Threads, delegate, profile, and further flags.
            rules: How often and how long.
            output: Path on the phone for the output tensors, where they are wanted and the
                engine can.
            path: The folder of its files on the phone.

        Raises:
            DelegateMissingError: It has no such delegate.
            EngineError: It cannot do what is asked.
        """

    def read(self, completed: Completed, settings: Settings) -> EngineResult:
        """What a run's output says.

        Raises:
            OutputCutError: It ended well, but its output lacks its end.
            EngineError: It failed, or its output makes no sense.
        """


_ADVICE: Mapping[type[errors.HarnessError], str] = {
    errors.ModelRefusedError: "a newer engine may take it; `inspect` shows its operators",
    errors.DelegateMissingError: "take another delegate, or an engine that has it",
    errors.OutOfMemoryError: "close other apps on the phone, or take a smaller model",
    errors.EngineCrashedError: "take another delegate, or another build of the engine",
    errors.EngineFileError: "get the engine anew, built for this phone",
}


def failure(kind: type[errors.EngineError], name: str, code: int, why: str) -> errors.EngineError:
    """The error of an engine that gave up, with advice.

    Args:
        kind: Class of the error.
        name: The engine.
        code: Its exit code.
        why: Its own words.
    """
    advice = _ADVICE.get(kind)
    said = f"{name} failed (exit code {code}): {why.rstrip('.')}"
    return kind(f"{said}: {advice}." if advice else f"{said}.")


def fallback_flag(settings: Settings, delegate: str, why: str, advice: str = "") -> Flag:
    """Whether another delegate than the one that was asked for ran the model.

    Args:
        delegate: The one that ran it.
        why: The engine's own words.
        advice: What to do about it.
    """
    fell = delegate != settings.delegate
    ran = "the built-in kernels" if delegate == "none" else delegate
    reason = f"{settings.delegate} was asked for, {ran} ran the model"
    why = why.rstrip(".")
    reason += f"{why and f' ({why})'}{advice and f'; {advice}'}"
    return Flag("fell_back", fell, reason if fell else "", wanted=False)


def confirmation_flag(settings: Settings, confirmed: bool) -> Flag:
    """Whether the engine says that the delegate in the result's label ran the model."""
    reason = f"the engine does not say whether {settings.delegate} ran the model"
    return Flag("delegate_confirmed", confirmed, "" if confirmed else reason)
