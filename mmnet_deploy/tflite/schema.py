"""The TFLite file format as the installed runtime defines it."""

from __future__ import annotations

import contextlib
import copy
import functools
import struct
from collections.abc import Iterator, Set
from typing import Any

import numpy as np

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.tflite.runtime import schema

IDENTIFIER = b"TFL3"
"""Bytes 4 to 8 of every `.tflite` file."""

ALIGNMENT = 16
"""Bytes at multiples of which a buffer's content begins, by the schema (`force_align`)."""

_DAMAGE = (
    struct.error,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    AssertionError,
)
"""What flatbuffers raises where a file is cut off or its offsets lead nowhere, and what comes of
tables that do not fit together."""


class DamageError(ModelFileError):
    """A file breaks a rule of the format, which the message states; `reading` names the file."""


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """Within, a file's content is read or computed with: whatever damage leads to is one error.

    Args:
        name: The file, for the message.

    Raises:
        ModelFileError: The file is damaged.
    """
    try:
        yield
    except DamageError as error:
        raise ModelFileError(f"{name} is damaged: {str(error).rstrip('.')}.") from error
    except _DAMAGE as error:
        raise ModelFileError(f"{name} is damaged.") from error


@functools.cache
def enumeration(name: str) -> dict[str, int]:
    """The numbers of one of the format's enumerations, by name."""
    values = vars(getattr(schema(), name))
    return {key: value for key, value in values.items() if isinstance(value, int)}


def name_of(enum: str, value: int) -> str:
    """The name of a number in one of the format's enumerations, known or not."""
    for name, code in enumeration(enum).items():
        if code == value:
            return name
    return f"{enum} {value}"


# --- Writing -----------------------------------------------------------------


class _Aligned:
    """A buffer's table whose content begins at a multiple of `ALIGNMENT`.

    flatbuffers' packer for Python leaves that out.
    """

    def __init__(self, table: Any) -> None:
        self._table = table

    def Pack(self, builder: Any) -> int:
        if self._table.data is not None:
            builder.Prep(ALIGNMENT, len(self._table.data))
        return self._table.Pack(builder)


def packed(model: Any) -> bytes:
    """The file of a model's tables; the same tables give the same bytes."""
    import flatbuffers

    aligned = copy.copy(model)
    aligned.buffers = [_Aligned(buffer) for buffer in model.buffers or []]
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(aligned.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


# --- Metadata ----------------------------------------------------------------


def metadata(content: bytes, name: bytes) -> bytes:
    """What a file says under a name in its metadata; empty if it says nothing.

    As in the runtime (`ReadAllMetadata` of LiteRT's `model_builder_base.h`), the last entry that
    is not empty counts, and one whose buffer does not exist is passed over.

    Raises:
        MissingDependencyError: No installed package has the classes of the file format.
    """
    model = schema().Model.GetRootAs(content)
    found = b""
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == name and entry.Buffer() < model.BuffersLength():
            buffer = model.Buffers(entry.Buffer())
            found = buffer.DataAsNumpy().tobytes() if buffer.DataLength() else found
    return found


def with_metadata(content: bytes, name: bytes, value: bytes | None) -> bytes:
    """The file with one metadata entry of this name, or without any where the value is None.

    Of entries that are replaced or removed nothing stays.

    Raises:
        MissingDependencyError: No installed package has the classes of the file format.
    """
    target = schema()
    model = target.ModelT.InitFromPackedBuf(content)
    entries = model.metadata or []
    model.metadata = [entry for entry in entries if entry.name != name]
    _drop_buffers(model, {entry.buffer for entry in entries if entry.name == name})
    if value is not None:
        buffer = target.BufferT()
        buffer.data = np.frombuffer(value, np.uint8)
        entry = target.MetadataT()
        entry.name, entry.buffer = name, len(model.buffers)
        model.buffers.append(buffer)
        model.metadata.append(entry)
    return packed(model)


def _drop_buffers(model: Any, numbers: Set[int]) -> None:
    """Take these buffers out, but for the first and those that something else refers to."""
    tensors = [tensor for graph in model.subgraphs or [] for tensor in graph.tensors or []]
    referring = [*tensors, *model.metadata]
    listed = [] if model.metadataBuffer is None else [int(one) for one in model.metadataBuffer]
    dropped = numbers - {0, *(one.buffer for one in referring), *listed}
    if not dropped:
        return
    kept = [number for number in range(len(model.buffers)) if number not in dropped]
    model.buffers = [model.buffers[number] for number in kept]
    places = {number: place for place, number in enumerate(kept)}
    for one in referring:
        one.buffer = places.get(one.buffer, one.buffer)
    if listed:
        model.metadataBuffer = [places.get(number, number) for number in listed]
