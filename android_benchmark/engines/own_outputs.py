"""tflbench as the part of its bundle that hands out outputs of given inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from android_benchmark import errors
from android_benchmark.device import Computed, Output, Ports, Settings
from android_benchmark.engines import tflbench
from android_benchmark.phone.adb import Completed
from android_benchmark.phone.engine import EngineResult, Exchange
from android_benchmark.rules import RunRules

_INPUT, _OUTPUT = "input.bin", "output.bin"
_ONCE = RunRules(
    warmup_min_runs=0, warmup_min_s=0.0, min_runs=1, min_duration_s=0.0, max_duration_s=60.0
)


class TflbenchOutputs:
    """One run of tflbench on inputs from a file.

    Args:
        command: `Tflbench.command`.
        read: `Tflbench.read`.
    """

    name = tflbench.ENGINE

    def __init__(
        self,
        command: Callable[[str, Settings, RunRules, str | None], list[str]],
        read: Callable[[Completed, Settings], EngineResult],
    ) -> None:
        self._command = command
        self._read = read

    @property
    def probe(self) -> list[str] | None:
        """Nothing: every tflbench can."""
        return None

    def learn(self, answer: Completed) -> None:
        """Nothing is asked."""

    def given(self, ports: Ports) -> Mapping[str, bytes]:
        """All inputs in one file, in the model's order."""
        return {_INPUT: b"".join(ports.inputs.values())}

    def command(
        self, model: str, settings: Settings, ports: Ports, exchange: Exchange
    ) -> list[str]:
        """The command that runs a model once.

        Raises:
            DelegateMissingError: It has XNNPACK and the built-in kernels only.
        """
        output = f"{exchange.computed}/{_OUTPUT}"
        return [
            *self._command(model, settings, _ONCE, output),
            f"--input={exchange.given}/{_INPUT}",
        ]

    def computed(self, ports: Ports) -> tuple[str, ...]:
        """One file, with all outputs."""
        return (_OUTPUT,)

    def read(
        self, completed: Completed, settings: Settings, ports: Ports, files: Mapping[str, bytes]
    ) -> Computed:
        """What it computed.

        Raises:
            EngineError: It failed.
            OutputCutError: Its output is not whole.
        """
        result = self._read(completed, settings)
        content = files.get(_OUTPUT, b"")
        if len(content) != sum(size for _, size in result.outputs):
            raise errors.OutputCutError("The output tensors did not arrive whole.")
        outputs, begin = [], 0
        for dtype, size in result.outputs:
            outputs.append(Output(dtype, content[begin : begin + size]))
            begin += size
        return Computed(tuple(outputs), result.engine.delegate == settings.delegate)
