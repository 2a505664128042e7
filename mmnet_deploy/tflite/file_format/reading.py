"""Reading the tables of a `.tflite` file as operators and tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from mmnet_deploy.tflite.parts import DTYPES, Op, Quantization, Tensor
from mmnet_deploy.tflite.runtime import schema
from mmnet_deploy.tflite.schema import DamageError, enumeration, name_of

T = TypeVar("T")

_LEFT_OUT = -1
"""The number of an optional tensor that an operator does without."""

MOST_UNPACKED = 16
"""How many times a file's size its parts may take; more than once, as some share constants."""


def check_extent(content: bytes) -> None:
    """Make sure that unpacking takes no more memory than a file's size justifies.

    The format lets any number of tables share a text, a vector or a buffer, and unpacking
    copies it for each of them.

    Raises:
        DamageError: It would take more.
    """
    model = schema().Model.GetRootAs(content)
    left = MOST_UNPACKED * len(content) + 2**20

    def spend(*sizes: int) -> None:
        nonlocal left
        left -= 8 + sum(sizes)
        if left < 0:
            raise DamageError(f"its parts overlap, and would take {MOST_UNPACKED} times its size")

    def each(table: Any, name: str) -> Iterator[Any]:
        for index in range(getattr(table, f"{name}Length")()):
            spend()
            yield getattr(table, name)(index)

    for entry in each(model, "Metadata"):
        spend(len(entry.Name() or b""))
    for code in each(model, "OperatorCodes"):
        spend(len(code.CustomCode() or b""))
    buffers = [buffer.DataLength() for buffer in each(model, "Buffers")]
    for graph in each(model, "Subgraphs"):
        for tensor in each(graph, "Tensors"):
            number, q = tensor.Buffer(), tensor.Quantization()
            spend(buffers[number] if number < len(buffers) else 0)
            spend(len(tensor.Name() or b""), tensor.ShapeLength(), tensor.ShapeSignatureLength())
            if q is not None:
                spend(q.MinLength(), q.MaxLength(), q.ScaleLength(), q.ZeroPointLength())
        for op in each(graph, "Operators"):
            spend(op.InputsLength(), op.OutputsLength(), op.CustomOptionsLength())


def read_tensors(model: Any) -> list[Tensor]:
    """The tensors of a model's main subgraph, in the order of the file."""
    return [_read_tensor(tensor, model.buffers) for tensor in model.subgraphs[0].tensors or ()]


def read_ops(model: Any, tensors: Sequence[Tensor]) -> list[Op]:
    """The operators of a model's main subgraph on its `tensors`, in the order of execution."""
    names = {code: name for name, code in enumeration("BuiltinOperator").items()}
    ops = model.subgraphs[0].operators or ()
    return [_read_op(op, model.operatorCodes, names, tensors) for op in ops]


def numbered(items: Sequence[T], number: int) -> T:
    """An entry of a table by its number in the file.

    Raises:
        DamageError: There is none; Python would count negative numbers from the end.
    """
    if not 0 <= number < len(items):
        raise DamageError(f"it refers to entry {number} of a table with {len(items)}")
    return items[number]


def text(value: bytes | str | None) -> str:
    """A text of the file; bytes that are no UTF-8 are replaced."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def _read_tensor(tensor: Any, buffers: Sequence[Any]) -> Tensor:
    shape = () if tensor.shape is None else tuple(int(n) for n in tensor.shape)
    if min(shape, default=0) < 0:
        raise DamageError(f"a tensor has the shape {shape}")
    dtype = name_of("TensorType", tensor.type)
    raw = numbered(buffers, tensor.buffer).data
    data = None
    if raw is not None and len(raw):
        content = np.asarray(raw, np.uint8).tobytes()
        data = (
            np.frombuffer(content, DTYPES[dtype]).reshape(shape)
            if dtype in DTYPES and tensor.sparsity is None
            else np.frombuffer(content, np.uint8)
        )
    quantization, limits = None, None
    q = tensor.quantization
    # Scales of real numbers mean nothing: nobody may take the numbers for integers.
    is_real = "FLOAT" in dtype
    if not is_real and q is not None and q.scale is not None and len(q.scale):
        quantization = _read_quantization(q, shape)
    if q is not None and q.min is not None and len(q.min) == 1:
        limits = float(q.min[0]), float(q.max[0])
    signature = tensor.shapeSignature
    if signature is not None and (len(signature) != len(shape) or min(signature, default=0) < -1):
        raise DamageError(f"a tensor of the shape {shape} has other sizes in its signature")
    return Tensor(
        name=text(tensor.name),
        shape=shape,
        dtype=dtype,
        data=data,
        quantization=quantization,
        signature=None if signature is None else tuple(int(n) for n in signature),
        limits=limits,
        source=tensor,
    )


def _read_quantization(q: Any, shape: tuple[int, ...]) -> Quantization:
    scales, axis = tuple(float(scale) for scale in q.scale), q.quantizedDimension
    given = [] if q.zeroPoint is None else [int(zero) for zero in q.zeroPoint]
    zeros = tuple((given or [0]) * (len(scales) if len(given) <= 1 else 1))
    per_channel = len(scales) > 1
    if len(zeros) != len(scales) or (per_channel and numbered(shape, axis) != len(scales)):
        raise DamageError(
            f"a tensor of the shape {shape} has {len(scales)} scales and {len(given)} zero points "
            f"along its axis {axis}"
        )
    return Quantization(scales, zeros, axis)


def _read_op(op: Any, codes: Sequence[Any], names: dict[int, str], tensors: Sequence[Tensor]) -> Op:
    code = numbered(codes, op.opcodeIndex)
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    kind = names.get(builtin, f"BUILTIN {builtin}")
    is_custom = kind == "CUSTOM"
    inputs = [] if op.inputs is None else op.inputs
    outputs = [] if op.outputs is None else op.outputs
    return Op(
        kind=text(code.customCode) or kind if is_custom else kind,
        inputs=[None if index == _LEFT_OUT else numbered(tensors, index) for index in inputs],
        outputs=[numbered(tensors, index) for index in outputs if index != _LEFT_OUT],
        options=op.builtinOptions,
        options_type=op.builtinOptionsType,
        is_custom=is_custom,
        version=code.version,
        source=op,
    )
