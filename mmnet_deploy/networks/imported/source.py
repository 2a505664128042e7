"""What is imported: the graph of a `.tflite` file, or one line that says why it cannot be.

Keras is not needed to find out, so a file is refused before anything long begins.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.files import sha256
from mmnet_deploy.networks.network import MOST_PIXELS
from mmnet_deploy.tflite.card import read_model
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.operators import NO_ACTIVATION
from mmnet_deploy.tflite.parts import Op, Tensor
from mmnet_deploy.tflite.precision import is_quantized, precision_of
from mmnet_deploy.tflite.schema import DamageError, enumeration, reading

TRANSPOSED_WITH_BIAS = "Convolution2DTransposeBias"
"""MediaPipe's custom operator; XNNPACK knows it."""

_BIAS = {
    "CONV_2D": 2,
    "DEPTHWISE_CONV_2D": 2,
    "FULLY_CONNECTED": 2,
    "TRANSPOSE_CONV": 3,
    TRANSPOSED_WITH_BIAS: 2,
}
"""Which input of an operator with weights is its bias."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A file that may be imported.

    Attributes:
        name: Of the network, in letters, digits, `.`, `_` and `-`; no family has it.
        sha256: Of the file.
        graph: Of float32 alone.
        size: Height and width of the input, in pixels.
        channels_first: Whether the input is (1, 3, height, width).
    """

    path: Path
    name: str
    sha256: str
    graph: Graph
    size: tuple[int, int]
    channels_first: bool = False


def read(path: Path) -> Source:
    """Read a file whose network takes one picture and computes in float32.

    Raises:
        ModelFileError: It cannot be read, is damaged, or cannot be trained as it is.
    """
    graph, size, channels_first = read_graph(path)
    return Source(path, name_of(path), sha256(path), graph, size, channels_first)


def read_graph(path: Path) -> tuple[Graph, tuple[int, int], bool]:
    """The graph of such a file, in float32 alone; Keras is not needed.

    Returns:
        The graph, height and width of its input in pixels, and whether its channels come first.

    Raises:
        ModelFileError: As `read`.
    """
    graph = Graph.from_bytes(read_model(path), str(path))
    with reading(str(path)):
        _require_one_graph(path, graph)
        _require_float(path, graph)
        size, channels_first = _picture(path, graph.inputs[0])
        _require_own_options(graph)
        widen(graph)
        fold_sums(graph)
        graph.remove_unused()
    return graph, size, channels_first


def name_of(path: Path) -> str:
    """The network's name: that of the file, as far as it may be one, and no family's."""
    import models  # It imports Keras, which reading a graph does not need.

    name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-.") or "network"
    return f"{name}-imported" if name in models.family_names() else name


# --- What cannot be trained --------------------------------------------------


def _require_one_graph(path: Path, graph: Graph) -> None:
    """Make sure that there is one graph from one input to one output, without branches."""
    if graph.subgraphs > 1:
        kinds = sorted({op.kind for op in graph.ops if op.kind in ("IF", "WHILE", "CALL_ONCE")})
        raise ModelFileError(
            f"{path} must have no control flow to be imported. Received: "
            f"{', '.join(kinds) or 'more than one graph'} ({graph.subgraphs} subgraphs)."
        )
    for what, tensors in (
        ("input, the picture", graph.inputs),
        ("output, the matte", graph.outputs),
    ):
        if len(tensors) != 1:
            shapes = ", ".join(f"{tensor.name} {tensor.shape}" for tensor in tensors[:4])
            raise ModelFileError(
                f"{path} must have one {what}, to be imported. "
                f"Received: {len(tensors)} ({shapes or 'none'})."
            )


def _require_float(path: Path, graph: Graph) -> None:
    """Make sure that nothing is quantized."""
    for op in graph.ops:
        for tensor in (*op.inputs, *op.outputs):
            if tensor is not None and is_quantized(tensor):
                raise ModelFileError(
                    f"{path} is quantized ({precision_of(graph)}), and what was rounded "
                    "cannot be trained or converted anew: give the float32 or float16 file of "
                    "the same network. Received: "
                    f"{tensor.dtype.lower()} in {op.kind} {op.name}."
                )


def _require_own_options(graph: Graph) -> None:
    """Make sure that no operator has the options of another kind.

    The runtime takes its defaults then, and what is made of the file would be damaged too.
    """
    kinds = {name.upper(): number for name, number in enumeration("BuiltinOptions").items()}
    for op in graph.ops:
        own = kinds.get(f"{op.kind.replace('_', '')}OPTIONS")
        if own is not None and op.options_type not in (0, own):
            raise DamageError(f"{op.kind} {op.name} has the options of another operator")


