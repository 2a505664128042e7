"""Recipes: what each precision does to the float32 model.

A recipe makes the content of a `.tflite` file from a `Source`, the float32 model that all
of them share. The network is traced, frozen and converted once, however many precisions are
asked for, and calibrated at most once for int8 and once for int16x8, which TensorFlow quantizes.
It is imported there, since the others need none of it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion import integers, passes
from mmnet_deploy.conversion.passes import storage
from mmnet_deploy.errors import ConversionError
from mmnet_deploy.tflite.graph import Graph

IO_TYPES = ("uint8", "int8", "float32")
"""Types that the input and output of an int8 file may have."""


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """The float32 model that every recipe starts from; calibrated once, when first needed.

    Attributes:
        content: A float32 `.tflite` file.
        samples: Inputs (1, h, w, 3) that set the quantization ranges.
        phases: Whether `passes.enlarge_by_phases` runs where the kernels have its operators.
        io: Type of the input and output of an int8 file; one of `IO_TYPES`.
        input_range: Values of black and white. An 8-bit input covers just these, whatever the
            samples hold, so that a picture's bytes are its values as they are: MediaPipe Tasks
            hands them over without a look at the parameters. None to cover the samples.
        half: Whether float32 files are to compute in half precision, where the kernels can.
    """

    content: bytes
    samples: Sequence[NDArray[np.float32]]
    _: dataclasses.KW_ONLY
    phases: bool
    io: str = "uint8"
    input_range: tuple[float, float] | None = None
    half: bool = False

    def graph(self, *, means: bool = True) -> Graph:
        """The float32 graph, free to be rewritten.

        Args:
            means: Whether `passes.mean_of_planes` may have run, which float32 has no need of.
        """
        return self._with_phases(Graph.from_bytes(self._with_means if means else self.content))

    @functools.cached_property
    def _with_means(self) -> bytes:
        graph = Graph.from_bytes(self.content)
        changed = self.phases and passes.mean_of_planes(graph)
        return graph.to_bytes() if changed else self.content

    def _with_phases(self, graph: Graph) -> Graph:
        if self.phases:
            passes.enlarge_by_phases(graph)
        return graph

    def integer_graph(self) -> Graph:
        """The float32 graph that int8 is made of, free to be rewritten."""
        graph = self.graph()
        if self.phases:
            passes.suit_integers(graph)
        return graph

    @property
    def calibrated(self) -> bytes:
        """The float32 file that int8 is made of, with the range of every tensor."""
        return self._prepared.content

    @functools.cached_property
    def _prepared(self) -> integers.Calibrated:
        content = self.integer_graph().to_bytes()
        return integers.calibrated(
            content, self.samples, input_range=self.input_range, prepare=self.phases
        )

    def quantized(self, float_layers: Collection[str]) -> Graph:
        """In 8 bits, but for these layers."""
        graph = Graph.from_bytes(self.calibrated)
        return integers.quantize(graph, float_layers, self.io, self._prepared.shifts)

    @functools.cached_property
    def _calibrator(self) -> Any:
        """TensorFlow's calibrator for int16x8 after it has seen every sample."""
        from tensorflow.lite.python.optimize.calibrator import Calibrator

        def inputs() -> Iterator[list[NDArray[np.float32]]]:
            for sample in self.samples:
                yield [sample]

        calibrator = Calibrator(self._with_means)
        calibrator.calibrate(inputs)
        return calibrator

    def quantized_to_16_bits(self) -> bytes:
        """16-bit activations and 8-bit weights, by TensorFlow's quantizer."""
        float_type, activations, biases = (
            np.dtype(name).num for name in ("float32", "int16", "int64")
        )
        # The public method would show it all samples again.
        return self._calibrator._calibrator.QuantizeModel(
            float_type, float_type, False, activations, biases, False, False
        )


# --- Recipes -----------------------------------------------------------------


def float32(source: Source) -> bytes:
    """Weights and arithmetic in 32-bit floating point.

    Average poolings over the whole plane stay unless the file is to compute in half precision: a
    mean adds up in another order, and magnified by a network that moves mattes by up to 2e-4
    (`benchmarks/foreign_float32.py`).
    """
    return source.graph(means=source.half).to_bytes() if source.phases else source.content


