"""The two ends of a matting network: pictures into its input, mattes out of its output.

The file says much of it: the type and the quantization parameters of its input say which values
are black and white, and an ARG_MAX before its output says that this holds numbers of classes. A
description of ours says all. What none of these says is asked for.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.portraits.output import ALPHA, Meaning, Output, output_of
from mmnet_deploy.portraits.pictures import Picture, preprocess, resized
from mmnet_deploy.tflite.card import ModelCard
from mmnet_deploy.tflite.parts import Quantization

Details = Mapping[str, Any]
"""What the interpreter says of a tensor."""

USUAL_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-128.0, 127.0), (-0.5, 0.5))
"""Values of black and white that networks are trained with."""

TOLERANCE = 0.1
"""By how much of its width a range of quantization parameters may miss a usual one at either
end: the parameters come from pictures, the darkest and brightest of which may be grey."""

LEAST_LEVELS = 100
"""A picture's black and white must be that many quantization steps apart."""

_EXACT = 1e-3
"""Quantization steps by which 255 of them may miss a picture's range: rounding of the scale."""

_MOVES = {
    "CAST",
    "EXPAND_DIMS",
    "QUANTIZE",
    "DEQUANTIZE",
    "PACK",
    "RESHAPE",
    "RESIZE_NEAREST_NEIGHBOR",
    "SLICE",
    "SQUEEZE",
    "STRIDED_SLICE",
    "TRANSPOSE",
}
"""Operators behind an ARG_MAX after which values are numbers of classes still."""


def quantization_of(tensor: Details) -> Quantization | None:
    """How a tensor's integers stand for real numbers; None where they stand for themselves.

    Raises:
        ModelFileError: The scale is no positive number.
    """
    scale, zero_point = tensor["quantization"]
    if np.dtype(tensor["dtype"]).kind not in "iu" or scale == 0:
        return None
    if not (math.isfinite(scale) and scale > 0):
        raise ModelFileError(
            f"The quantization scale of {tensor['name']} must be positive. Received: {scale:g}."
        )
    return Quantization((float(scale),), (int(zero_point),))


def held(tensor: Details) -> tuple[float, float] | None:
    """The least and the largest real number that an integer tensor can hold; None for floats."""
    dtype = np.dtype(tensor["dtype"])
    if dtype.kind not in "iu":
        return None
    limits = np.iinfo(tensor["dtype"])
    scale, zero = tensor["quantization"] if quantization_of(tensor) else (1.0, 0)
    return float(scale) * (limits.min - int(zero)), float(scale) * (limits.max - int(zero))


# --- Input -------------------------------------------------------------------


def known_range(tensor: Details) -> tuple[float, float] | None:
    """Values of black and white as far as an input's type and parameters say them.

    For an 8-bit input, the usual range that its parameters cover; bytes without parameters
    hold the picture as it is. None for all others: 16 bits are symmetric about zero, whatever
    they hold.
    """
    ends = held(tensor)
    dtype = np.dtype(tensor["dtype"])
    if ends is None or dtype.itemsize > 1:
        return None
    if quantization_of(tensor) is None:
        return (0.0, 255.0) if dtype.kind == "u" else None

    def miss(usual: tuple[float, float]) -> float:
        gaps = [abs(ours - theirs) for ours, theirs in zip(ends, usual, strict=True)]
        return max(gaps) / (usual[1] - usual[0])

    nearest = min(USUAL_RANGES, key=miss)
    return nearest if miss(nearest) <= TOLERANCE else None


@dataclasses.dataclass(frozen=True)
class PictureInput:
    """How a picture becomes an input tensor.

    Attributes:
        height, width: In pixels.
        dtype: Of the tensor.
        input_range: Values of black and white.
        quantization: None for floats, and for integers that stand for themselves.
        channels_first: Whether the tensor is (1, 3, h, w), not (1, h, w, 3).
    """

    height: int
    width: int
    dtype: np.dtype[Any]
    input_range: tuple[float, float]
    quantization: Quantization | None = None
    channels_first: bool = False

    @property
    def holds_bytes(self) -> bool:
        """Whether an 8-bit tensor holds a picture's bytes one for one, as apps hand them over.

        Of -1 … 1 every byte lies half a step between two values: rounding would make one of two.
        """
        if self.quantization is None or self.dtype.itemsize > 1:
            return False
        (scale,), (zero,) = self.quantization.scales, self.quantization.zero_points
        black, white = (end / scale + zero - np.iinfo(self.dtype).min for end in self.input_range)
        return abs(black) <= 0.5 + _EXACT and abs(white - black - 255) <= _EXACT

    def tensor(self, image: Picture) -> NDArray[Any]:
        """A picture, uint8 (h, w, 3), as the tensor holds it."""
        if self.holds_bytes:
            stored = resized(image, self.height, self.width)[np.newaxis].astype(np.int16)
            if self.channels_first:
                stored = np.ascontiguousarray(stored.transpose(0, 3, 1, 2))
            return (stored + np.iinfo(self.dtype).min).astype(self.dtype)
        values: NDArray[Any] = preprocess(image, self.height, self.width, self.input_range)
        if self.channels_first:
            values = np.ascontiguousarray(values.transpose(0, 3, 1, 2))
        if self.quantization is not None:
            return self.quantization.stored(values, self.dtype)
        if self.dtype.kind in "iu":
            limits = np.iinfo(self.dtype)
            values = np.clip(np.rint(values), limits.min, limits.max)
        return values.astype(self.dtype)