def _picture(path: Path, tensor: Tensor) -> tuple[tuple[int, int], bool]:
    """Height and width of the input, and whether its channels come first."""
    shape = tensor.signature or tensor.shape
    if -1 in shape[1:]:
        raise ModelFileError(
            f"{path} must have a fixed input size to be imported: convert it with one. "
            f"Received: {shape}."
        )
    shape = tensor.shape
    channels_first = len(shape) == 4 and shape[1] == 3 != shape[3]
    if len(shape) != 4 or shape[0] != 1 or not (channels_first or shape[3] == 3):
        raise ModelFileError(
            f"{path} must take one picture of three colours, (1, height, width, 3). "
            f"Received: {shape}."
        )
    if tensor.dtype != "FLOAT32":
        raise ModelFileError(f"{path} must take float32. Received: {tensor.dtype.lower()}.")
    height, width = shape[2:] if channels_first else shape[1:3]
    if not 0 < height * width <= MOST_PIXELS:
        raise ModelFileError(
            f"{path} must take pictures of at most {MOST_PIXELS:,} pixels. "
            f"Received: {height}×{width}."
        )
    return (height, width), channels_first


# --- Constants ---------------------------------------------------------------


def widen(graph: Graph) -> None:
    """Make float32 of float16 constants, and take the operators out that did so."""
    for op in list(graph.ops):
        if op.kind == "DEQUANTIZE" and op.input(0).data is not None:
            values = np.asarray(op.input(0).data, np.float32).reshape(op.output.shape)
            graph.replace_tensor(
                op.output, Tensor(op.output.name, op.output.shape, "FLOAT32", values)
            )
            graph.remove(op)
    for tensor in list(graph.constants()):
        if tensor.dtype == "FLOAT16" and tensor.data is not None:
            tensor.data, tensor.dtype = tensor.data.astype(np.float32), "FLOAT32"


def geometry_of_transposed(op: Op) -> tuple[str, tuple[int, int]]:
    """Padding, `same` or `valid`, and strides of MediaPipe's operator.

    Its options are three int32: padding, the strides' width and height. Source:
    `TfLiteTransposeConvParams` of the runtime, and `VisitMediaPipeDeconvolutionNode` of its XNNPACK
    delegate.

    Raises:
        DamageError: They are missing or impossible.
    """
    content = bytes(np.asarray(op.source.customOptions, np.uint8)) if op.source else b""
    if len(content) < 12:
        raise DamageError(f"the options of {op.kind} are missing")
    padding, width, height = (int(number) for number in np.frombuffer(content[:12], "<i4"))
    if padding not in (1, 2) or min(width, height) < 1:
        raise DamageError(f"{op.kind} has the options {padding}, {width}, {height}")
    return "same" if padding == 1 else "valid", (height, width)


def fold_sums(graph: Graph) -> None:
    """Make biases of constants that are added to what an operator with weights computes.

    So they can be trained, and cost nothing.
    """
    producers = graph.producers()
    for op in list(graph.ops):
        if op.kind != "ADD" or len(op.inputs) != 2:
            continue
        first, second = op.input(0), op.input(1)
        values, constant = (first, second) if second.data is not None else (second, first)
        before = producers.get(id(values))
        if before is None or constant.data is None or before.kind not in _BIAS:
            continue
        alone = len(graph.readers_of(values)) == 1 and not graph.is_output(values)
        takes = _is_linear(op) or hasattr(before.options, "fusedActivationFunction")
        if alone and takes and _is_linear(before) and _per_channel(constant, values):
            if not _give_bias(before, constant):
                continue
            if not _is_linear(op):
                before.options.fusedActivationFunction = op.options.fusedActivationFunction
            before.outputs = [op.output]
            graph.remove(op)
            producers[id(op.output)] = before


def _is_linear(op: Op) -> bool:
    return getattr(op.options, "fusedActivationFunction", NO_ACTIVATION) == NO_ACTIVATION


def _per_channel(constant: Tensor, values: Tensor) -> bool:
    """Whether a constant has one value for each channel, and nothing is enlarged by adding it."""
    return constant.shape in (
        (values.shape[-1],),
        (*(1 for _ in values.shape[:-1]), values.shape[-1]),
    )


def _give_bias(op: Op, constant: Tensor) -> bool:
    """Add a constant to an operator's bias; False if that is computed, and stays."""
    place = _BIAS[op.kind]
    inputs = [*op.inputs, *[None] * (place + 1 - len(op.inputs))]
    added = np.asarray(constant.data, np.float32).reshape(-1)
    given = inputs[place]
    if given is not None:
        if given.data is None:
            return False
        added = added + np.asarray(given.data, np.float32).reshape(-1)
    inputs[place] = Tensor(constant.name, added.shape, "FLOAT32", added)
    op.inputs = inputs
    return True
