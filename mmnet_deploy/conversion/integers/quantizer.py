"""A float32 graph as one in int8."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.integers import weights
from mmnet_deploy.conversion.integers.parameters import (
    HARD_SWISH_UNIT,
    LEAST,
    MOST,
    Plan,
    covering,
    ends,
)
from mmnet_deploy.conversion.integers.rules import (
    FRACTION,
    JOINED,
    OUTPUT_AXIS,
    RULES,
    bias_of,
    data_place,
)
from mmnet_deploy.tflite import operators
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.operators import NO_ACTIVATION
from mmnet_deploy.tflite.parts import Op, Quantization, Tensor
from mmnet_deploy.tflite.runtime import schema

Shifts = Mapping[str, NDArray[np.float64]]
"""What is added to biases, one number for each output, by the operator's name."""


def quantize(
    graph: Graph,
    float_layers: Collection[str] = (),
    io: str = "uint8",
    shifts: Shifts = MappingProxyType({}),
) -> Graph:
    """The graph with weights and activations in 8 bits.

    Args:
        graph: In float32, its tensors with `limits`; it stays as it is.
        float_layers: Names of operators to leave in float32. Those without a form in int8 stay
            so in any case.
        io: Type of the input and output: `uint8`, `int8` or `float32`.
        shifts: Of operators in int8; those in float32 keep their biases.
    """
    return _Writer(graph, Plan(graph, float_layers), io, shifts).written()


