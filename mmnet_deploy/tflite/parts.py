"""The parts of a graph: operators, and the tensors between them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mmnet_deploy.tflite.schema import DamageError

DTYPES: dict[str, Any] = {
    "FLOAT64": np.float64,
    "FLOAT32": np.float32,
    "FLOAT16": np.float16,
    "INT64": np.int64,
    "INT32": np.int32,
    "INT16": np.int16,
    "INT8": np.int8,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "BOOL": np.bool_,
}
_BITS = {name: 8 * np.dtype(dtype).itemsize for name, dtype in DTYPES.items()} | {
    "INT4": 4,
    "UINT4": 4,
    "INT2": 2,
    "BFLOAT16": 16,
    "COMPLEX64": 64,
    "COMPLEX128": 128,
}


@dataclasses.dataclass(frozen=True)
class Quantization:
    """How integers stand for real numbers: real = scale · (stored − zero point).

    Attributes:
        scales, zero_points: One entry, or one per channel along `axis`.
        axis: The axis of the channels.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    def stored(self, values: NDArray[np.float32], dtype: DTypeLike) -> NDArray[Any]:
        """Real numbers as integers of a type, the nearest that it has; for one scale."""
        (scale,), (zero,) = self.scales, self.zero_points
        limits = np.iinfo(np.dtype(dtype))
        return np.clip(np.round(values / scale) + zero, limits.min, limits.max).astype(dtype)

    def real(self, stored: NDArray) -> NDArray[np.float32]:
        """Stored integers, in the tensor's shape, as real numbers."""
        shape = [1] * stored.ndim
        if len(self.scales) > 1:
            shape[self.axis] = len(self.scales)
        scale = np.reshape(np.asarray(self.scales, np.float32), shape)
        zero = np.reshape(np.asarray(self.zero_points, np.int64), shape)
        return (stored.astype(np.int64) - zero).astype(np.float32) * scale


@dataclasses.dataclass(eq=False)
class Tensor:
    """A tensor between operators, or a constant.

    Attributes:
        name: Given by the converter.
        shape: At batch 1; a dimension that may vary is -1 in `signature`.
        dtype: Name of the element type as in the file format, such as `FLOAT32`.
        data: Values of a constant; None for what operators compute.
        quantization: None for real numbers.
        limits: Least and largest value seen in calibration.
        source: The table that it was read from; None for a new tensor.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "FLOAT32"
    data: NDArray | None = None
    quantization: Quantization | None = None
    signature: tuple[int, ...] | None = None
    limits: tuple[float, float] | None = None
    source: Any = None

    @property
    def is_dynamic(self) -> bool:
        """Whether a dimension other than the batch may vary."""
        return self.signature is not None and -1 in self.signature[1:]

    @property
    def size_bytes(self) -> int:
        """Memory that the values take."""
        count = math.prod(self.shape)
        return (count * _BITS.get(self.dtype, 32) + 7) // 8


@dataclasses.dataclass(eq=False)
class Op:
    """One operator.

    Attributes:
        kind: Name as in the file format, such as `CONV_2D`; a custom operator's own name.
        inputs: None where an optional input is left out.
        options: The format's options object of this kind, with the format's names.
        version: Version of the operator's definition, by which runtimes choose a kernel.
        source: The table that it was read from; None for a new operator.
    """

    kind: str
    inputs: Sequence[Tensor | None]
    outputs: list[Tensor]
    options: Any = None
    options_type: int = 0
    is_custom: bool = False
    version: int = 1
    source: Any = None

    @property
    def output(self) -> Tensor:
        """The first output.

        Raises:
            DamageError: There is none.
        """
        if not self.outputs:
            raise DamageError(f"{self.kind} has no output")
        return self.outputs[0]

    @property
    def name(self) -> str:
        """Name in tables: that of the first output."""
        return self.outputs[0].name if self.outputs else self.kind

    def option(self, name: str, default: Any) -> Any:
        """One of the options; `default` where the operator has no options at all.

        Raises:
            DamageError: It has the options of another kind of operator.
        """
        if self.options is None:
            return default
        if not hasattr(self.options, name):
            raise DamageError(f"{self.kind} has the options of another operator")
        return getattr(self.options, name)

    def input(self, index: int) -> Tensor:
        """An input that this kind of operator must have.

        Raises:
            DamageError: It is missing.
        """
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            raise DamageError(f"{self.kind} lacks its input {index}")
        return tensor
