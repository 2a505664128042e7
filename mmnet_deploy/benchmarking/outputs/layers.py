"""The layers of a `.tflite` file that it can be cut after."""

from __future__ import annotations

import dataclasses

from mmnet_deploy.benchmarking.outputs.differences import is_comparable
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.layer_names import short_names
from mmnet_deploy.tflite.parts import DTYPES, Op


@dataclasses.dataclass(frozen=True)
class Layer:
    """One operator of a file.

    Attributes:
        number: Its place in the order of execution, from 0.
        kind: Name of the operator, such as `CONV_2D`.
        name: As the network calls it.
    """

    number: int
    kind: str
    name: str


class Layers:
    """The operators of a graph that compute from its inputs and can be its last.

    What is computed from constants alone is none of them, nor is what has outputs of types that
    cannot be compared.

    Args:
        graph: With one subgraph.

    Attributes:
        before: The layers whose outputs each layer reads, by their numbers.
        last: The layers that give the model's outputs.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        names = short_names(op.name for op in graph.ops)
        self._layers = [
            Layer(number, op.kind, names[op.name]) for number, op in enumerate(graph.ops)
        ]
        self.before: dict[int, frozenset[int]] = {}
        # The layers that each tensor is computed from, with none between; none for an input.
        sources: dict[int, frozenset[int]] = {id(tensor): frozenset() for tensor in graph.inputs}
        for number, op in enumerate(graph.ops):
            read = [sources[id(it)] for it in op.inputs if it is not None and id(it) in sources]
            if not read:
                continue
            origin = frozenset[int]().union(*read)
            if _may_end(op):
                self.before[number] = origin
                origin = frozenset([number])
            sources |= {id(tensor): origin for tensor in op.outputs}
        found = [number for it in graph.outputs for number in sorted(sources.get(id(it), ()))]
        self.last = tuple(dict.fromkeys(found))

    def __getitem__(self, number: int) -> Layer:
        return self._layers[number]

    def ancestors(self, number: int) -> set[int]:
        """All layers that a layer is computed from."""
        found: set[int] = set()
        pending = [number]
        while pending:
            new = self.before[pending.pop()] - found
            found |= new
            pending += new
        return found

    def cuts(self, number: int) -> list[bytes]:
        """Files that end after a layer, one for each of its outputs; see `Graph.cut`."""
        return [self._graph.cut([tensor]) for tensor in self._graph.ops[number].outputs]


def _may_end(op: Op) -> bool:
    """Whether the outputs of an operator can be those of a model, and compared."""
    return bool(op.outputs) and all(
        tensor.dtype in DTYPES and is_comparable(DTYPES[tensor.dtype].__name__)
        for tensor in op.outputs
    )
