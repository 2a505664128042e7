"""Which operators are computed in int8, and the parameters of every tensor there."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

import numpy as np

from mmnet_deploy.conversion.integers.rules import (
    JOINED,
    OF_INPUT,
    OUTPUT_AXIS,
    OWN,
    RULES,
    has_rule,
)
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.operators import NO_ACTIVATION
from mmnet_deploy.tflite.parts import Op, Quantization, Tensor

LEAST, MOST = -128, 127

SATURATED = math.log(511)
"""Beyond it, a sigmoid in 8 bits is within half a step of 0 or 1."""

SATURATED_IN_FLOAT = math.log(1023)
"""Beyond it, a sigmoid in float is within a quarter of such a step, so that 8 bits give 0 or 1."""

HARD_SWISH_UNIT = math.sqrt(6)
"""x · relu6(x + 3) / 6 = y · min(max(y + 3 / √6, 0), √6) for y = x / √6: no division is left."""


def covering(low: float, high: float) -> Quantization:
    """Parameters of int8 for the values between two numbers; 0 is always one of them.

    What is always 0 has the range of an alpha: kernels cannot rescale to steps of nothing.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        high = 1.0
    scale = max((high - low) / (MOST - LEAST), 1e-9)
    return Quantization((scale,), (int(np.clip(round(LEAST - low / scale), LEAST, MOST)),))


def ends(parameters: Quantization) -> tuple[float, float]:
    """The least and the largest number that int8 stands for."""
    scale, zero = parameters.scales[0], parameters.zero_points[0]
    return scale * (LEAST - zero), scale * (MOST - zero)


