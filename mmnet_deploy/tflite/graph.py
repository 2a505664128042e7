"""A TFLite file as a graph of operators that can be read, counted and rewritten.

The file format numbers everything: operators name tensors by index, tensors name
buffers by index. Here operators hold their tensors and tensors hold their values, so
that a rewrite is a change of references; `to_bytes` numbers what is left.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import MissingDependencyError, ModelFileError

IDENTIFIER = b"TFL3"
"""Bytes 4 to 8 of every `.tflite` file."""

DAMAGE = (struct.error, IndexError, ValueError, TypeError, AttributeError, KeyError)
"""What flatbuffers raises where a file is cut off or its offsets lead nowhere."""

_SCHEMAS = ("ai_edge_litert", "tensorflow.lite.python")


def schema() -> Any:
    """Generated classes of the TFLite file format.

    Raises:
        MissingDependencyError: No installed runtime brings them.
    """
    for module in _SCHEMAS:
        try:
            return importlib.import_module(f"{module}.schema_py_generated")
        except ImportError:
            continue
    raise MissingDependencyError(
        "Reading TFLite files needs the runtime's schema. Install: pip install ai-edge-litert"
    )


@functools.cache
def _enum(name: str) -> dict[str, int]:
    """Numbers of the names in one of the format's enumerations."""
    values = vars(getattr(schema(), name))
    return {key: value for key, value in values.items() if isinstance(value, int)}


# --- The parts ---------------------------------------------------------------


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

    def real(self, stored: NDArray) -> NDArray[np.float32]:
        """Stored integers, of the tensor's own shape, as real numbers."""
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
        name: As the converter called it.
        shape: At batch 1; a dimension that may vary is given in `signature` as -1.
        dtype: Name of the element type as in the file format, such as `FLOAT32`.
        data: Values of a constant; None for what operators compute.
        quantization: None for real numbers.
        limits: Least and largest value seen in calibration.
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
        count = int(np.prod(self.shape, dtype=np.int64))
        return (count * _BITS.get(self.dtype, 32) + 7) // 8


