"""The description of a `.tflite` file: what its converter wrote into it, and its identity."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmnet_deploy import typed
from mmnet_deploy.errors import MissingDependencyError, ModelFileError, ResultError
from mmnet_deploy.files import read_regular, reason
from mmnet_deploy.tflite import counts
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.runtime import schema
from mmnet_deploy.tflite.schema import IDENTIFIER, DamageError, reading, with_metadata

SCHEMA_VERSION = 6
"""Version of the description, counted with those of results: 1 had square inputs only; 2 has
height and width, and how the graph, its input and its output were made; 6 says what half precision
does to the mattes."""

MOST_BYTES = 2**31 - 1
"""The largest file that the format's offsets reach."""

SUFFIXES = (".tflite", ".lite")
"""Of `.tflite` files, in upper or lower case."""

METADATA_NAME = b"mmnet_deploy"
"""Name of the metadata buffer that holds a model's card."""


@dataclasses.dataclass(frozen=True)
class LayerError:
    """What quantizing one layer costs the matte.

    Attributes:
        layer: Name of the layer's output tensor.
        kind: Its operator, such as `CONV_2D`.
        error: By how much the matte's mean squared error against float32 falls if this
            layer alone stays in float; negative where it rises.
    """

    layer: str
    kind: str
    error: float


@dataclasses.dataclass(frozen=True)
class ModelCard:
    """What a converted model says of itself, in its metadata buffer.

    Attributes:
        family, title: Name of the network family, and its name in charts.
        width_multiplier: None for a network that was not trained here.
        height_px, width_px: Size of the input.
        precision: A name in `quantization.PRECISIONS`.
        graph: `deploy` if it was rewritten for inference, else `stock`.
        parameters: Number of weights of the source network, batch-norm statistics
            included; None if that is not known.
        macs: Multiply-adds of one inference.
        input_meaning, output_meaning: What the tensors hold, in words.
        input_low, input_high: Values of black and white in the input.
        alpha_channel: The output channel that holds alpha.
        source_channel: The channel of the source network's output that is alpha.
        source_output: What that output is; one of `output.KINDS`.
        weights_sha256: Hash of the network file that was converted.
        source_file: Its name, if it was a `.tflite` file.
        teacher, teacher_sha256, teacher_licence: Name, hash and licence of the network whose
            mattes it learned from, if there was one; the licence is empty where it is unknown.
        sources: What the weights of a bundled network were made of, with the licences; empty for
            other networks.
        calibration_files: Names of the pictures that set the quantization ranges, in order.
        calibration_seed: Seed of their choice; None without calibration.
        float_layers: Layers that int8 leaves in float, in the order of their choice.
        layer_errors: What quantizing each layer costs, worst first, if that was measured.
        largest_difference, mean_difference: |Δα| against the source network on
            `checked_pictures` real pictures.
        gradient_error_change: Relative change of the gradient error against that of the
            source network on those pictures; None if they have no masks.
        reduced_precision: Content of the file's `reduced_precision_support` entry, such as
            `fp16accfp16`; empty if it has none.
        half_largest_difference, half_mean_difference: |Δα| of the file computed in half precision
            against the source network; None if it was not tried, or gave no numbers.
        half_checked_pictures: On how many of those pictures.
        reduced_precision_reason: Why the entry was left out, where `convert` would have written it.
        versions: Versions of the tools that made the file.
    """

    family: str
    title: str
    width_multiplier: float | None
    height_px: int
    width_px: int
    precision: str
    parameters: int | None
    input_meaning: str
    output_meaning: str
    weights_sha256: str
    graph: str = "stock"
    source_file: str = ""
    teacher: str = ""
    teacher_sha256: str = ""
    teacher_licence: str = ""
    sources: str = ""
    macs: int | None = None
    input_low: float = 0.0
    input_high: float = 1.0
    alpha_channel: int = 1
    source_channel: int = 1
    source_output: str = "alpha"
    calibration_files: tuple[str, ...] = ()
    calibration_seed: int | None = None
    float_layers: tuple[str, ...] = ()
    layer_errors: tuple[LayerError, ...] = ()
    largest_difference: float | None = None
    mean_difference: float | None = None
    gradient_error_change: float | None = None
    checked_pictures: int | None = None
    reduced_precision: str = ""
    half_largest_difference: float | None = None
    half_mean_difference: float | None = None
    half_checked_pictures: int | None = None
    reduced_precision_reason: str = ""
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def input_range(self) -> tuple[float, float]:
        """Values of black and white in the input."""
        return self.input_low, self.input_high

    @property
    def taught_by(self) -> str:
        """The teacher with its licence and the beginning of its hash; empty without one."""
        if not self.teacher:
            return ""
        licence = self.teacher_licence or "licence unknown"
        return f"{self.teacher} ({licence}, {self.teacher_sha256[:12]})"

    @property
    def size_label(self) -> str:
        """`256` for a square input of 256 pixels, else `HEIGHTxWIDTH`."""
        return size_label(self.height_px, self.width_px)


