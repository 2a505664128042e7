"""What every conversion begins with: a network as a float32 graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion import integers, passes
from mmnet_deploy.conversion.file_graph import FileGraph, with_standard_operators
from mmnet_deploy.conversion.quantization import Source
from mmnet_deploy.networks.imported import source
from mmnet_deploy.networks.network import Network
from mmnet_deploy.portraits import pictures
from mmnet_deploy.tflite.card import ModelCard, is_tflite
from mmnet_deploy.tflite.graph import Graph


class Beginning(Protocol):
    """A network at batch 1, in float32, with its weights as constants.

    Attributes:
        network: The network.
        computed_in: Names of the types other than float32 that it computes in itself.
        stock_name: What `stock_graph` is, in messages.
    """

    network: Network
    computed_in: tuple[str, ...]
    stock_name: str

    def matte(self, image: pictures.Picture) -> NDArray[np.float32]:
        """Alpha of a picture, uint8 (h, w, 3), as `Network.matte` gives it, but in float32."""

    def stock_graph(self) -> bytes:
        """The network as it was, in float32, before any of our passes.

        Raises:
            ConversionError: The converter failed.
        """

    def float_graph(self, graph: str) -> tuple[bytes, Mapping[str, int]]:
        """The float32 graph that every precision is made from.

        Args:
            graph: A name in `options.GRAPHS`.

        Returns:
            The content of a `.tflite` file, and how many places each pass rewrote.

        Raises:
            ConversionError: The converter failed, or the network has loops or branches.
        """


def begin(network: Network) -> Beginning:
    """The float32 graph of a network: read of a `.tflite` file, traced of any other.

    Raises:
        ConversionError: It cannot be traced.
    """
    if is_tflite(network.path):
        return FileGraph(network)
    from mmnet_deploy.conversion.tracing import Traced  # It imports TensorFlow.

    return Traced(network)


def float_graph(network: Network, graph: str) -> tuple[bytes, Mapping[str, int]]:
    """The float32 graph of a network; see `Beginning.float_graph`.

    Raises:
        ConversionError: The network cannot be traced or converted.
    """
    return begin(network).float_graph(graph)


def float_reference(network: Network, card: ModelCard | None, quantized: bytes = b"") -> bytes:
    """The float32 file with the same layers as a quantized file with this card.

    Args:
        quantized: The file, whose channels may have other units than the network's, by which
            their values are compared.

    Raises:
        ConversionError: The converter failed.
        ModelFileError: The quantized file is damaged.
    """
    graph = card.graph if card else "stock"
    content, _ = float_graph(network, graph)
    phases = graph == "deploy" and not (card and card.precision == "int16x8")
    made = Source(content, [], phases=phases)
    if not phases or card is None or card.precision != "int8":
        return made.graph().to_bytes()
    suited = made.integer_graph()
    if quantized:
        integers.equalize_like(suited, Graph.from_bytes(quantized))
    return suited.to_bytes()


def in_units_of(path: Path, quantized: bytes) -> bytes:
    """A float32 or float16 file with the layers, and the units, of an int8 file of ours.

    Raises:
        ModelFileError: One of them is damaged.
    """
    graph, _, _ = source.read_graph(path)
    passes.suit_integers(graph)
    integers.equalize_like(graph, Graph.from_bytes(quantized))
    return with_standard_operators(graph.to_bytes())
