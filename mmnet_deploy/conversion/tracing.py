"""The float32 graph of a network, from which every precision is made."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import MappingProxyType

import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from mmnet_deploy.conversion import passes
from mmnet_deploy.conversion.quantization import Source
from mmnet_deploy.errors import ConversionError
from mmnet_deploy.networks.network import Network
from mmnet_deploy.tflite.card import ModelCard
from mmnet_deploy.tflite.graph import Graph


def stock_graph(network: Network) -> bytes:
    """The network at batch 1 as TensorFlow's converter makes it, in float32.

    The variables are frozen into constants first: left in the graph, they become
    READ_VARIABLE operators that cut it into pieces for a delegate.

    Raises:
        ConversionError: The network cannot be traced, or the converter failed.
    """
    height, width = network.input_size
    signature = [tf.TensorSpec((1, height, width, 3), tf.float32, name="image")]
    try:
        function = tf.function(network.call, input_signature=signature)
        frozen = convert_to_constants.convert_variables_to_constants_v2(
            function.get_concrete_function()
        )
        # The weights are constants now, so there is nothing for a module to track.
        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], tf.Module())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return converter.convert()
    except Exception as error:  # The converter raises whatever its C++ parts give it.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ConversionError(f"TensorFlow's converter failed: {lines[0]}") from error


def float_graph(network: Network, graph: str) -> tuple[bytes, Mapping[str, int]]:
    """The float32 graph that every precision is made from.

    Args:
        graph: A name in `options.GRAPHS`.

    Returns:
        The content of a `.tflite` file, and how many places each pass rewrote.

    Raises:
        ConversionError: The converter failed, or the network has loops or branches.
    """
    content = stock_graph(network)
    if graph == "stock":
        return content, MappingProxyType({})
    rewritten = Graph.from_bytes(content)
    if rewritten.subgraphs > 1:
        raise ConversionError(
            f"{network.path} has loops or branches, which cannot be rewritten: convert it with "
            "`--graph stock` to float32 or int8."
        )
    done = passes.deploy(rewritten, network.alpha_channel)
    return rewritten.to_bytes(), MappingProxyType(dict(done))


def float_reference(network: Network, card: ModelCard | None) -> bytes:
    """The float32 file with the same names of layers as a quantized file with this card.

    Raises:
        ConversionError: The converter failed.
    """
    graph = card.graph if card else "stock"
    content, _ = float_graph(network, graph)
    phases = graph == "deploy" and not (card and card.precision == "int16x8")
    return Source(content, [], phases=phases).graph().to_bytes()
