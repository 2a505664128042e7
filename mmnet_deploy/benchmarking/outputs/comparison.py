"""What a device computes, compared with what this computer computes from the same inputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from android_benchmark import (
    ComputingDevice,
    Device,
    Outcome,
    Output,
    Port,
    Ports,
    Settings,
    errors,
)
from android_benchmark.engines.tflbench import noise
from mmnet_deploy.benchmarking.host import HOST_DELEGATES
from mmnet_deploy.benchmarking.outputs import differences
from mmnet_deploy.benchmarking.outputs.differences import Difference
from mmnet_deploy.errors import MissingDependencyError, ModelFileError, UsageError
from mmnet_deploy.portraits import synthetic
from mmnet_deploy.tflite.card import read_model
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.half_precision import with_entry
from mmnet_deploy.tflite.interpreter import TFLiteModel, tensor_bytes
from mmnet_deploy.tflite.parts import Tensor

NOISE, PORTRAIT, WAVES = "noise", "portrait", "waves"
INPUTS = (NOISE, PORTRAIT, WAVES)
"""Inputs, in the order that they are tried: a network may answer noise with a constant."""

_PORTRAIT = 20, 7
"""Series and number of the synthetic portrait."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What a comparison of a whole model shows.

    Attributes:
        difference: Of its worst output; None where there is none.
        input: Which of `INPUTS` both computed from.
        reason: Why nothing was compared, where it could have been.
    """

    difference: Difference | None = None
    input: str = NOISE
    reason: str = ""


class Reference:
    """A model on this computer, which computes what a device should.

    Both use the same delegate, where this computer has it, since the built-in kernels round
    otherwise than XNNPACK's.

    Args:
        path: The file, for messages.
        content: Its content.
        delegate: What runs it on the device.
        computes_in: See `differences.tolerance`.
        own: Whether the content was made here, so that it needs no trial.

    Raises:
        ModelFileError: It cannot be loaded, or has several subgraphs.
        MissingDependencyError: There is no runtime.
    """

    def __init__(
        self, path: Path, content: bytes, delegate: str, computes_in: str, *, own: bool = False
    ) -> None:
        here = delegate if delegate in HOST_DELEGATES else HOST_DELEGATES[0]
        # Of this computer's own half precision nothing can be told: it computes in single.
        single = with_entry(content, "")
        if not own:
            self._model = TFLiteModel(path, delegate=here)
        if own or single != content:
            self._model = TFLiteModel(path, content=single, delegate=here)
        self._graph = Graph.from_bytes(content, str(path))
        self._computes_in = computes_in

    def inputs(self, name: str) -> list[bytes] | None:
        """One of `INPUTS`, as bytes of each input tensor; None where the model cannot take it."""
        tensors = self._model.inputs
        try:
            if name == NOISE:
                return [noise(it["dtype"].__name__, tensor_bytes(it)) for it in tensors]
            if name == PORTRAIT:
                self._model.require_matting()
                height, width = (int(n) for n in tensors[0]["shape"][1:3])
                size = max(height, width, 32)
                picture, _ = synthetic.portrait(*_PORTRAIT, size)
                return [_bytes(self._model.prepare(picture[:height, :width]))]
            return [_waves(tuple(map(int, it["shape"])), np.dtype(it["dtype"])) for it in tensors]
        except (ValueError, ModelFileError, UsageError):
            return None

    def compute(self, inputs: Sequence[bytes], *, final: bool = True) -> Expected:
        """What this computer computes from inputs.

        Args:
            inputs: Bytes of each.
            final: Whether the outputs are those of the whole model.

        Raises:
            ModelFileError: It does not run.
            ValueError: A type cannot be compared.
        """
        self._model.set_inputs(inputs)
        self._model.invoke()
        given, asked = self._graph.names()
        outputs, allowed, ports = [], [], []
        for tensor, (detail, content) in zip(
            self._graph.outputs, self._model.raw_outputs(), strict=True
        ):
            dtype = np.dtype(detail["dtype"]).name
            if not differences.is_comparable(dtype):
                raise ValueError(f"values of {dtype} cannot be compared")
            values = differences.array_of(dtype, content)
            step = self._step(tensor)
            outputs.append(Output(dtype, content))
            allowed.append(
                differences.tolerance(dtype, values, self._computes_in, step=step, final=final)
            )
            ports.append(Port(asked[id(tensor)], dtype, len(content)))
        named: dict[str, bytes] = {}
        for tensor, content in zip(self._graph.inputs, inputs, strict=True):
            name = given[id(tensor)]
            named[f"{name}_{len(named)}" if name in named else name] = content
        return Expected(
            Ports(named, tuple(ports)),
            tuple(outputs),
            tuple(allowed),
        )

    def _step(self, tensor: Tensor) -> float:
        """Real size of a quantization step of real numbers that were integers before."""
        producer = self._graph.producers().get(id(tensor))
        source = producer.inputs[0] if producer and producer.inputs else None
        if producer and producer.kind == "DEQUANTIZE" and source and source.quantization:
            return max(source.quantization.scales)
        return 0.0


@dataclasses.dataclass(frozen=True)
class Expected:
    """What this computer computes, and how far others may be from it."""

    ports: Ports
    outputs: tuple[Output, ...]
    allowed: tuple[differences.Tolerance, ...]

    @property
    def varies(self) -> bool:
        """Whether any output varies enough for a comparison to fail."""
        return any(
            differences.varies(differences.array_of(it.dtype, it.content), allowed)
            for it, allowed in zip(self.outputs, self.allowed, strict=True)
        )

    def difference(self, theirs: Sequence[Output]) -> Difference:
        """The worst difference of all outputs; its numbers of values are sums over them.

        Outputs of other types or sizes than this computer's differ in every value.
        """
        mine = [differences.array_of(it.dtype, it.content) for it in self.outputs]
        form = [(it.dtype, len(it.content)) for it in self.outputs]
        if form != [(it.dtype, len(it.content)) for it in theirs]:
            return differences.beyond_measure(mine[0])
        found = [
            differences.compare(values, differences.array_of(it.dtype, it.content), allowed)
            for values, it, allowed in zip(mine, theirs, self.allowed, strict=True)
        ]
        worst = max(found, key=lambda difference: difference.share)
        return dataclasses.replace(
            worst,
            elements=sum(it.elements for it in found),
            different=sum(it.different for it in found),
            conclusive=any(it.conclusive for it in found),
        )


def compare(
    model: Path, device: Device, outcome: Outcome, settings: Settings, computes_in: str
) -> Comparison:
    """Compare what a device computes with what this computer computes.

    An engine that hands out the outputs of its timed run computed them from its own noise. Where
    there are none, or where noise gives a constant, which shows nothing, the model is run once
    more, on an input that does not. Whatever goes wrong then, the measurement stands.

    Args:
        model: The file.
        device: Has just run it.
        outcome: Of that run.
        settings: Of that run.
        computes_in: See `differences.tolerance`.
    """
    engine = outcome.engine
    stand_in = any(it.name == "measured" and not it.good for it in outcome.flags)
    if stand_in or not (outcome.outputs or isinstance(device, ComputingDevice)):
        return Comparison()
    if not outcome.outputs and engine.requested and engine.delegate != engine.requested:
        asked = "its built-in kernels" if engine.requested == "none" else engine.requested
        return Comparison(reason=f"{asked} did not run the model")
    try:
        reference = Reference(model, read_model(model), engine.delegate, computes_in)
        choice = _Choice(reference)
        found = Comparison()
        if outcome.outputs and (mine := choice.of(NOISE)):
            found = Comparison(mine.difference(outcome.outputs))
        if found.difference and found.difference.conclusive:
            return found
        chosen = choice.best()
    except (ModelFileError, MissingDependencyError, UsageError, ValueError) as error:
        return Comparison(reason=f"this computer cannot compute them: {error}".rstrip("."))
    if chosen is None:
        return Comparison(reason="this computer cannot compute them from noise of their types")
    name, mine = chosen
    if not isinstance(device, ComputingDevice) or (found.difference and not mine.varies):
        return found
    try:
        computed = device.compute(model, dataclasses.replace(settings, profile=False), mine.ports)
    except errors.HarnessError as error:
        return found if found.difference else Comparison(reason=str(error).rstrip("."))
    if computed.delegated is False and not outcome.outputs:
        return Comparison(reason=f"{settings.delegate} did not run the model when it was run again")
    return Comparison(mine.difference(computed.outputs), name)


class _Choice:
    """What a reference computes from each input, computed once."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._known: dict[str, Expected | None] = {}

    def of(self, name: str) -> Expected | None:
        if name not in self._known:
            inputs = self._reference.inputs(name)
            self._known[name] = None if inputs is None else self._reference.compute(inputs)
        return self._known[name]

    def all(self) -> Iterator[tuple[str, Expected]]:
        for name in INPUTS:
            if expected := self.of(name):
                yield name, expected

    def best(self) -> tuple[str, Expected] | None:
        """The first input whose outputs vary; the first of all where none does."""
        every = iter(self.all())
        first = next(every, None)
        if first is None or first[1].varies:
            return first
        return next((it for it in every if it[1].varies), first)


def _bytes(values: np.ndarray) -> bytes:
    return values.astype(values.dtype.newbyteorder("<")).tobytes()


def _waves(shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    """Waves along every axis: 0 … 1, or the whole range of an integer type.

    Raises:
        ValueError: The type holds no numbers.
    """
    total = np.zeros(shape)
    for axis, size in enumerate(shape):
        wave = np.sin(np.arange(size) * (0.37 + 0.11 * axis) + axis)
        total += wave.reshape([-1 if other == axis else 1 for other in range(len(shape))])
    values = 0.5 + 0.5 * np.sin(total)
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        return _bytes((limits.min + values * (float(limits.max) - limits.min)).astype(dtype))
    if not np.issubdtype(dtype, np.floating):
        raise ValueError(f"there are no waves of {dtype}")
    return _bytes(values.astype(dtype))
