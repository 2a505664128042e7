"""What is known of a `.tflite` file: what it is and what it costs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

from mmnet_deploy.inspection.delegates import Gpu, Refusal
from mmnet_deploy.inspection.lint import Finding
from mmnet_deploy.inspection.quantization_error import QuantizationError
from mmnet_deploy.tflite.app_metadata import Metadata
from mmnet_deploy.tflite.card import ModelFile

SCHEMA_VERSION = 1
"""Version of the JSON form; 1 is the first."""


@dataclasses.dataclass(frozen=True)
class End:
    """An input or output of a model.

    Attributes:
        shape: A size that may vary is -1.
        scale, zero_point: real = scale · (stored − zero point); None for real numbers.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None


@dataclasses.dataclass(frozen=True)
class Layer:
    """One operator.

    Attributes:
        name, shape, dtype: Those of its first output.
        activation_bytes: Memory of its outputs.
        partition: Number of the delegate's partition that runs it, from 0; None if the
            built-in kernels run it, or if that is not known.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    parameters: int
    macs: int
    activation_bytes: int
    partition: int | None


@dataclasses.dataclass(frozen=True)
class Delegation:
    """What the default delegate takes.

    Attributes:
        engine: The runtime that says so.
        partitions: Number of operators in each partition.
        left_out: Operators that are left to the built-in kernels, by kind.
        refusals: The same one by one, with what keeps the delegate from them.
        is_whole: Whether it takes the whole file, in one partition.
        problem: Why the runtime cannot load the file; None if it can.
    """

    engine: str
    partitions: tuple[int, ...]
    left_out: Mapping[str, int]
    refusals: tuple[Refusal, ...] = ()
    is_whole: bool = False
    problem: str | None = None


@dataclasses.dataclass(frozen=True)
class Arithmetic:
    """What CPUs compute a file in, as `tflite.half_precision.computes_in` calls it.

    Attributes:
        fp16_cores: Cores with fp16 arithmetic, which ARMv8.2-A brought.
        other_cores: All others, those of x86 among them.
    """

    fp16_cores: str
    other_cores: str


@dataclasses.dataclass(frozen=True)
class Inspection:
    """All that is known of a file.

    Attributes:
        file: Its identity, and the description that it carries.
        precision: That of its tensors, by the names of `mmnet-deploy convert`.
        reduced_precision: What the file's entry of `tflite.half_precision` says; empty if it has
            none.
        computes_in: What CPUs compute it in.
        metadata: What the file says to apps of itself; None if it has no TFLITE_METADATA, or a
            damaged one.
        operators: Number of operators of each kind, the most frequent first.
        parameters: Numbers in its constants; folded batch norms are gone.
        macs: Multiply-adds of one inference at batch 1; None if sizes may vary.
        peak_activation_bytes: The most memory that live activations take together; None
            if sizes may vary.
        peak_layer: The operator that runs while they do.
        layers: Every operator in the order of execution; one that only unpacks weights
            counts to the operator that reads them.
        gpu: What a GPU delegate would take; None if that was not asked.
    """

    file: ModelFile
    precision: str
    reduced_precision: str
    computes_in: Arithmetic
    metadata: Metadata | None
    inputs: tuple[End, ...]
    outputs: tuple[End, ...]
    operators: Mapping[str, int]
    parameters: int
    macs: int | None
    peak_activation_bytes: int | None
    peak_layer: str
    delegation: Delegation
    findings: tuple[Finding, ...]
    layers: tuple[Layer, ...]
    gpu: Gpu | None = None


# --- JSON --------------------------------------------------------------------


def _finite(value: Any) -> Any:
    """The same with null in place of numbers that are not finite."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def dumped(kind: str, content: Mapping[str, Any]) -> str:
    """A JSON document with its kind and version; numbers that JSON lacks become null."""
    head = {"kind": kind, "schema_version": SCHEMA_VERSION}
    return json.dumps(_finite(head | dict(content)), indent=1, allow_nan=False) + "\n"


def to_json(found: Inspection, error: QuantizationError | None = None) -> str:
    """One file as JSON, with the quantization error of its layers if it was measured."""
    content = dataclasses.asdict(found)
    if error is not None:
        content["quantization_error"] = dataclasses.asdict(error) | {
            "layers": [
                dataclasses.asdict(layer) | {"signal_to_noise_db": layer.decibels}
                for layer in error.layers
            ]
        }
    return dumped("inspection", content)
