"""TFLITE_METADATA written with flatbuffers' builder: equal records are equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

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
from mmnet_deploy.tflite.schema import reading, with_metadata

_ALIGNMENT = 16
"""Of custom metadata, by the schema."""


def with_app_metadata(content: bytes, metadata: Metadata) -> bytes:
    """The file with this entry instead of its own; all other metadata stays.

    Raises:
        ModelFileError: The file is damaged.
        MissingDependencyError: No installed package has the classes of the file format.
    """
    with reading("The TFLite model"):
        return with_metadata(content, record.ENTRY.encode(), packed(metadata))


def packed(metadata: Metadata) -> bytes:
    """The content of the entry."""
    import flatbuffers

    builder = _Builder(flatbuffers.Builder(1024))
    subgraph = builder.table(
        {
            SubgraphField.INPUTS: builder.vector(
                [_tensor(builder, one) for one in metadata.inputs]
            ),
            SubgraphField.OUTPUTS: builder.vector(
                [_tensor(builder, one) for one in metadata.outputs]
            ),
            SubgraphField.CUSTOM: _custom(builder, metadata.activation),
        }
    )
    root = builder.table(
        {
            ModelField.NAME: builder.text(metadata.name),
            ModelField.DESCRIPTION: builder.text(metadata.description),
            ModelField.VERSION: builder.text(metadata.version),
            ModelField.SUBGRAPHS: builder.vector([subgraph]),
            ModelField.AUTHOR: builder.text(metadata.author),
            ModelField.LICENSE: builder.text(metadata.license),
            ModelField.PARSER_VERSION: builder.text(record.PARSER_VERSION),
        }
    )
    return builder.finished(root, record.IDENTIFIER)


def _tensor(builder: _Builder, tensor: TensorMetadata) -> int:
    units = None
    if tensor.mean:
        options = builder.table(
            {
                PairField.MEAN: builder.floats(tensor.mean),
                PairField.STD: builder.floats(tensor.std),
            }
        )
        unit = builder.table(
            {ProcessField.OPTIONS: options}, {ProcessField.KIND: record.NORMALIZATION}
        )
        units = builder.vector([unit])
    stats = None
    if tensor.low or tensor.high:
        stats = builder.table(
            {
                PairField.MAX: builder.floats(tensor.high),
                PairField.MIN: builder.floats(tensor.low),
            }
        )
    return builder.table(
        {
            TensorField.NAME: builder.text(tensor.name),
            TensorField.DESCRIPTION: builder.text(tensor.description),
            TensorField.CONTENT: _content(builder, tensor),
            TensorField.PROCESS_UNITS: units,
            TensorField.STATS: stats,
        }
    )


def _content(builder: _Builder, tensor: TensorMetadata) -> int | None:
    kinds = {name: number for number, name in record.CONTENTS.items()}
    if tensor.content not in kinds:
        return None
    spaces = {name: number for number, name in record.COLOR_SPACES.items()}
    space = spaces.get(tensor.color_space)
    properties = builder.table({}, {} if space is None else {0: space})
    dimensions = None
    if tensor.dimensions is not None:
        first, last = tensor.dimensions
        dimensions = builder.table({}, {}, {PairField.RANGE_MIN: first, PairField.RANGE_MAX: last})
    return builder.table(
        {ContentField.PROPERTIES: properties, ContentField.RANGE: dimensions},
        {ContentField.KIND: kinds[tensor.content]},
    )


def _custom(builder: _Builder, activation: str) -> int | None:
    """Custom metadata with the activation that a segmenter is to apply."""
    import flatbuffers

    if not activation:
        return None
    inner = _Builder(flatbuffers.Builder(64))
    options = inner.table(
        {record.SEGMENTER_VERSION_FIELD: inner.text(record.SEGMENTER_VERSION)},
        {record.ACTIVATION_FIELD: record.ACTIVATIONS.index(activation)},
    )
    data = builder.octets(inner.finished(options, record.SEGMENTER_IDENTIFIER))
    custom = builder.table({PairField.NAME: builder.text(record.SEGMENTER), PairField.DATA: data})
    return builder.vector([custom])


class _Builder:
    """Tables by their field numbers; what a table refers to has to be made before it."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder

    def text(self, text: str) -> int | None:
        """A string; None for an empty one, which is left out."""
        return self._builder.CreateString(text) if text else None

    def floats(self, values: Sequence[float]) -> int:
        """A vector of float32 numbers."""
        return self._builder.CreateNumpyVector(np.asarray(values, "<f4"))

    def octets(self, content: bytes) -> int:
        """A vector of bytes that begins at a multiple of 16."""
        self._builder.StartVector(1, len(content), _ALIGNMENT)
        for byte in reversed(content):
            self._builder.PrependUint8(byte)
        return self._builder.EndVector()

    def vector(self, tables: Sequence[int]) -> int | None:
        """A vector of tables; None for an empty one, which is left out."""
        if not tables:
            return None
        self._builder.StartVector(4, len(tables), 4)
        for offset in reversed(tables):
            self._builder.PrependUOffsetTRelative(offset)
        return self._builder.EndVector()

    def table(
        self,
        parts: Mapping[int, int | None],
        small: Mapping[int, int] | None = None,
        numbers: Mapping[int, int] | None = None,
    ) -> int:
        """A table of what was made before, and of 8-bit and 32-bit numbers, by field."""
        small, numbers = small or {}, numbers or {}
        self._builder.StartObject(max([*parts, *small, *numbers], default=-1) + 1)
        for field, offset in parts.items():
            if offset is not None:
                self._builder.PrependUOffsetTRelativeSlot(field, offset, 0)
        for field, number in numbers.items():
            self._builder.PrependInt32Slot(field, number, 0)
        for field, number in small.items():
            self._builder.PrependUint8Slot(field, number, 0)
        return self._builder.EndObject()

    def finished(self, root: int, identifier: bytes) -> bytes:
        """The whole content."""
        self._builder.Finish(root, file_identifier=identifier)
        return bytes(self._builder.Output())
