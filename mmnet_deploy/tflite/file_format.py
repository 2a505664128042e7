"""Reading and writing a graph as the tables of a `.tflite` file.

The format numbers everything: operators name tensors by index, tensors name buffers by
index. Reading makes references of the numbers; writing numbers what there is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from mmnet_deploy.tflite.parts import DTYPES, Op, Quantization, Tensor
from mmnet_deploy.tflite.runtime import schema
from mmnet_deploy.tflite.schema import DamageError, enumeration, name_of, packed

T = TypeVar("T")

_LEFT_OUT = -1
"""The number of an optional tensor that an operator does without."""

_VERSION = 3
"""Of the schema, in every file since 2017."""

MOST_UNPACKED = 16
"""How many times a file's size its parts may take; more than once, as some share constants."""

# --- Reading -----------------------------------------------------------------


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


# --- Writing -----------------------------------------------------------------


def write(
    ops: Sequence[Op], inputs: Sequence[Tensor], outputs: Sequence[Tensor], model: Any
) -> bytes:
    """A `.tflite` file of one graph; the same graph gives the same bytes.

    Args:
        model: The file's tables as they were read; metadata and signatures are taken from it.
    """
    target = schema()
    tables = _Tables()
    main = target.SubGraphT()
    main.name = model.subgraphs[0].name
    main.inputs = [tables.number(tensor) for tensor in inputs]
    main.operators = [tables.operator(op) for op in ops]
    main.outputs = [tables.number(tensor) for tensor in outputs]
    main.tensors = tables.tensors

    written = target.ModelT()
    written.version, written.description = model.version, model.description
    written.subgraphs, written.buffers = [main], tables.buffers
    written.operatorCodes = tables.operator_codes()
    written.metadata = []
    for entry in model.metadata or []:
        renumbered = target.MetadataT()
        renumbered.name, renumbered.buffer = entry.name, len(tables.buffers)
        tables.buffers.append(model.buffers[entry.buffer])
        written.metadata.append(renumbered)
    written.signatureDefs = _signatures(model, inputs, outputs, tables)
    return packed(written)


def alone(op: Op) -> bytes:
    """An operator as a `.tflite` file of its own: its inputs are those that are no constants."""
    empty = schema().ModelT()
    empty.version = _VERSION
    main = schema().SubGraphT()
    main.inputs, main.outputs = [], []
    empty.subgraphs = [main]
    inputs = [tensor for tensor in op.inputs if tensor is not None and tensor.data is None]
    return write([op], list({id(tensor): tensor for tensor in inputs}.values()), op.outputs, empty)


def with_ends(model: Any, inputs: Sequence[int], outputs: Sequence[int]) -> Any:
    """The tables of a model whose main subgraph ends elsewhere, with a signature for it.

    Args:
        model: Stays as it is.
        inputs, outputs: Numbers of the tensors; the signature calls them `input_0` and so on.
    """
    target, changed, main = schema(), copy.copy(model), copy.copy(model.subgraphs[0])
    main.inputs, main.outputs = list(inputs), list(outputs)
    signature = target.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "cut", 0
    for side, numbers in (("input", inputs), ("output", outputs)):
        maps = []
        for place, number in enumerate(numbers):
            entry = target.TensorMapT()
            entry.name, entry.tensorIndex = f"{side}_{place}", number
            maps.append(entry)
        setattr(signature, f"{side}s", maps)
    changed.subgraphs = [main, *model.subgraphs[1:]]
    changed.signatureDefs = [signature]
    return changed


class _Tables:
    """The tables of a new file, which number what they are asked for.

    Attributes:
        buffers, tensors: In the order of their numbers.
    """

    def __init__(self) -> None:
        self.buffers = [schema().BufferT()]  # By the format's rule the first one is empty.
        self.tensors: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._codes: dict[tuple[str, bool, int], int] = {}

    def number(self, tensor: Tensor | None) -> int:
        """Number of a tensor, which is added when it is first asked for; -1 for None."""
        if tensor is None:
            return -1
        if id(tensor) not in self._numbers:
            self._numbers[id(tensor)] = len(self.tensors)
            self.tensors.append(_write_tensor(tensor, self.buffers))
        return self._numbers[id(tensor)]

    def operator(self, op: Op) -> Any:
        """The table of an operator."""
        written = copy.copy(op.source) if op.source else schema().OperatorT()
        key = op.kind, op.is_custom, op.version
        written.opcodeIndex = self._codes.setdefault(key, len(self._codes))
        # Arrays are written at once, lists number by number.
        written.inputs = np.array([self.number(tensor) for tensor in op.inputs], np.int32)
        written.outputs = np.array([self.number(tensor) for tensor in op.outputs], np.int32)
        written.builtinOptions, written.builtinOptionsType = op.options, op.options_type
        return written

    def operator_codes(self) -> list[Any]:
        """The kinds of operators, in the order of their numbers."""
        codes, written = enumeration("BuiltinOperator"), []
        for kind, custom, version in self._codes:
            code = schema().OperatorCodeT()
            builtin = codes["CUSTOM"] if custom else codes[kind]
            code.builtinCode, code.deprecatedBuiltinCode = builtin, min(builtin, 127)
            code.customCode, code.version = (kind if custom else None), version
            written.append(code)
        return written


def _write_tensor(tensor: Tensor, buffers: list[Any]) -> Any:
    target = schema()
    written = target.TensorT()
    written.name, written.shape = tensor.name, np.array(tensor.shape, np.int32)
    written.type = enumeration("TensorType")[tensor.dtype]
    written.shapeSignature = None if tensor.signature is None else list(tensor.signature)
    written.hasRank = True
    written.isVariable = tensor.source.isVariable if tensor.source is not None else False
    if tensor.quantization or tensor.limits:
        q = written.quantization = target.QuantizationParametersT()
        if tensor.quantization:
            q.scale = np.array(tensor.quantization.scales, np.float32)
            q.zeroPoint = np.array(tensor.quantization.zero_points, np.int64)
            q.quantizedDimension = tensor.quantization.axis
        if tensor.limits:
            q.min, q.max = [tensor.limits[0]], [tensor.limits[1]]
    written.buffer = 0
    if tensor.data is not None:
        buffer = target.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(tensor.data).tobytes(), np.uint8)
        written.buffer = len(buffers)
        buffers.append(buffer)
    return written


def _signatures(
    model: Any, inputs: Sequence[Tensor], outputs: Sequence[Tensor], tables: _Tables
) -> list[Any]:
    """The model's signatures with the tensors' new numbers."""
    target, main, signatures = schema(), model.subgraphs[0], []
    for old in model.signatureDefs or []:
        new = target.SignatureDefT()
        new.signatureKey, new.subgraphIndex = old.signatureKey, 0
        for side, before, after in (
            ("inputs", main.inputs, inputs),
            ("outputs", main.outputs, outputs),
        ):
            maps = []
            for entry in getattr(old, side) or []:
                renumbered = target.TensorMapT()
                renumbered.name = entry.name
                place = list(before).index(entry.tensorIndex)
                renumbered.tensorIndex = tables.number(after[place])
                maps.append(renumbered)
            setattr(new, side, maps)
        signatures.append(new)
    return signatures