def input_of(
    path: Path, tensor: Details, meaning: Meaning, card: ModelCard | None = None
) -> PictureInput:
    """How a picture becomes the input of a file.

    Args:
        path: Names the file in messages.
        card: The file's own description.

    Raises:
        ModelFileError: The input is no picture.
        UsageError: Nothing says which values are black and white, or the input cannot hold
            those that are said.
    """
    shape = tuple(int(side) for side in tensor["shape"])
    dtype = np.dtype(tensor["dtype"])
    channels_first = len(shape) == 4 and shape[1] == 3 != shape[3]
    if len(shape) != 4 or shape[0] != 1 or not (channels_first or shape[3] == 3):
        raise ModelFileError(
            f"{path} must take one picture of three colours, (1, height, width, 3). "
            f"Received: {shape}."
        )
    if dtype.kind not in "fiu":
        raise ModelFileError(f"{path} must take numbers. Received: {dtype.name}.")
    height, width = shape[2:] if channels_first else shape[1:3]
    ends = card.input_range if card else meaning.input_range or known_range(tensor)
    quantization = quantization_of(tensor)
    if ends is None:
        if dtype.kind != "f":
            raise UsageError(_asked(path, tensor))
        ends = (0.0, 1.0)
    elif meaning.input_range is not None:
        _require_held(path, tensor, ends)
    return PictureInput(height, width, dtype, ends, quantization, channels_first)


def _parameters(tensor: Details) -> str:
    """What an integer tensor holds, in words."""
    name, quantization, ends = np.dtype(tensor["dtype"]).name, quantization_of(tensor), held(tensor)
    if quantization is None or ends is None:
        return f"{name} without quantization parameters"
    (scale,), (zero,) = quantization.scales, quantization.zero_points
    return f"{name}, scale {scale:.3g}, zero point {zero}: {ends[0]:.3g} … {ends[1]:.3g}"


def _asked(path: Path, tensor: Details) -> str:
    return (
        f"`--input-range` must say which values are black and white for {path}: its input "
        f"({_parameters(tensor)}) does not. Received: none."
    )


def _require_held(path: Path, tensor: Details, ends: tuple[float, float]) -> None:
    """Make sure that an integer input can hold what the user says, in steps that are fine enough.

    Raises:
        UsageError: It cannot.
    """
    limits, quantization = held(tensor), quantization_of(tensor)
    if limits is None:
        return
    (low, high), (least, most) = ends, limits
    step = quantization.scales[0] if quantization else 1.0
    beyond = max(least - low, high - most)
    if beyond > TOLERANCE * (high - low) or (high - low) / step < LEAST_LEVELS:
        raise UsageError(
            f"`--input-range` must fit the input of {path} ({_parameters(tensor)}). "
            f"Received: {low:g} {high:g}."
        )


# --- Output ------------------------------------------------------------------


def classes_of(
    output: int, operators: Sequence[Mapping[str, Any]], tensors: Sequence[Details]
) -> int | None:
    """How many classes an output holds the numbers of; None if it holds anything else.

    Args:
        output: Number of the output tensor.
        operators, tensors: What the interpreter says of the file's.
    """
    producers = {
        int(tensor): operator
        for operator in operators
        if operator["op_name"] != "DELEGATE"
        for tensor in operator["outputs"]
    }
    shapes = {int(tensor["index"]): tuple(map(int, tensor["shape"])) for tensor in tensors}
    number = output
    for _ in range(len(producers) + 1):  # A damaged graph may run in a circle.
        operator = producers.get(number)
        if operator is None:
            return None
        sources = [int(tensor) for tensor in operator["inputs"]]
        if operator["op_name"] == "ARG_MAX":
            # Of the pixels' channels all but one go; which axis this was, sizes say.
            before = math.prod(shapes.get(sources[0], (0,)))
            after = math.prod(shapes.get(int(operator["outputs"][0]), (1,)))
            return max(before // max(after, 1), 1)
        if operator["op_name"] not in _MOVES or not sources:
            return None
        number = sources[0]
    return None


def tensor_output(
    path: Path,
    tensor: Details,
    source: PictureInput,
    meaning: Meaning,
    card: ModelCard | None = None,
    classes: int | None = None,
) -> Output:
    """How the output of a file becomes a matte; see `output_of`.

    Args:
        path: Names the file in messages.
        card: The file's own description.
        classes: As `classes_of` gives it.

    Raises:
        ModelFileError: The output is no matte.
        UsageError: An option does not fit, or one is needed.
    """
    shape = tuple(int(side) for side in tensor["shape"])
    if card is not None:
        channels = shape[-1] if len(shape) == 4 else 1
        if channels > 1 and not 0 <= card.alpha_channel < channels:
            raise ModelFileError(
                f"{path} is damaged: its description says that channel {card.alpha_channel} of "
                f"{channels} holds alpha."
            )
        meaning = Meaning(ALPHA, card.alpha_channel if channels > 1 else 0)
    dtype: Any = tensor["dtype"]
    if quantization_of(tensor) is not None:
        dtype = np.float32
    return output_of(
        str(path),
        shape,
        (source.height, source.width),
        meaning,
        classes=classes,
        dtype=dtype,
        is_described=card is not None,
    )


def require_agreement(path: Path, meaning: Meaning, card: ModelCard) -> None:
    """Make sure that no option contradicts a file's description.

    The channel may be given as that of the file or as that of the network it was made from.

    Raises:
        UsageError: One does.
    """
    known = Meaning(output=ALPHA, input_range=card.input_range)
    channels = (card.alpha_channel, card.source_channel)
    meaning.require_agreement(str(path), known, channels)


def real(values: NDArray[Any], tensor: Details) -> NDArray[Any]:
    """Values of a tensor as real numbers; integers that stand for themselves stay what they are."""
    quantization = quantization_of(tensor)
    return values if quantization is None else quantization.real(values)
