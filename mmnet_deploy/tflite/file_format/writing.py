"""Writing operators and tensors as the tables of a `.tflite` file."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmnet_deploy.tflite.parts import Op, Tensor
from mmnet_deploy.tflite.runtime import schema
from mmnet_deploy.tflite.schema import enumeration, packed

_VERSION = 3
"""Of the schema, in every file since 2017."""


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
