"""One build of run_model, as the part of an engine that hands out outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from android_benchmark import errors
from android_benchmark.device import Computed, Output, Port, Ports, Settings
from android_benchmark.engines import benchmark_model
from android_benchmark.engines.benchmark_model import Delegate
from android_benchmark.engines.run_model import printed
from android_benchmark.phone.adb import Completed
from android_benchmark.phone.engine import Exchange, failure

PROGRAM = "run_model"

_ACCELERATORS = {"xnnpack": "cpu", "gpu": "gpu", "npu": "npu"}
"""What `--accelerator` is for a delegate; the CPU runs what that does not take."""

_LIBRARIES = ("dispatch_library_dir", "compiler_plugin_library_dir")
_FILES = ("input_dir", "output_dir")
_PRINTS = ("input_dir", "print_tensors", "compare_numerical", "sample_size")

MOST_PRINTED = 4_000_000
"""More values than this are not asked for as text: it would take minutes over USB."""

_SIZES = {"float32": 4, "int32": 4}


class RunModel:
    """A build of run_model on one phone.

    Once asked, it hands out outputs if it takes inputs from files (`--input_dir`), and either
    writes outputs to files (`--output_dir`) or prints them (`--print_tensors`).
    """

    name = PROGRAM

    def __init__(self) -> None:
        self._flags: frozenset[str] = frozenset()

    @property
    def probe(self) -> list[str] | None:
        """The command that lists its flags, those of vendors too."""
        return [f"./{PROGRAM}", "--helpfull"]

    def learn(self, answer: Completed) -> None:
        """Take its flags; the exit code of the help tells nothing.

        Raises:
            NoOutputsError: It is another program, or too old to take inputs.
        """
        flags = printed.flags(f"{answer.stdout}\n{answer.stderr}")
        if not {"graph", "accelerator"} <= flags:
            said = (answer.stderr or answer.stdout).strip().splitlines() or ["nothing"]
            raise errors.NoOutputsError(
                f"{PROGRAM} does not list its flags; it says: {said[-1].strip()[:200].rstrip('.')}"
            )
        if not (flags.issuperset(_FILES) or flags.issuperset(_PRINTS)):
            lacking = "--output_dir" if "input_dir" in flags else "--input_dir"
            raise errors.NoOutputsError(
                f"this {PROGRAM} is too old, it has no {lacking}: take that of a newer LiteRT"
            )
        self._flags = flags

    def given(self, ports: Ports) -> Mapping[str, bytes]:
        """Each input as a file of its name.

        Raises:
            NoOutputsError: A name cannot be that of a file.
        """
        return {_file(name): content for name, content in ports.inputs.items()}

    def command(
        self, model: str, settings: Settings, ports: Ports, exchange: Exchange
    ) -> list[str]:
        """The command that runs a model once.

        Raises:
            NoOutputsError: It has no such delegate, lacks a flag that is asked for, or cannot
                print such outputs.
        """
        if settings.delegate not in _ACCELERATORS:
            known = ", ".join(_ACCELERATORS)
            raise errors.NoOutputsError(f"{PROGRAM} runs {known} only, not {settings.delegate}")
        if settings.precision:
            raise errors.NoOutputsError(
                f"{PROGRAM} has no flag for the delegate's precision, which {settings.precision} "
                "was asked for"
            )
        names = [flag.partition("=")[0].lstrip("-") for flag in settings.engine_flags]
        if unknown := [name for name in names if name not in self._flags]:
            raise errors.NoOutputsError(
                f"{PROGRAM} has no flag {', '.join(unknown)}, so it would run something else"
            )
        return [
            f"./{PROGRAM}",
            f"--graph={model}",
            f"--accelerator={_ACCELERATORS[settings.delegate]}",
            f"--input_dir={exchange.given}",
            *(f"--{flag.lstrip('-')}" for flag in settings.engine_flags),
            *(
                [f"--{name}={exchange.engine}" for name in _LIBRARIES if name in self._flags]
                if settings.delegate == "npu"
                else []
            ),
            *(
                [f"--output_dir={exchange.computed}"]
                if self._writes
                else self._printing(ports.outputs)
            ),
        ]

    @property
    def _writes(self) -> bool:
        return self._flags.issuperset(_FILES)

    def _printing(self, outputs: tuple[Port, ...]) -> list[str]:
        """Flags that make it print every value of its only output.

        Raises:
            NoOutputsError: There are more outputs, or the values cannot be read as text.
        """
        if len(outputs) != 1:
            raise errors.NoOutputsError(
                f"this {PROGRAM} prints outputs without their names, and the model has "
                f"{len(outputs)}: take a newer one, which has --output_dir"
            )
        (port,) = outputs
        if port.dtype not in printed.PRINTABLE:
            raise errors.NoOutputsError(
                f"this {PROGRAM} prints no {port.dtype}: take a newer one, which has --output_dir"
            )
        elements = _elements(port)
        if elements > MOST_PRINTED:
            raise errors.NoOutputsError(
                f"this {PROGRAM} prints outputs as text, and {elements} values are too many: take "
                "a newer one, which has --output_dir"
            )
        # Tensors are printed with their values only where numerical checks are on.
        return ["--print_tensors=true", "--compare_numerical=true", f"--sample_size={elements}"]

    def computed(self, ports: Ports) -> tuple[str, ...]:
        """The files that it writes; none where it prints.

        Raises:
            NoOutputsError: A name cannot be that of a file.
        """
        return tuple(_file(port.name) for port in ports.outputs) if self._writes else ()

    def read(
        self, completed: Completed, settings: Settings, ports: Ports, files: Mapping[str, bytes]
    ) -> Computed:
        """What it computed.

        Raises:
            EngineError: It failed.
            UnreadableOutputError: It gave other outputs than it was asked for.
        """
        log, others = printed.split(f"{completed.stdout}\n{completed.stderr}")
        # What the runtime says is what it says in benchmark_model too.
        report = benchmark_model.parse("".join(f"{line}\n" for line in others), "")
        if completed.returncode:
            complaints = [text.strip() for severity, text in log if severity in "EF"]
            complaints += [found.text for found in report.failures]
            why = (complaints or ["it says nothing of why"])[-1][:300]
            raise failure(errors.EngineError, PROGRAM, completed.returncode, why)
        outputs = []
        for number, port in enumerate(ports.outputs):
            if self._writes:
                content = files.get(_file(port.name))
                if content is None or len(content) != port.size_bytes:
                    size = "no file" if content is None else f"{len(content)} bytes"
                    raise errors.UnreadableOutputError(
                        f"{PROGRAM} must write {port.size_bytes} bytes of the output {port.name}. "
                        f"Received: {size}."
                    )
            else:
                try:
                    content = printed.output(log, number, port.dtype, _elements(port))
                except ValueError as error:
                    raise errors.UnreadableOutputError(
                        f"{PROGRAM} must print every value of the output {port.name}. "
                        f"Received: {error}."
                    ) from error
            outputs.append(Output(port.dtype, content))
        return Computed(tuple(outputs), report.ran(Delegate(settings.delegate)))


def _elements(port: Port) -> int:
    return port.size_bytes // _SIZES.get(port.dtype, 1)


def _file(name: str) -> str:
    """The file of a tensor, as run_model calls it; a name may lead through folders.

    Raises:
        NoOutputsError: The name is none of a file in a folder.
    """
    parts = name.split("/")
    plain = all(part not in ("", ".", "..") and len(part.encode()) < 200 for part in parts)
    if not plain or not re.fullmatch(r"[^\0-\x1f\x7f\\]+", name) or len(name.encode()) > 1000:
        raise errors.NoOutputsError(
            f"{PROGRAM} reads and writes files of the tensors' names, and {name[:60]!r} is none"
        )
    return f"{name}.raw"
