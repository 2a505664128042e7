"""The float32 graph of a `.tflite` file, as `tracing` makes one of a Keras network.

Neither Keras nor TensorFlow is needed for it. The file itself, run in the interpreter, is the
network that everything made of it is compared with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion import passes
from mmnet_deploy.downloads import published
from mmnet_deploy.errors import ConversionError, DelegateRefusedError, ModelFileError
from mmnet_deploy.files import sha256
from mmnet_deploy.networks.imported import ending, source
from mmnet_deploy.networks.network import Network
from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.output import ALPHA, BYTES, CLIPPED, LOGIT, SOFTMAX, Meaning, Output
from mmnet_deploy.progress import Tell, quiet
from mmnet_deploy.tflite import counts, operators
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.half_precision import with_entry
from mmnet_deploy.tflite.interpreter import TFLiteModel
from mmnet_deploy.tflite.parts import Op, Tensor
from mmnet_deploy.tflite.runtime import runtime_name, schema
from mmnet_deploy.tflite.schema import reading


def open_file(path: Path, meaning: Meaning | None = None, tell: Tell = quiet) -> Network:
    """A `.tflite` file as a network to convert, computed by the interpreter.

    Args:
        meaning: What is said of its input and output besides what the file says.
        tell: Takes a line where the file's metadata says something else.

    Raises:
        ModelFileError: It cannot be read, does not take one picture and give one matte, is
            quantized, or has control flow, custom operators or sizes that vary.
        UsageError: What is said contradicts the file, or does not suffice.
    """
    graph, size, channels_first = source.read_graph(path)
    _require_standard(path, graph)
    model = _opened(path)
    picture, output = model.require_matting(meaning)
    if model.overruled:
        tell(model.overruled)
    if graph.outputs[0].dtype != "FLOAT32":
        raise ModelFileError(
            f"{path} must give float32 to be converted. Received: {graph.outputs[0].dtype.lower()}."
        )

    def predict(tensor: NDArray[np.float32]) -> NDArray[Any]:
        laid = tensor.transpose(0, 3, 1, 2) if channels_first else tensor
        return model.run(np.ascontiguousarray(laid))

    def call(image: Any) -> NoReturn:
        raise ConversionError(f"{path} is a .tflite file: Keras cannot compute it.")

    known, card = published.by_sha256(sha256(path)), model.card
    name = card.family if card else path.resolve().stem
    safe_name = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "network"
    return Network(
        path=path,
        config=None,
        name=safe_name,
        title=card.title if card else known.title if known else safe_name,
        input_size=size,
        output=output,
        parameters=card.parameters if card else counts.total_parameters(graph),
        engine=runtime_name(),
        call=call,
        predict=predict,
        input_range=picture.input_range,
        width_multiplier=card.width_multiplier if card else None,
    )


def with_standard_operators(content: bytes) -> bytes:
    """A `.tflite` file with standard operators for MediaPipe's, so that built-in kernels run it.

    Raises:
        ModelFileError: It is damaged.
    """
    graph = Graph.from_bytes(content)
    with reading("The file"):
        made = _made_standard(graph)
    return graph.to_bytes() if made else content


def _opened(path: Path) -> TFLiteModel:
    """The file in the interpreter, with the delegate that runs it."""
    try:
        return TFLiteModel(path)
    except DelegateRefusedError as error:
        return TFLiteModel(path, delegate=error.runs_with)


def _require_standard(path: Path, graph: Graph) -> None:
    """Make sure that every operator is one of the file format, or can become one."""
    custom = sorted({op.kind for op in graph.ops if op.is_custom} - {source.TRANSPOSED_WITH_BIAS})
    if custom:
        raise ModelFileError(
            f"{path} must have no custom operators to be converted: they can neither be quantized "
            f"nor rewritten. Received: {', '.join(custom)}."
        )
    with reading(str(path)):
        for op in graph.ops:
            if op.is_custom:
                source.geometry_of_transposed(op)


class FileGraph:
    """A network of `open_file` as a graph in float32; has the methods of `tracing.Traced`.

    Attributes:
        network: The network.
        computed_in: Empty: a file with float16 weights computes in float32.
        stock_name: What `stock_graph` is, in messages.
    """

    computed_in: tuple[str, ...] = ()
    stock_name = "the file's own graph in float32"

    def __init__(self, network: Network) -> None:
        self.network = network
        graph, _, channels_first = source.read_graph(network.path)
        with reading(str(network.path)):
            _prepare(graph, network.output, channels_first)
        # What the file allows its own weights is not proved for others.
        self._content = with_entry(graph.to_bytes(), "")

    def matte(self, image: pictures.Picture) -> NDArray[np.float32]:
        """Alpha of a picture, uint8 (h, w, 3), as the file computes it."""
        return self.network.matte(image)

    def stock_graph(self) -> bytes:
        """The file's graph in float32, whose output is alpha in the channels that it has."""
        return self._content

    def float_graph(self, graph: str) -> tuple[bytes, Mapping[str, int]]:
        """The float32 graph that every precision is made from; see `tracing.Traced`."""
        if graph == "stock":
            return self._content, MappingProxyType({})
        rewritten, channel = Graph.from_bytes(self._content), self.network.alpha_channel
        if self.network.output.kind == ALPHA:
            channel = _end_in_softmax(rewritten, channel)
        with reading(str(self.network.path)):
            done = passes.deploy(rewritten, channel)
        return rewritten.to_bytes(), done