@dataclasses.dataclass(eq=False)
class Op:
    """One operator.

    Attributes:
        kind: Name as in the file format, such as `CONV_2D`; a custom operator's own name.
        inputs: None where an optional input is left out.
        options: The format's options object of this kind, with the format's names.
        version: Of the operator's definition, which runtimes look their kernels up by.
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
        """The first output."""
        return self.outputs[0]

    @property
    def name(self) -> str:
        """What stands for the operator in tables: the name of its first output."""
        return self.outputs[0].name if self.outputs else self.kind

    def input(self, index: int) -> Tensor:
        """An input that this kind of operator must have."""
        tensor = self.inputs[index]
        assert tensor is not None
        return tensor


_DTYPES: dict[str, Any] = {
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
_BITS = {name: 8 * np.dtype(dtype).itemsize for name, dtype in _DTYPES.items()} | {
    "INT4": 4,
    "UINT4": 4,
    "INT2": 2,
    "BFLOAT16": 16,
    "COMPLEX64": 64,
    "COMPLEX128": 128,
}


class Graph:
    """The main subgraph of a model.

    Attributes:
        ops: In the order of execution.
        inputs, outputs: The model's own, in the order of its signature.
        subgraphs: How many the file has; only a file with one can be rewritten.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.subgraphs = len(model.subgraphs)
        main = model.subgraphs[0]
        tensors = [_read_tensor(tensor, model.buffers) for tensor in main.tensors]
        self._numbers = {id(tensor): index for index, tensor in enumerate(tensors)}
        self.inputs = [tensors[index] for index in main.inputs]
        self.outputs = [tensors[index] for index in main.outputs]
        names = {code: name for name, code in _enum("BuiltinOperator").items()}
        self.ops = [_read_op(op, model.operatorCodes, names, tensors) for op in main.operators]

    @classmethod
    def from_bytes(cls, content: bytes) -> Graph:
        """Read the content of a `.tflite` file.

        Raises:
            ModelFileError: It is damaged, or no TFLite file.
        """
        if content[4:8] != IDENTIFIER:
            raise ModelFileError("This is not a TFLite model.")
        try:
            return cls(schema().ModelT.InitFromPackedBuf(content))
        except DAMAGE as error:
            raise ModelFileError("The TFLite model is damaged.") from error

    # --- Looking around

    def producers(self) -> dict[int, Op]:
        """The operator that computes a tensor, by the tensor's id()."""
        return {id(tensor): op for op in self.ops for tensor in op.outputs}

    def consumers(self, tensor: Tensor) -> list[Op]:
        """The operators that read a tensor."""
        return [op for op in self.ops if any(other is tensor for other in op.inputs)]

    def is_output(self, tensor: Tensor) -> bool:
        """Whether the model gives this tensor to its user."""
        return any(other is tensor for other in self.outputs)

    def constants(self) -> Iterator[Tensor]:
        """Every constant once, in the order of use."""
        seen: set[int] = set()
        for op in self.ops:
            for tensor in op.inputs:
                if tensor is not None and tensor.data is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield tensor

    def index(self, tensor: Tensor) -> int:
        """Number of a tensor in the file that was read, as the interpreter counts."""
        return self._numbers[id(tensor)]

    # --- Rewriting

    def replace_tensor(self, old: Tensor, new: Tensor) -> None:
        """Let every reader of `old`, the model's user among them, read `new`."""
        for op in self.ops:
            op.inputs = [new if tensor is old else tensor for tensor in op.inputs]
        self.outputs = [new if tensor is old else tensor for tensor in self.outputs]

    def insert(self, place: Op, ops: Sequence[Op]) -> None:
        """Put operators right before `place`."""
        index = next(i for i, op in enumerate(self.ops) if op is place)
        self.ops[index:index] = ops

    def remove(self, op: Op) -> None:
        """Take an operator out; nothing may read what it computed."""
        self.ops = [other for other in self.ops if other is not op]

    def remove_unused(self) -> None:
        """Take out the operators whose results nobody reads."""
        needed = {id(tensor) for tensor in self.outputs}
        kept = []
        for op in reversed(self.ops):
            if any(id(tensor) in needed for tensor in op.outputs):
                kept.append(op)
                needed |= {id(tensor) for tensor in op.inputs if tensor is not None}
        self.ops = kept[::-1]

    def to_bytes(self) -> bytes:
        """The graph as a `.tflite` file; the same graph gives the same bytes.

        Metadata and signatures are those of the file that was read.

        Raises:
            ModelFileError: There are more subgraphs, which would be lost.
        """
        if self.subgraphs > 1:
            raise ModelFileError(
                f"The network has loops or branches ({self.subgraphs} subgraphs), which cannot "
                "be rewritten."
            )
        import flatbuffers

        target = schema()
        codes, kinds = _enum("BuiltinOperator"), _enum("TensorType")
        buffers = [target.BufferT()]  # By the format's rule the first one is empty.
        tensors: list[Any] = []
        numbers: dict[int, int] = {}

        def number(tensor: Tensor | None) -> int:
            if tensor is None:
                return -1
            if id(tensor) not in numbers:
                numbers[id(tensor)] = len(tensors)
                tensors.append(_write_tensor(tensor, buffers, kinds))
            return numbers[id(tensor)]

        main = target.SubGraphT()
        old = self._model.subgraphs[0]
        main.name = old.name
        main.inputs = [number(tensor) for tensor in self.inputs]
        op_codes: dict[tuple[str, bool, int], int] = {}
        main.operators = []
        for op in self.ops:
            code = op_codes.setdefault((op.kind, op.is_custom, op.version), len(op_codes))
            written = op.source or target.OperatorT()
            written.opcodeIndex = code
            written.inputs = [number(tensor) for tensor in op.inputs]
            written.outputs = [number(tensor) for tensor in op.outputs]
            written.builtinOptions, written.builtinOptionsType = op.options, op.options_type
            main.operators.append(written)
        main.outputs = [number(tensor) for tensor in self.outputs]
        main.tensors = tensors

        model = target.ModelT()
        model.version, model.description = self._model.version, self._model.description
        model.subgraphs, model.buffers = [main], buffers
        model.operatorCodes = []
        for kind, custom, version in op_codes:
            code = target.OperatorCodeT()
            builtin = codes["CUSTOM"] if custom else codes[kind]
            code.builtinCode, code.deprecatedBuiltinCode = builtin, min(builtin, 127)
            code.customCode, code.version = (kind if custom else None), version
            model.operatorCodes.append(code)
        model.metadata = []
        for entry in self._model.metadata or []:
            copy = target.MetadataT()
            copy.name, copy.buffer = entry.name, len(buffers)
            buffers.append(self._model.buffers[entry.buffer])
            model.metadata.append(copy)
        model.signatureDefs = self._signatures(target, number)
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
        return bytes(builder.Output())

    def _signatures(self, target: Any, number: Any) -> list[Any]:
        """The signatures with the tensors' new numbers."""
        signatures = []
        main = self._model.subgraphs[0]
        for old in self._model.signatureDefs or []:
            new = target.SignatureDefT()
            new.signatureKey, new.subgraphIndex = old.signatureKey, 0
            for side, before, after in (
                ("inputs", main.inputs, self.inputs),
                ("outputs", main.outputs, self.outputs),
            ):
                maps = []
                for entry in getattr(old, side) or []:
                    copy = target.TensorMapT()
                    copy.name = entry.name
                    copy.tensorIndex = number(after[list(before).index(entry.tensorIndex)])
                    maps.append(copy)
                setattr(new, side, maps)
            signatures.append(new)
        return signatures


