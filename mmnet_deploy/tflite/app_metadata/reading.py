"""TFLITE_METADATA of any file, read with flatbuffers' bounds in mind: the file may be damaged."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

from mmnet_deploy.tflite.app_metadata import record
from mmnet_deploy.tflite.app_metadata.record import (
    ContentField,
    Metadata,
    ModelField,
    PairField,
    ProcessField,
    SubgraphField,
    TensorField,
    TensorMetadata,
)
from mmnet_deploy.tflite.schema import DamageError, metadata, reading

_MOST_TEXT = 20_000
"""Bytes of a text that are read: a licence may be given in full."""

_MOST_ENTRIES = 64
"""Of a list: more tensors, colours or notes than any network of pictures has."""


def read(content: bytes, name: str = "The TFLite model") -> Metadata | None:
    """What a file says to apps of itself; None if it has no such entry.

    Only the first subgraph counts, as for the libraries that read it.

    Args:
        name: The file, for messages.

    Raises:
        ModelFileError: The file or the entry is damaged.
        MissingDependencyError: No installed package has the classes of the file format.
    """
    with reading(name):
        entry = metadata(content, record.ENTRY.encode())
        if not entry:
            return None
        with reading("its TFLITE_METADATA"):
            return _metadata(entry)


def _metadata(entry: bytes) -> Metadata:
    if entry[4:8] != record.IDENTIFIER:
        raise DamageError("it does not begin as one")
    root = _Table(entry, struct.unpack_from("<I", entry)[0])
    subgraph = next(iter(root.tables(ModelField.SUBGRAPHS)), None)
    inputs = subgraph.tables(SubgraphField.INPUTS) if subgraph else []
    outputs = subgraph.tables(SubgraphField.OUTPUTS) if subgraph else []
    return Metadata(
        root.text(ModelField.NAME),
        root.text(ModelField.DESCRIPTION),
        root.text(ModelField.VERSION),
        root.text(ModelField.AUTHOR),
        root.text(ModelField.LICENSE),
        tuple(map(_tensor, inputs)),
        tuple(map(_tensor, outputs)),
        _activation(subgraph) if subgraph else "",
    )


def _tensor(table: _Table) -> TensorMetadata:
    content = table.table(TensorField.CONTENT)
    kind = record.CONTENTS.get(content.byte(ContentField.KIND), "") if content else ""
    properties = content.table(ContentField.PROPERTIES) if content and kind == "image" else None
    dimensions = content.table(ContentField.RANGE) if content else None
    units = table.tables(TensorField.PROCESS_UNITS)
    of_norm = [unit for unit in units if unit.byte(ProcessField.KIND) == record.NORMALIZATION]
    norm = of_norm[0].table(ProcessField.OPTIONS) if of_norm else None
    stats = table.table(TensorField.STATS)
    return TensorMetadata(
        table.text(TensorField.NAME),
        table.text(TensorField.DESCRIPTION),
        kind,
        record.COLOR_SPACES.get(properties.byte(0), "") if properties else "",
        norm.floats(PairField.MEAN) if norm else (),
        norm.floats(PairField.STD) if norm else (),
        stats.floats(PairField.MIN) if stats else (),
        stats.floats(PairField.MAX) if stats else (),
        (dimensions.number(PairField.RANGE_MIN), dimensions.number(PairField.RANGE_MAX))
        if dimensions
        else None,
    )


def _activation(subgraph: _Table) -> str:
    for custom in subgraph.tables(SubgraphField.CUSTOM):
        if custom.text(PairField.NAME) == record.SEGMENTER:
            data = custom.octets(PairField.DATA)
            number = _Table(data, struct.unpack_from("<I", data)[0]).byte(record.ACTIVATION_FIELD)
            return record.ACTIVATIONS[number] if number < len(record.ACTIVATIONS) else ""
    return ""


class _Table:
    """A table by its field numbers. What lies outside of the content raises `struct.error`."""

    def __init__(self, content: bytes, place: int) -> None:
        self._content, self._place = content, place
        self._fields = place - self._unpacked("<i", place)
        self._size = self._unpacked("<H", self._fields)

    def _unpacked(self, form: str, place: int) -> Any:
        if place < 0:
            raise DamageError("an offset leads out of it")
        return struct.unpack_from(form, self._content, place)[0]

    def _field(self, number: int) -> int | None:
        """Where a field is; None where it has its default."""
        at = 4 + 2 * number
        offset = self._unpacked("<H", self._fields + at) if at + 2 <= self._size else 0
        return self._place + offset if offset else None

    def _target(self, number: int) -> int | None:
        """Where that is which a field refers to."""
        place = self._field(number)
        return None if place is None else place + self._unpacked("<I", place)

    def byte(self, number: int) -> int:
        """An 8-bit number."""
        place = self._field(number)
        return 0 if place is None else self._unpacked("<B", place)

    def number(self, number: int) -> int:
        """A 32-bit number."""
        place = self._field(number)
        return 0 if place is None else self._unpacked("<i", place)

    def octets(self, number: int) -> bytes:
        """A vector of bytes, or a string, as it is stored."""
        place = self._target(number)
        if place is None:
            return b""
        size = self._unpacked("<I", place)
        if place + 4 + size > len(self._content):
            raise DamageError("a text is longer than all of it")
        return self._content[place + 4 : place + 4 + size]

    def text(self, number: int) -> str:
        """A string; bytes that are no text become escapes."""
        return self.octets(number)[:_MOST_TEXT].decode("utf-8", "backslashreplace")

    def table(self, number: int) -> _Table | None:
        """A table that a field refers to."""
        place = self._target(number)
        return None if place is None else _Table(self._content, place)

    def tables(self, number: int) -> list[_Table]:
        """A vector of tables."""
        return self._vector(
            number, lambda place: _Table(self._content, place + self._unpacked("<I", place))
        )

    def floats(self, number: int) -> tuple[float, ...]:
        """A vector of float32 numbers, which are finite."""
        values = tuple(self._vector(number, lambda place: float(self._unpacked("<f", place))))
        if not all(map(math.isfinite, values)):
            raise DamageError("a number is not finite")
        return values

    def _vector(self, number: int, item: Callable[[int], Any]) -> list[Any]:
        place = self._target(number)
        if place is None:
            return []
        size = self._unpacked("<I", place)
        if size > _MOST_ENTRIES:
            raise DamageError(f"a list has {size} entries")
        return [item(place + 4 + 4 * index) for index in range(size)]