# --- Operators ---------------------------------------------------------------


def _prepare(graph: Graph, output: Output, channels_first: bool) -> None:
    """Let a graph be of batch 1 and of standard operators, from a picture to alpha."""
    counts.settle_batches(graph)
    computed = [tensor for op in graph.ops for tensor in op.outputs]
    for tensor in (*graph.inputs, *computed):
        tensor.signature = None  # A batch of any size is 1 from now on.
    _made_standard(graph)
    for op in graph.ops:
        if op.kind == "TRANSPOSE_CONV" and len(op.inputs) > 3:
            op.version = max(op.version, 3)  # The first with a bias.
    if channels_first:
        _put_channels_last(graph)
    _give_alpha(graph, output)


def _made_standard(graph: Graph) -> int:
    """Make standard operators of MediaPipe's; how many there were."""
    custom = [op for op in graph.ops if op.kind == source.TRANSPOSED_WITH_BIAS]
    for op in custom:
        _make_standard(op)
        op.version = max(op.version, 3)  # The first with a bias.
    return len(custom)


def _make_standard(op: Op) -> None:
    """Make TRANSPOSE_CONV, which can be calibrated and quantized, of MediaPipe's operator."""
    kind, (height, width) = source.geometry_of_transposed(op)
    padding = {"same": "SAME", "valid": "VALID"}[kind]
    values, weights, *bias = op.inputs
    shape = operators.constant(f"{op.name}/shape", np.array(op.output.shape, np.int32))
    op.options, op.options_type = operators.options_object(
        "TransposeConvOptions",
        padding=getattr(schema().Padding, padding),
        strideH=height,
        strideW=width,
    )
    op.inputs = [shape, weights, values, *bias]
    op.kind, op.is_custom, op.version, op.source = "TRANSPOSE_CONV", False, 1, None


def _put_channels_last(graph: Graph) -> None:
    """Let the input be (1, h, w, 3), as apps hand pictures over."""
    inner = graph.inputs[0]
    batch, channels, height, width = inner.shape
    image = Tensor(inner.name, (batch, height, width, channels))
    inner.name = f"{inner.name}/channels_first"
    for op in graph.ops:
        if op.kind == "TRANSPOSE" and op.input(0) is inner:
            order = op.input(1).data
            if order is not None and list(order) == [0, 2, 3, 1]:
                graph.replace_tensor(op.output, image)
                graph.remove(op)
    if graph.readers_of(inner):
        graph.ops.insert(0, operators.transpose(image, (0, 3, 1, 2), inner))
    graph.inputs = [image]


def _give_alpha(graph: Graph, output: Output) -> None:
    """Let the output be alpha (1, height, width, channels), as `Output.matte` makes it."""
    layout, given = output.layout, graph.outputs[0]
    shape = (1, layout.height, layout.width, layout.channels)
    added: list[Op] = []
    if layout.channels_first:
        first = (1, layout.channels, layout.height, layout.width)
        if given.shape != first:
            added.append(operators.reshape(given, first, "alpha_channels_first"))
        inner = added[-1].output if added else given
        added.append(operators.transpose(inner, (0, 2, 3, 1), Tensor("alpha_channels_last", shape)))
    elif given.shape != shape:
        added.append(operators.reshape(given, shape, "alpha_shape"))
    inner = added[-1].output if added else given
    if output.kind == LOGIT:
        added.append(operators.logistic(inner, "alpha_of_logits"))
    elif output.kind == SOFTMAX:
        added.append(operators.softmax(inner, "alpha_of_logits"))
    elif output.kind == CLIPPED:
        added.append(Op("RELU_0_TO_1", [inner], [Tensor("alpha_clipped", shape)]))
    elif output.kind == BYTES:
        scale = operators.constant("alpha_scale/factor", np.array(1 / output.white, np.float32))
        added.append(operators.product(inner, scale, "alpha_scale"))
    graph.ops += added
    if added:
        graph.outputs = [added[-1].output]


def _end_in_softmax(graph: Graph, channel: int) -> int:
    """End a graph in the softmax that its output is one channel of; which channel that is.

    So `passes.alpha_only` can make a sigmoid of it.
    """
    last, chosen = ending.last_operator(graph)
    shape = graph.outputs[0].shape
    if last is None or last.kind != "SOFTMAX" or chosen is None:
        return channel
    if last.output.shape != (*shape[:3], 2) or shape[3] != 1:
        return channel
    graph.outputs = [last.output]
    graph.remove_unused()
    return chosen