def _text(value: bytes | str | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def _name_of(enum: str, value: int) -> str:
    for name, code in _enum(enum).items():
        if code == value:
            return name
    return f"{enum} {value}"


def _read_tensor(tensor: Any, buffers: Sequence[Any]) -> Tensor:
    shape = () if tensor.shape is None else tuple(int(n) for n in tensor.shape)
    dtype = _name_of("TensorType", tensor.type)
    raw = buffers[tensor.buffer].data
    data = None
    if raw is not None and len(raw):
        content = np.asarray(raw, np.uint8).tobytes()
        data = (
            np.frombuffer(content, _DTYPES[dtype]).reshape(shape)
            if dtype in _DTYPES and tensor.sparsity is None
            else np.frombuffer(content, np.uint8)
        )
    quantization, limits = None, None
    q = tensor.quantization
    if q is not None and q.scale is not None and len(q.scale):
        zeros = q.zeroPoint if q.zeroPoint is not None and len(q.zeroPoint) else [0] * len(q.scale)
        quantization = Quantization(
            tuple(float(s) for s in q.scale), tuple(int(z) for z in zeros), q.quantizedDimension
        )
    if q is not None and q.min is not None and len(q.min) == 1:
        limits = float(q.min[0]), float(q.max[0])
    signature = tensor.shapeSignature
    return Tensor(
        name=_text(tensor.name),
        shape=shape,
        dtype=dtype,
        data=data,
        quantization=quantization,
        signature=None if signature is None else tuple(int(n) for n in signature),
        limits=limits,
        source=tensor,
    )


def _write_tensor(tensor: Tensor, buffers: list[Any], kinds: dict[str, int]) -> Any:
    target = schema()
    written = target.TensorT()
    written.name, written.shape = tensor.name, list(tensor.shape)
    written.type = kinds[tensor.dtype]
    written.shapeSignature = None if tensor.signature is None else list(tensor.signature)
    written.hasRank = True
    written.isVariable = tensor.source.isVariable if tensor.source is not None else False
    if tensor.quantization or tensor.limits:
        q = written.quantization = target.QuantizationParametersT()
        if tensor.quantization:
            q.scale = list(tensor.quantization.scales)
            q.zeroPoint = list(tensor.quantization.zero_points)
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


def _read_op(op: Any, codes: Sequence[Any], names: dict[int, str], tensors: list[Tensor]) -> Op:
    code = codes[op.opcodeIndex]
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    kind = names.get(builtin, f"BUILTIN {builtin}")
    is_custom = kind == "CUSTOM"
    inputs = [] if op.inputs is None else op.inputs
    outputs = [] if op.outputs is None else op.outputs
    return Op(
        kind=_text(code.customCode) or kind if is_custom else kind,
        inputs=[tensors[index] if index >= 0 else None for index in inputs],
        outputs=[tensors[index] for index in outputs],
        options=op.builtinOptions,
        options_type=op.builtinOptionsType,
        is_custom=is_custom,
        version=code.version,
        source=op,
    )
