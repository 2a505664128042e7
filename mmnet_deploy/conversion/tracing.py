"""The float32 graph of a network, from which every precision is made."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework import convert_to_constants

from mmnet_deploy.conversion import passes
from mmnet_deploy.conversion.single_precision import in_float32
from mmnet_deploy.errors import ConversionError
from mmnet_deploy.networks.network import Network
from mmnet_deploy.portraits import pictures
from mmnet_deploy.tflite.graph import Graph


class Traced:
    """A network as one function at batch 1, in float32, with its weights as constants.

    The variables are frozen: left in the graph, they become READ_VARIABLE operators that cut
    it into pieces for a delegate.

    Attributes:
        network: The network.
        computed_in: Names of the types other than float32 that it computes in itself.
        stock_name: What `stock_graph` is, in messages.

    Raises:
        ConversionError: The network cannot be traced.
    """

    stock_name = "TensorFlow's own float32 graph"

    def __init__(self, network: Network) -> None:
        self.network = network
        _require_float(network)
        signature = [tf.TensorSpec((1, *network.input_size, 3), tf.float32, name="image")]
        try:
            function = tf.function(
                lambda image: tf.cast(network.call(image), tf.float32), input_signature=signature
            )
            frozen = convert_to_constants.convert_variables_to_constants_v2(
                function.get_concrete_function()
            )
            self._function, self.computed_in = in_float32(frozen)
        except Exception as error:  # Keras, TensorFlow and the layers raise many kinds.
            raise ConversionError(
                f"{network.path} cannot be traced: {_first_line(error)}."
            ) from error

    def matte(self, image: pictures.Picture) -> NDArray[np.float32]:
        """Alpha of a picture, uint8 (h, w, 3), as `Network.matte` gives it, but in float32."""
        (output,) = self._function(tf.constant(self.network.prepare(image)))
        return output.numpy()[0, ..., self.network.alpha_channel]

    def stock_graph(self) -> bytes:
        """The network as TensorFlow's converter makes it, in float32.

        Raises:
            ConversionError: The converter failed.
        """
        try:
            # The weights are constants now, so there is nothing for a module to track.
            converter = tf.lite.TFLiteConverter.from_concrete_functions(
                [self._function], tf.Module()
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return converter.convert()
        except Exception as error:  # The converter raises whatever its C++ parts give it.
            raise ConversionError(_explained(self.network, error)) from error

    def float_graph(self, graph: str) -> tuple[bytes, Mapping[str, int]]:
        """The float32 graph that every precision is made from.

        Args:
            graph: A name in `options.GRAPHS`.

        Returns:
            The content of a `.tflite` file, and how many places each pass rewrote.

        Raises:
            ConversionError: The converter failed, or the network has loops or branches.
        """
        content = self.stock_graph()
        if graph == "stock":
            return content, MappingProxyType({})
        rewritten = Graph.from_bytes(content)
        if rewritten.subgraphs > 1:
            raise ConversionError(
                f"{self.network.path} has loops or branches, which cannot be rewritten: convert "
                "it with `--graph stock` to float32 or int8."
            )
        done = passes.deploy(rewritten, self.network.alpha_channel)
        return rewritten.to_bytes(), MappingProxyType(dict(done))


def _require_float(network: Network) -> None:
    """Make sure that Keras did not quantize the layers already.

    Raises:
        ConversionError: It did.
    """
    layers = network.model._flatten_layers() if network.model is not None else ()
    for layer in layers:
        mode = getattr(layer, "quantization_mode", None)
        if mode:
            raise ConversionError(
                f"{network.path} was quantized by Keras ({mode}, {layer.name}), which TFLite has "
                "no operators for: save the network before `model.quantize`, and let "
                "`--precision int8` quantize it."
            )


def _explained(network: Network, error: Exception) -> str:
    """What the converter failed on, without its text in MLIR."""
    lacking = dict.fromkeys(re.findall(r"error: '(?:tf|tfl)\.(\w+)' op", str(error)))
    if lacking:
        return (
            f"{network.path} computes with what TFLite has no operator for: "
            f"{', '.join(lacking)}. Replace it in the network."
        )
    return f"TensorFlow's converter failed on {network.path}: {_first_line(error)}."


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(".")