class _Writer:
    """Writes operators one by one, and converts tensors where one is read in another type."""

    def __init__(self, graph: Graph, plan: Plan, io: str, shifts: Shifts) -> None:
        self._graph, self._plan, self._io, self._shifts = graph, plan, io, shifts
        self._ops: list[Op] = []
        self._whole: dict[int, Tensor] = {}
        self._real: dict[int, Tensor] = {}

    def written(self) -> Graph:
        made = copy.copy(self._graph)
        made.inputs = [self._begin(tensor) for tensor in self._graph.inputs]
        for op in self._graph.ops:
            if op.kind == "HARD_SWISH" and self._plan.is_whole(op):
                self._hard_swish(op)
            elif op.kind == "PRELU" and self._plan.is_whole(op) and op.input(1).data is not None:
                self._prelu(op)
            elif self._plan.is_whole(op):
                self._compute_whole(op)
            else:
                self._compute_real(op)
        made.outputs = [self._end(tensor) for tensor in self._graph.outputs]
        made.ops = self._ops
        return made

    # --- Ends

    def _begin(self, tensor: Tensor) -> Tensor:
        if self._io == "float32":
            self._real[id(tensor)] = Tensor(tensor.name, tensor.shape)
            return self._real[id(tensor)]
        parameters = self._plan.parameters(tensor)
        if self._io == "int8":
            self._whole[id(tensor)] = _whole(tensor.name, tensor, parameters)
            return self._whole[id(tensor)]
        self._whole[id(tensor)] = inner = _whole(f"{tensor.name}_int8", tensor, parameters)
        picture = _bytes(tensor.name, inner)
        self._ops.append(Op("QUANTIZE", [picture], [inner], version=2))
        return picture

    def _end(self, tensor: Tensor) -> Tensor:
        """The output has the name of the network's; what it is converted from, another."""
        self._reach_one(tensor)
        before = self._real if self._io == "float32" else self._whole
        if id(tensor) in before and (self._io != "uint8"):
            found = before[id(tensor)]
            for other in (self._real.get(id(tensor)), self._whole.get(id(tensor))):
                if other is not None and other is not found:
                    other.name = f"{tensor.name}_inner"
            found.name = tensor.name
            return found
        if self._io == "float32":
            inner = self._whole[id(tensor)]
            inner.name = f"{tensor.name}_int8"
            return self._dequantize(tensor, tensor.name)
        if id(tensor) not in self._whole:
            self._real[id(tensor)].name = f"{tensor.name}_float"
        inner = self._integers(tensor)
        if self._io == "int8":
            inner.name = tensor.name
            return inner
        inner.name = f"{tensor.name}_int8"
        output = _bytes(tensor.name, inner)
        self._ops.append(Op("QUANTIZE", [inner], [output], version=2))
        return output

    def _reach_one(self, tensor: Tensor) -> None:
        """Let an output of a sigmoid or a softmax end at 1 instead of 255/256.

        The product by 256/255 leaves every stored number as it is, with steps of 1/255.
        """
        inner = self._whole.get(id(tensor))
        if inner is None or inner.quantization != FRACTION:
            return
        inner.name = f"{tensor.name};below_1"
        output = _whole(tensor.name, tensor, covering(0, 1))
        self._multiply(inner, _number(f"{tensor.name}/256_of_255", 256 / 255), output)
        self._ops[-1].version = 2
        self._whole[id(tensor)] = output
        # What float operators read of it ends before 1.
        self._real.pop(id(tensor), None)

    # --- Tensors

    def _integers(self, tensor: Tensor) -> Tensor:
        """A tensor in int8, quantized here if it is not yet."""
        if tensor.data is not None:
            low, high = float(tensor.data.min()), float(tensor.data.max())
            return _constant(tensor, covering(low, high))
        if id(tensor) not in self._whole:
            found = _whole(f"{tensor.name}_int8", tensor, self._plan.parameters(tensor))
            self._ops.append(Op("QUANTIZE", [self._real[id(tensor)]], [found]))
            self._whole[id(tensor)] = found
        return self._whole[id(tensor)]

    def _integers_of(self, tensor: Tensor, parameters: Quantization) -> Tensor:
        """A tensor in int8 with these parameters, rescaled if it has others."""
        if tensor.data is not None:
            return _constant(tensor, parameters)
        found = self._integers(tensor)
        if found.quantization == parameters:
            return found
        other = _whole(f"{tensor.name}_rescaled", tensor, parameters)
        self._ops.append(Op("QUANTIZE", [found], [other], version=2))
        return other

    def _real_numbers(self, tensor: Tensor) -> Tensor:
        if tensor.data is not None or tensor.dtype != "FLOAT32":
            return tensor
        if id(tensor) not in self._real:
            self._dequantize(tensor, f"{tensor.name}_float")
        return self._real[id(tensor)]

    def _dequantize(self, tensor: Tensor, name: str) -> Tensor:
        self._real[id(tensor)] = found = Tensor(name, tensor.shape)
        self._ops.append(Op("DEQUANTIZE", [self._whole[id(tensor)]], [found], version=2))
        return found

    # --- Operators

    def _compute_real(self, op: Op) -> None:
        inputs = [None if it is None else self._real_numbers(it) for it in op.inputs]
        outputs = [dataclasses.replace(tensor, limits=None) for tensor in op.outputs]
        for tensor, output in zip(op.outputs, outputs, strict=True):
            self._real[id(tensor)] = output
        self._ops.append(dataclasses.replace(op, inputs=inputs, outputs=outputs))

    def _compute_whole(self, op: Op) -> None:
        rule = RULES[op.kind]
        inputs: Sequence[Tensor | None]
        if op.kind in OUTPUT_AXIS:
            inputs = self._weighted(op)
        elif rule.range == JOINED:
            shared = self._plan.parameters(op.output)
            inputs = [it and self._integers_of(it, shared) for it in op.inputs]
        else:
            inputs = [
                it if it is None or it.dtype != "FLOAT32" else self._integers(it)
                for it in op.inputs
            ]
        outputs = [_whole(it.name, it, self._plan.parameters(it)) for it in op.outputs]
        for tensor, output in zip(op.outputs, outputs, strict=True):
            self._whole[id(tensor)] = output
        version = max(rule.version, op.version)
        if rule.as_kind:
            self._ops.append(Op(rule.as_kind, inputs, outputs, version=version))
            return
        self._ops.append(dataclasses.replace(op, inputs=inputs, outputs=outputs, version=version))

    def _weighted(self, op: Op) -> list[Tensor | None]:
        data = self._integers(op.input(data_place(op)))
        divisor = HARD_SWISH_UNIT if id(op) in self._plan.scaled else 1.0
        inputs = list(op.inputs)
        inputs[data_place(op)] = data
        shift = self._shifts.get(op.name, 0.0)
        inputs[1], bias = weights.stored(op, _parameters(data).scales[0], divisor, shift)
        place, given = bias_of(op)
        if given is not None:
            inputs[place] = bias
        return inputs

    def _hard_swish(self, op: Op) -> None:
        """x · relu6(x + 3) / 6 as a sum and a product: delegates have no HARD_SWISH in int8.

        The sum is cut off at both ends of int8. Where the operator before cannot divide by √6, a
        second product divides by 6.
        """
        read, parameters = self._integers(op.input(0)), self._plan.parameters(op.output)
        divided = id(op) in self._plan.scaled
        unit = HARD_SWISH_UNIT if divided else 1.0
        kinds = schema().ActivationFunctionType
        three = _number(f"{op.name}/three", 3 / unit)
        gate = _whole(f"{op.name}_gate", op.output, Quantization((6 / unit / 255,), (LEAST,)))
        result = _whole(op.name, op.output, parameters)
        fused = kinds.NONE if divided else kinds.RELU6
        self._ops.append(operators.add(read, three, gate, fused))
        if divided:
            self._multiply(read, gate, result)
        else:
            six = Quantization((6 * parameters.scales[0],), parameters.zero_points)
            product = _whole(f"{op.name}_times_6", op.output, six)
            self._multiply(read, gate, product)
            self._multiply(product, _number(f"{op.name}/sixth", 1 / 6), result)
        for made in self._ops[-(2 if divided else 3) :]:
            made.version = 2
        self._whole[id(op.output)] = result

    def _prelu(self, op: Op) -> None:
        """max(x, 0) + slope · min(x, 0): delegates have no PRELU in int8, but changes of range.

        The parts have at least a hundredth of the range that they are taken from and put into:
        less is out of the reach of XNNPACK.
        """
        read, result = self._integers(op.input(0)), self._plan.parameters(op.output)
        low, high = ends(_parameters(read))
        least = (high - low) / 100
        above = _whole(f"{op.name}_above", op.output, covering(0, max(high, least)))
        below = _whole(f"{op.name}_below", op.output, covering(min(low, -least), 0))
        slopes, least = np.asarray(op.input(1).data), (MOST - LEAST) * result.scales[0] / 100
        found = low * float(slopes.min()), low * float(slopes.max())
        moved = covering(min(found), max(*found, min(found) + least))
        product = _whole(f"{op.name}_sloped", op.output, moved)
        output = _whole(op.name, op.output, result)
        for part in (above, below):
            self._ops.append(Op("QUANTIZE", [read], [part], version=2))
        self._multiply(below, self._integers(op.input(1)), product)
        self._ops.append(operators.add(above, product, output, NO_ACTIVATION))
        for made in self._ops[-2:]:
            made.version = 2
        self._whole[id(op.output)] = output

    def _multiply(self, one: Tensor, other: Tensor, output: Tensor) -> None:
        made = operators.product(one, other, output.name)
        made.outputs = [output]
        self._ops.append(made)


def _whole(name: str, like: Tensor, parameters: Quantization) -> Tensor:
    return Tensor(name, like.shape, "INT8", None, parameters, like.signature)


def _bytes(name: str, inner: Tensor) -> Tensor:
    """The same values from 0 to 255."""
    scales, (zero,) = _parameters(inner).scales, _parameters(inner).zero_points
    moved = Quantization(scales, (zero - LEAST,))
    return Tensor(name, inner.shape, "UINT8", None, moved, inner.signature)


def _constant(tensor: Tensor, parameters: Quantization) -> Tensor:
    if tensor.data is None:
        raise ValueError(f"{tensor.name} is no constant.")
    values = parameters.stored(tensor.data, np.int8)
    return Tensor(tensor.name, tensor.shape, "INT8", values, parameters)


def _number(name: str, value: float) -> Tensor:
    held = Quantization((value / MOST,), (0,))
    return Tensor(name, (1,), "INT8", np.array([MOST], np.int8), held)


def _parameters(tensor: Tensor) -> Quantization:
    if tensor.quantization is None:
        raise ValueError(f"{tensor.name} is not quantized.")
    return tensor.quantization
