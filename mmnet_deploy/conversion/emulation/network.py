"""A network that computes in half precision, operator by operator."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.emulation import accumulation, exponentials, pooling
from mmnet_deploy.conversion.emulation.rounding import Values, rounded
from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.parallel import usable_cores
from mmnet_deploy.tflite import file_format, interpreter
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op, Tensor


class HalfPrecision:
    """A network that computes in half precision.

    Args:
        content: A float32 `.tflite` file of one graph with one input, made here.

    Attributes:
        overflow: The first layer of which values went beyond float16, on any picture so far;
            empty while none did.

    Raises:
        ModelFileError: The runtime cannot run one of its operators alone.
    """

    def __init__(self, content: bytes) -> None:
        self._graph = Graph.from_bytes(content)
        for op in self._graph.ops:
            op.inputs = [_as_half(tensor) for tensor in op.inputs]
        self._steps = [_Step(op) for op in self._graph.ops]
        self.overflow = ""

    def run(self, picture: Values) -> Values:
        """The output for an input, both as the file has them.

        Raises:
            ModelFileError: The runtime cannot run one of the operators on these values.
        """
        output = id(self._graph.outputs[0])
        values: dict[int, NDArray] = {id(self._graph.inputs[0]): rounded(picture)}
        waiting = Counter(id(tensor) for step in self._steps for tensor in step.op.inputs)
        with ThreadPoolExecutor(usable_cores()) as executor:
            for step in self._steps:
                results = step.run([_value(tensor, values) for tensor in step.op.inputs], executor)
                for tensor, result in zip(step.op.outputs, results, strict=True):
                    values[id(tensor)] = self._noted(tensor, result)
                for key in map(id, step.op.inputs):
                    waiting[key] -= 1
                    if not waiting[key] and key != output:
                        values.pop(key, None)
        return values[output]

    def _noted(self, tensor: Tensor, values: NDArray) -> NDArray:
        """What an operator computed, as float16 holds it."""
        if tensor.dtype != "FLOAT32":
            return values
        result = rounded(values)
        if not self.overflow and not np.isfinite(result).all():
            self.overflow = tensor.name
        return result


def _as_half(tensor: Tensor | None) -> Tensor | None:
    """A constant as float16 holds it; anything else as it is."""
    if tensor is None or tensor.data is None or tensor.dtype != "FLOAT32":
        return tensor
    return dataclasses.replace(tensor, data=rounded(tensor.data))


def _value(tensor: Tensor | None, values: Mapping[int, NDArray]) -> Any:
    """What an operator reads: a constant, or what was computed."""
    if tensor is None:
        return None
    return values[id(tensor)] if tensor.data is None else tensor.data


class _Step:
    """One operator: rounded within, or by the runtime's own kernel in float32."""

    def __init__(self, op: Op) -> None:
        self.op = op
        self._rounded = accumulation.step(op) or exponentials.step(op) or pooling.step(op)
        self._kernel: Any = None
        if self._rounded is None:
            self._kernel = interpreter.built_in_interpreter(file_format.alone(op))

    def run(self, inputs: Sequence[Any], executor: Executor) -> list[NDArray]:
        """The outputs."""
        if self._rounded is not None:
            return [self._rounded(inputs, executor)]
        kernel = self._kernel
        pairs = zip(self.op.inputs, inputs, strict=True)
        given = {id(t): value for t, value in pairs if t is not None and t.data is None}
        for details, value in zip(kernel.get_input_details(), given.values(), strict=True):
            kernel.set_tensor(details["index"], value)
        try:
            kernel.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelFileError(f"{self.op.name} does not run alone: {error}.") from error
        return [kernel.get_tensor(details["index"]) for details in kernel.get_output_details()]
