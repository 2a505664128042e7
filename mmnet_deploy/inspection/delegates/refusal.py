"""An operator that a delegate does not take."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from mmnet_deploy.tflite.counts import stores_weights
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op, Tensor


@dataclasses.dataclass(frozen=True)
class Refusal:
    """An operator that a delegate does not take.

    Attributes:
        layer: Its name, that of its first output.
        kind: As in the file format.
        dtype: Type of what it computes with; `uint8 to int8` of a conversion.
        why: What the delegate lacks.
        fix: What to do.
    """

    layer: str
    kind: str
    dtype: str
    why: str
    fix: str


def grouped(refusals: Iterable[Refusal]) -> Mapping[tuple[str, str, str, str], list[str]]:
    """The names of the operators of one kind and type that are refused for one reason.

    Keys are kind, type, reason and what to do, in the order of execution.
    """
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for one in refusals:
        found.setdefault((one.kind, one.dtype, one.why, one.fix), []).append(one.layer)
    return found


class Around:
    """A graph's operators, with what reasons ask of them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._unpacked = {id(op.output) for op in graph.ops if stores_weights(op)}

    def is_constant(self, tensor: Tensor) -> bool:
        """Whether it is a constant, unpacked by an operator or not."""
        return tensor.data is not None or id(tensor) in self._unpacked

    def computed(self, op: Op) -> list[Tensor]:
        """What an operator reads of what others compute."""
        return [t for t in op.inputs if t is not None and not self.is_constant(t)]

    def dtype(self, op: Op) -> str:
        """The type that an operator computes in, in words."""
        read = self.computed(op) or [tensor for tensor in op.inputs if tensor is not None]
        before = [tensor.dtype.lower() for tensor in read[:1]]
        after = [tensor.dtype.lower() for tensor in op.outputs[:1]]
        both = list(dict.fromkeys([*before, *after]))
        return " to ".join(both) or "nothing"


def shapes(op: Op) -> str:
    """The shapes of what an operator reads, as in `(1, 8, 8, 3) and (3,)`."""
    return " and ".join(str(tensor.shape) for tensor in op.inputs[:3] if tensor is not None)