class Plan:
    """What becomes of each operator and each tensor of a float32 graph with `limits`.

    Attributes:
        scaled: Operators, by id(), that compute 1/√6 of their result for a HARD_SWISH, and those.
    """

    def __init__(self, graph: Graph, float_layers: Collection[str] = ()) -> None:
        self._graph = graph
        self._readers, self._producers = graph.readers(), graph.producers()
        self._whole = {
            id(op)
            for op in graph.ops
            if op.name not in float_layers and has_rule(op) and all(map(_is_known, _tensors(op)))
        }
        self._free_between_floats()
        self.scaled: set[int] = set()
        self._find_scaled()
        self._parameters = {id(it): covering(*_limits(it)) for it in graph.inputs if it.limits}
        for op in graph.ops:
            for tensor in op.outputs:
                if tensor.dtype == "FLOAT32" and tensor.limits is not None:
                    self._parameters[id(tensor)] = self._found(op, tensor)
        self._write_into_joins()

    def is_whole(self, op: Op) -> bool:
        """Whether an operator is computed in int8."""
        return id(op) in self._whole

    def parameters(self, tensor: Tensor) -> Quantization:
        """How int8 stands for a tensor's values."""
        return self._parameters[id(tensor)]

    def _only_reader(self, tensor: Tensor) -> Op | None:
        readers = self._readers.get(id(tensor), [])
        if len(readers) != 1 or self._graph.is_output(tensor):
            return None
        return readers[0]

    def _free_between_floats(self) -> None:
        """Leave in float what has no range of its own and stands between operators in float.

        In int8 it would cost two changes of type, and the precision of its neighbours.
        """
        passing = [op for op in self._graph.ops if self.is_whole(op) and _has_no_own_range(op)]
        behind: set[int] = set()
        for op in passing:
            sources = [self._producers.get(id(tensor)) for tensor in _tensors_read(op)]
            if all(it and (id(it) in behind or not self.is_whole(it)) for it in sources):
                behind.add(id(op))
        before: set[int] = set()
        for op in reversed(passing):
            readers = [it for tensor in op.outputs for it in self._readers.get(id(tensor), [])]
            ends = any(self._graph.is_output(tensor) for tensor in op.outputs)
            if not ends and all(id(it) in before or not self.is_whole(it) for it in readers):
                before.add(id(op))
        self._whole -= behind & before

    def _find_scaled(self) -> None:
        for op in self._graph.ops:
            if op.kind != "HARD_SWISH" or not self.is_whole(op):
                continue
            before = self._producers.get(id(op.input(0)))
            if before is None or before.kind not in OUTPUT_AXIS or not self.is_whole(before):
                continue
            plain = before.option("fusedActivationFunction", NO_ACTIVATION) == NO_ACTIVATION
            if plain and self._only_reader(op.input(0)) is op:
                self.scaled |= {id(op), id(before)}

    def _found(self, op: Op, tensor: Tensor) -> Quantization:
        rule = RULES.get(op.kind)
        if rule is None or not self.is_whole(op):
            return covering(*self._telling(tensor))
        if rule.fixed is not None:
            return rule.fixed
        if rule.range == OF_INPUT:
            return self._of(op.input(rule.source))
        if rule.range == JOINED:
            shared = {self._of(source) for source in op.inputs if source is not None}
            if len(shared) == 1:
                return shared.pop()
        found = covering(*self._telling(tensor))
        if id(op) in self.scaled and op.kind != "HARD_SWISH":
            return Quantization((found.scales[0] / HARD_SWISH_UNIT,), found.zero_points)
        return found

    def _of(self, tensor: Tensor) -> Quantization:
        if tensor.data is not None:
            return covering(float(tensor.data.min()), float(tensor.data.max()))
        return self._parameters[id(tensor)]

    def _telling(self, tensor: Tensor) -> tuple[float, float]:
        """The limits of a tensor without what none of its readers can tell apart."""
        low, high = _limits(tensor)
        readers = list(self._final_readers(tensor))
        kinds = {reader and reader.kind for reader in readers}
        if kinds == {"LOGISTIC"}:
            whole = all(reader and self.is_whole(reader) for reader in readers)
            saturated = SATURATED if whole else SATURATED_IN_FLOAT
            return max(low, -saturated), min(high, saturated)
        if kinds == {"HARD_SWISH"}:  # Which is 0 for all that is less.
            return max(low, -3.0), high
        return low, high

    def _final_readers(self, tensor: Tensor) -> Iterator[Op | None]:
        """The readers, followed through what only moves values; None for the network's output."""
        if self._graph.is_output(tensor):
            yield None
        for reader in self._readers.get(id(tensor), []):
            rule = RULES.get(reader.kind)
            if rule is not None and rule.moves and len(reader.outputs) == 1:
                yield from self._final_readers(reader.output)
            else:
                yield reader

    def _write_into_joins(self) -> None:
        """Let what is computed for a concatenation alone have its range, so that nobody rescales.

        A range may only grow by it.
        """
        for op in reversed(self._graph.ops):
            if not self.is_whole(op) or RULES[op.kind].range != JOINED:
                continue
            for source in op.inputs:
                before = self._producers.get(id(source))
                if source is None or before is None or not self.is_whole(before):
                    continue
                rule, joined = RULES[before.kind], self._parameters[id(op.output)]
                free = rule.range in (OWN, JOINED) and rule.fixed is None
                if free and self._only_reader(source) is op:
                    self._parameters[id(source)] = joined


def _tensors(op: Op) -> Iterator[Tensor]:
    """The real numbers that an operator reads and computes."""
    yield from _tensors_read(op)
    for tensor in op.outputs:
        if tensor.data is None and tensor.dtype == "FLOAT32":
            yield tensor


def _tensors_read(op: Op) -> Iterator[Tensor]:
    """The real numbers that an operator reads, without constants."""
    for tensor in op.inputs:
        if tensor is not None and tensor.data is None and tensor.dtype == "FLOAT32":
            yield tensor


def _has_no_own_range(op: Op) -> bool:
    return RULES[op.kind].range in (OF_INPUT, JOINED)


def _is_known(tensor: Tensor) -> bool:
    return tensor.limits is not None


def _limits(tensor: Tensor) -> tuple[float, float]:
    return tensor.limits or (0.0, 0.0)