def size_label(height: int, width: int) -> str:
    """`256` for a square of 256 pixels, else `HEIGHTxWIDTH`."""
    return str(height) if height == width else f"{height}x{width}"


@dataclasses.dataclass(frozen=True)
class ModelFile:
    """Identity of a model file.

    Attributes:
        card: Our description; None for a file without it.
        parameters, macs: Counted in a `.tflite` file without a description, weights and
            multiply-adds of one inference; None with one, and where they are unknown.
    """

    name: str
    sha256: str
    size_bytes: int
    card: ModelCard | None = None
    parameters: int | None = None
    macs: int | None = None


# --- The description as JSON -------------------------------------------------


def card_to_json(card: ModelCard) -> str:
    """The form in a model's metadata buffer: sorted, so that equal cards are equal bytes."""
    content = {"schema_version": SCHEMA_VERSION} | dataclasses.asdict(card)
    return json.dumps(content, sort_keys=True)


def upgraded(content: Any) -> Any:
    """A card of any version in today's form, as JSON values."""
    if isinstance(content, dict) and "input_size" in content:
        return content | {"height_px": content["input_size"], "width_px": content["input_size"]}
    return content


def card_from_json(text: str | bytes) -> ModelCard:
    """Read a card back.

    Raises:
        ResultError: It is damaged.
    """
    try:
        return typed.from_json(text, ModelCard, upgraded)
    except ValueError as error:
        raise ResultError("The model's description is damaged.") from error


# --- The file itself ---------------------------------------------------------


def is_tflite(path: Path) -> bool:
    """Whether a path is that of a `.tflite` file, by its name or by its content."""
    if path.suffix.lower() in SUFFIXES:
        return True
    if path.suffix == ".keras" or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(8)[4:] == IDENTIFIER
    except OSError:
        return False


def read_model(path: Path) -> bytes:
    """Content of a `.tflite` file.

    Raises:
        ModelFileError: It is missing, or is not a TFLite model.
    """
    try:
        content = read_regular(path, MOST_BYTES)
    except OSError as error:
        raise ModelFileError(f"Cannot read the model {path}: {reason(error)}.") from error
    if content[4:8] != IDENTIFIER:
        raise ModelFileError(f"{path} is not a TFLite model.")
    return content


def read_card(content: bytes) -> ModelCard | None:
    """The description that a model carries; None for a model of other origin.

    Also None without the classes of the file format, which tflite-runtime lacks.

    Raises:
        ResultError: The description is damaged.
    """
    try:
        model = schema().Model.GetRootAs(content)
    except MissingDependencyError:
        return None
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == METADATA_NAME:
            return card_from_json(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
    return None


def described(path: Path, content: bytes) -> ModelCard | None:
    """The description in a file's content, as `read_card` gives it.

    Raises:
        ModelFileError: The file or its description is damaged.
    """
    with reading(str(path)):
        try:
            return read_card(content)
        except ResultError as error:
            raise DamageError("its description cannot be read") from error


def with_card(content: bytes, card_json: str) -> bytes:
    """A TFLite model with a description in its metadata, which replaces an earlier one."""
    return with_metadata(content, METADATA_NAME, card_json.encode())


def describe(path: Path) -> ModelFile:
    """Identity and description of a `.tflite` file.

    Raises:
        ModelFileError: It cannot be read, or is damaged.
    """
    content = read_model(path)
    digest = hashlib.sha256(content).hexdigest()
    file = ModelFile(path.name, digest, len(content), described(path, content))
    if file.card is not None:
        return file
    parameters, macs = _counted(content)
    return dataclasses.replace(file, parameters=parameters, macs=macs)


def _counted(content: bytes) -> tuple[int | None, int | None]:
    """Parameters and multiply-adds; None where the graph cannot be read or its sizes vary."""
    try:
        graph = Graph.from_bytes(content, "the model")
        with reading("the model"):
            counts.settle_batches(graph)
            parameters, macs = counts.total_parameters(graph), counts.total_macs(graph)
    except (ModelFileError, MissingDependencyError):
        return None, None
    return parameters, None if counts.of_unknown_size(graph) else macs
