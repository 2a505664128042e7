"""What TFLITE_METADATA says, as far as it is written or shown here, and where each field is.

The numbers are those of `mediapipe/tasks/metadata/metadata_schema.fbs` (the schema of TFLite
Support, version 1.5.0) and of `image_segmenter_metadata_schema.fbs` beside it. A table's fields
are counted from 0 in the order of its declaration; a union takes two, its kind and its value.
"""

from __future__ import annotations

import dataclasses

ENTRY = "TFLITE_METADATA"
"""Name of the metadata entry."""

IDENTIFIER = b"M001"
"""Bytes 4 to 8 of its content."""

PARSER_VERSION = "1.5.0"
"""The schema's version that has all that is written: `custom_metadata` came with it."""

SEGMENTER = "SEGMENTER_METADATA"
"""Name of the custom metadata that MediaPipe's segmenter looks for
(`image_segmenter_graph.cc`): which activation it is to apply to the output."""

SEGMENTER_IDENTIFIER = b"V001"
SEGMENTER_VERSION = "1.0.0"

ACTIVATIONS = ("none", "sigmoid", "softmax")
"""By number."""


@dataclasses.dataclass(frozen=True)
class TensorMetadata:
    """An input or output.

    Attributes:
        name, description: In words; empty if the file does not say.
        content: `image` or `feature`; empty for others, and if the file does not say.
        color_space: `RGB` or `grayscale` of an image; empty if unknown.
        mean, std: A picture's bytes, 0 … 255, become (byte − mean) / std; one number, or one for
            each colour. Empty if the file does not say.
        low, high: Least and largest value; as `mean`.
        dimensions: First and last dimension that the content lies in; None for all.
    """

    name: str = ""
    description: str = ""
    content: str = ""
    color_space: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    dimensions: tuple[int, int] | None = None


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What a file says to apps of itself; a text is empty if the file does not say it.

    Attributes:
        activation: One of `ACTIVATIONS`, which a segmenter applies to the output; empty if the
            file does not say.
    """

    name: str = ""
    description: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    inputs: tuple[TensorMetadata, ...] = ()
    outputs: tuple[TensorMetadata, ...] = ()
    activation: str = ""


# --- Fields by table ---------------------------------------------------------


class ModelField:
    """Fields of ModelMetadata, the root."""

    NAME, DESCRIPTION, VERSION, SUBGRAPHS, AUTHOR, LICENSE, FILES, PARSER_VERSION = range(8)


class SubgraphField:
    """Fields of SubGraphMetadata."""

    NAME, DESCRIPTION, INPUTS, OUTPUTS, FILES = range(5)
    CUSTOM = 9


class TensorField:
    """Fields of TensorMetadata."""

    NAME, DESCRIPTION, DIMENSION_NAMES, CONTENT, PROCESS_UNITS, STATS, FILES = range(7)


class ContentField:
    """Fields of Content."""

    KIND, PROPERTIES, RANGE = range(3)


class ProcessField:
    """Fields of ProcessUnit."""

    KIND, OPTIONS = range(2)


class PairField:
    """Fields of the tables that are two numbers or two lists of them, and of CustomMetadata."""

    MEAN, STD = 0, 1
    MAX, MIN = 0, 1
    RANGE_MIN, RANGE_MAX = 0, 1
    NAME, DATA = 0, 1


CONTENTS = {1: "feature", 2: "image"}
"""Kinds of the union ContentProperties."""

COLOR_SPACES = {1: "RGB", 2: "grayscale"}
"""The enumeration ColorSpaceType, the one field of ImageProperties."""

NORMALIZATION = 1
"""The kind of ProcessUnitOptions that is NormalizationOptions."""

ACTIVATION_FIELD, SEGMENTER_VERSION_FIELD = 0, 1
"""Fields of ImageSegmenterOptions."""
