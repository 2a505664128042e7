"""A finding, and the model that rules look at."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable

from mmnet_deploy.tflite.counts import stores_weights
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.parts import Op, Tensor

Partitions = tuple[tuple[int, ...], ...]
"""Numbers of the operators that each partition of the delegate took."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that costs time, memory or a delegate.

    Attributes:
        rule: Short name of the rule, which never changes.
        what: What was found, with numbers.
        where: The operators or tensors concerned, by their names in the file.
        why: What it costs.
        fix: What to do about it.
    """

    rule: str
    what: str
    where: tuple[str, ...]
    why: str
    fix: str


class Model:
    """A graph, with what several rules ask of it.

    Attributes:
        reduced_precision: What the file's entry of `tflite.half_precision` says.
        meant: Whether the file's description says that it has no such entry on purpose.
    """

    def __init__(
        self,
        graph: Graph,
        partitions: Partitions | None,
        reduced_precision: str = "",
        *,
        meant: bool = False,
    ) -> None:
        self.graph = graph
        self.partitions = partitions
        self.reduced_precision = reduced_precision
        self.meant = meant
        self._producers = graph.producers()
        self._readers = graph.readers()

    def of_kind(self, *kinds: str) -> list[Op]:
        """The operators of these kinds, in the order of execution."""
        return [op for op in self.graph.ops if op.kind in kinds]

    def producer(self, tensor: Tensor) -> Op | None:
        """The operator that computes a tensor."""
        return self._producers.get(id(tensor))

    def readers(self, tensor: Tensor) -> list[Op]:
        """The operators that read a tensor."""
        return self._readers.get(id(tensor), [])

    def is_constant(self, tensor: Tensor) -> bool:
        """Whether it is a constant, unpacked by an operator or not."""
        producer = self.producer(tensor)
        return tensor.data is not None or (producer is not None and stores_weights(producer))

    def only_reader(self, tensor: Tensor) -> Op | None:
        """The operator that reads a tensor if nobody else does."""
        readers = self.readers(tensor)
        return readers[0] if len(readers) == 1 and not self.graph.is_output(tensor) else None

    def activations(self, op: Op) -> list[Tensor]:
        """What an operator reads and writes, without constants."""
        tensors = [tensor for tensor in op.inputs if tensor is not None]
        return [tensor for tensor in tensors if not self.is_constant(tensor)] + op.outputs

    def left_out(self) -> list[Op]:
        """The operators that the delegate did not take; none if that is not known."""
        return left_out(self.graph, self.partitions)


def left_out(graph: Graph, partitions: Partitions | None) -> list[Op]:
    """The operators that the delegate did not take; none if that is not known."""
    if partitions is None:
        return []
    taken = {number for partition in partitions for number in partition}
    return [op for number, op in enumerate(graph.ops) if number not in taken]


def tally(ops: Iterable[Op]) -> str:
    """`2 ADD, 1 MUL`, the most frequent first."""
    return ", ".join(f"{n} {kind}" for kind, n in Counter(op.kind for op in ops).most_common())


def names(ops: Iterable[Op]) -> tuple[str, ...]:
    """Where the operators are, for a finding."""
    return tuple(op.name for op in ops)