def float16(source: Source) -> bytes:
    """Weights stored in 16 bits, which alone changes the size of the file only.

    Filters and biases become float16 constants behind a DEQUANTIZE, which CPUs unpack to float32
    when they load the file. Cores with fp16 arithmetic (ARMv8.2-A, in phones since about 2018)
    compute in float16 if the file has the entry of `tflite.half_precision`, which
    `conversion.half_precision` adds once the mattes are proved; GPUs compute in what they are told.

    Raises:
        ConversionError: A weight is beyond the range of float16.
    """
    graph = source.graph()
    storage.weights_in_float16(graph)
    return graph.to_bytes()


def int8_weights(source: Source) -> bytes:
    """8-bit filters, per channel, that are unpacked when the file is loaded: arithmetic of float32.

    The file has about the size of `int8` and the speed of `float32`. Unlike in `dynamic`,
    activations are never quantized, and filters of every kind are stored in 8 bits.
    """
    graph = source.graph()
    storage.weights_in_int8(graph)
    return graph.to_bytes()


def dynamic(source: Source) -> bytes:
    """8-bit weights, per channel; activations are float32 and quantized when they are read.

    See `storage.filters_in_int8` for which filters are quantized.
    """
    graph = source.graph()
    storage.filters_in_int8(graph)
    return graph.to_bytes()


def int8(source: Source, float_layers: Collection[str] = ()) -> bytes:
    """Weights (per channel) and activations in 8 bits; uint8 input and output by default.

    Args:
        float_layers: Names of layers to leave in float, between a DEQUANTIZE and a QUANTIZE.

    Raises:
        ConversionError: XNNPACK cannot run the file.
    """
    graph = source.quantized(float_layers)
    integers.require_runnable(graph)
    return graph.to_bytes()


class NoFormError(ConversionError):
    """A precision has no form of an operator, whatever the options are."""


NOT_IN_16_BITS = frozenset({"HARD_SWISH", "NEG", "PRELU"})
"""Operators that TensorFlow's quantizer refuses for 16-bit activations."""


def require_quantizable(graph: Graph, precision: str) -> None:
    """Make sure that the operators have a form in a precision, before anything is calibrated.

    Raises:
        NoFormError: One has none.
    """
    refused = sorted(NOT_IN_16_BITS & {op.kind for op in graph.ops})
    if refused and precision == "int16x8":
        raise NoFormError(
            f"int16x8 has no {' and no '.join(refused)}, which the network computes with: int8, "
            "int8-weights and float16 are ways to a smaller file."
        )


def int16x8(source: Source) -> bytes:
    """Activations in 16 bits, weights in 8, float32 input and output: accurate, but slow on CPUs.

    Raises:
        ConversionError: TensorFlow's quantizer failed.
    """
    try:
        return source.quantized_to_16_bits()
    except Exception as error:
        raise ConversionError(f"Quantizing to int16x8 failed: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@dataclasses.dataclass(frozen=True)
class Precision:
    """A recipe, and how far the mattes of its files may be from those of the network.

    Attributes:
        recipe: Makes the file; `int8` also takes the layers to leave in float.
        largest: Limit of the largest |Δα| over all checked pixels. Where a matte goes from 0
            to 1 within a few pixels, a tiny shift is a large |Δα|: int8 has no such limit. In
            half precision, single pixels of MediaPipe's and Meet's networks are 0.15 to 0.3 off
            where the mean is 5e-4; a part of the picture that goes wrong is off by more than 0.5.
        mean: Limit of the mean |Δα|.
        calibrated: Whether it needs representative pictures.
        by_tensorflow: Whether TensorFlow quantizes it.
    """

    recipe: Callable[[Source], bytes]
    largest: float
    mean: float
    calibrated: bool = False
    by_tensorflow: bool = False


PRECISIONS: Mapping[str, Precision] = MappingProxyType(
    {
        "float32": Precision(float32, largest=1e-3, mean=1e-5),
        "float16": Precision(float16, largest=0.5, mean=2e-3),
        "int8-weights": Precision(int8_weights, largest=1.0, mean=2e-2),
        "dynamic": Precision(dynamic, largest=1.0, mean=2e-2),
        "int8": Precision(int8, largest=1.0, mean=2e-2, calibrated=True),
        "int16x8": Precision(int16x8, largest=0.3, mean=5e-3, calibrated=True, by_tensorflow=True),
    }
)
"""Every recipe by the name of its precision, with the limits of |Δα|."""
