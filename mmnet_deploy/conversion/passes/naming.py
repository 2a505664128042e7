"""Names of tensors: short, and no two alike."""

from __future__ import annotations

from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.layer_names import short_names


def name_layers(graph: Graph) -> None:
    """Call every tensor after its layer, where the converter joins all names it ever had.

    An eighth of a small int8 file is names otherwise.
    """
    names = short_names(tensor.name for op in graph.ops for tensor in op.outputs)
    for op in graph.ops:
        for tensor in op.outputs:
            # The converter calls an output after the function, not after the layer.
            nameless = "PartitionedCall" in tensor.name
            tensor.name = "output" if nameless else names[tensor.name]
    readers = graph.readers()
    for tensor in graph.constants():
        reader = readers[id(tensor)][0]
        place = next(i for i, other in enumerate(reader.inputs) if other is tensor)
        tensor.name = f"{reader.name}/{_ROLES.get(place, 'constant')}"
    make_names_unique(graph)


_ROLES = {1: "weights", 2: "bias"}


def make_names_unique(graph: Graph) -> None:
    """Number the names that occur more than once; the model's own ends keep theirs."""
    results = [tensor for op in graph.ops for tensor in op.outputs]
    taken: set[str] = set()
    seen: set[int] = set()
    for tensor in [*graph.inputs, *graph.outputs, *results, *graph.constants()]:
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        name, number = tensor.name, 1
        while name in taken:
            number += 1
            name = f"{tensor.name}_{number}"
        tensor.name = name
        taken.add(name)
