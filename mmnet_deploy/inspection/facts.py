"""What a `.tflite` file is and what it costs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmnet_deploy.errors import CrashError, DelegateRefusedError, ModelFileError
from mmnet_deploy.inspection.delegates import Gpu, Refusal, left_by_xnnpack
from mmnet_deploy.inspection.delegates import gpu as taken_by_gpu
from mmnet_deploy.inspection.lint import Finding, Partitions, left_out, lint
from mmnet_deploy.inspection.quantization_error import QuantizationError
from mmnet_deploy.tflite import app_metadata, counts, interpreter
from mmnet_deploy.tflite.app_metadata import Metadata
from mmnet_deploy.tflite.card import ModelFile, describe, read_model
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.half_precision import computes_in, entry
from mmnet_deploy.tflite.parts import Op, Tensor
from mmnet_deploy.tflite.precision import precision_of
from mmnet_deploy.tflite.runtime import runtime_name
from mmnet_deploy.tflite.schema import reading

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


# --- Looking at one file -----------------------------------------------------


def inspect(path: Path, *, gpu: bool = False) -> Inspection:
    """Inspect a `.tflite` file of any origin.

    Args:
        gpu: Whether to tell what a GPU delegate would take.

    Raises:
        CrashError: It crashes the runtime.
        ModelFileError: It is missing, is damaged, or is not a TFLite model.
    """
    content = read_model(path)
    graph = Graph.from_bytes(content, str(path))
    file = describe(path)
    partitions, problem, refusal = _partitions(path)
    reduced = entry(content, str(path))
    with reading(str(path)):
        found = _look(file, graph, reduced, partitions, problem, refusal)
        if gpu:
            found = dataclasses.replace(found, gpu=taken_by_gpu(content, str(path)))
    try:
        return dataclasses.replace(found, metadata=app_metadata.read(content, str(path)))
    except ModelFileError as error:  # No runtime looks at it, so that all else holds.
        findings = (*found.findings, _no_metadata(str(error)))
        return dataclasses.replace(found, findings=findings)


def _look(
    file: ModelFile,
    graph: Graph,
    reduced_precision: str,
    partitions: Partitions | None,
    problem: str | None,
    refusal: str | None,
) -> Inspection:
    counts.settle_batches(graph)
    meant = file.card is not None and bool(file.card.reduced_precision_reason)
    findings = lint(graph, None if refusal else partitions, reduced_precision, meant=meant)
    if refusal is not None:
        findings.append(_refused(refusal))
    if problem is not None and not any(f.rule in ("flex", "dynamic_shape") for f in findings):
        findings.append(_unloadable(problem))
    peak = counts.peak_memory(graph)
    fixed = all(finding.rule != "dynamic_shape" for finding in findings)
    return Inspection(
        file=file,
        precision=precision_of(graph),
        reduced_precision=reduced_precision,
        computes_in=_arithmetic(graph, reduced_precision, partitions),
        metadata=None,
        inputs=tuple(_end(tensor) for tensor in graph.inputs),
        outputs=tuple(_end(tensor) for tensor in graph.outputs),
        operators=_tally(graph.ops),
        parameters=counts.total_parameters(graph),
        macs=counts.total_macs(graph) if fixed else None,
        peak_activation_bytes=peak.size_bytes if fixed else None,
        peak_layer=peak.op.name if peak.op else "",
        delegation=_delegation(graph, partitions, problem, refused=refusal is not None),
        findings=tuple(findings),
        layers=_layers(graph, partitions),
    )


def _arithmetic(graph: Graph, entry: str, partitions: Partitions | None) -> Arithmetic:
    """What CPUs compute in; XNNPACK is taken to run a file that the runtime here cannot load."""
    delegate = "none" if partitions == () else "xnnpack"
    on_fp16, on_others = (
        computes_in(precision_of(graph), entry, fp16_arithmetic=known, delegate=delegate)
        for known in (True, False)
    )
    return Arithmetic(on_fp16, on_others)


def _partitions(path: Path) -> tuple[Partitions | None, str | None, str | None]:
    """The operators that the delegate takes; why the runtime cannot say; why it takes none.

    Raises:
        CrashError: The file crashes the runtime.
    """
    try:
        return interpreter.TFLiteModel(path).partitions, None, None
    except CrashError:
        raise
    except DelegateRefusedError as error:
        return (), None, error.reason
    except ModelFileError as error:
        return None, str(error), None


def _refused(refusal: str) -> Finding:
    return Finding(
        "delegate_refused",
        "the default delegate refuses the whole file",
        (),
        f"The built-in kernels run it, and most of them are slower. The runtime says: {refusal}.",
        "Mend what it says and convert again; as the file is, `bench --delegate none` measures it.",
    )


def _no_metadata(problem: str) -> Finding:
    return Finding(
        "app_metadata",
        "what the file tells apps of itself cannot be read",
        (),
        f"{problem} Runtimes ignore it; MediaPipe Tasks may refuse the file.",
        "Convert it again: `convert` writes new metadata.",
    )


def _unloadable(problem: str) -> Finding:
    return Finding(
        "not_loaded",
        "the installed runtime cannot load the file",
        (),
        problem,
        "Convert it again to operators that the runtime has, or install a newer runtime.",
    )


def _tally(ops: Iterable[Op]) -> dict[str, int]:
    return dict(Counter(op.kind for op in ops).most_common())


def _end(tensor: Tensor) -> End:
    quantization = tensor.quantization
    return End(
        tensor.name,
        tensor.signature or tensor.shape,
        tensor.dtype,
        quantization.scales[0] if quantization else None,
        quantization.zero_points[0] if quantization else None,
    )


def _delegation(
    graph: Graph, partitions: Partitions | None, problem: str | None, *, refused: bool
) -> Delegation:
    """What the delegate takes; where it refuses the file, no operator is to blame."""
    left = left_out(graph, partitions)
    return Delegation(
        runtime_name(),
        tuple(len(partition) for partition in partitions or ()),
        _tally(left),
        () if refused else left_by_xnnpack(graph, left),
        is_whole=partitions is not None and len(partitions) == 1 and not left,
        problem=problem,
    )


def _layers(graph: Graph, partitions: Partitions | None) -> tuple[Layer, ...]:
    homes = {number: home for home, part in enumerate(partitions or ()) for number in part}
    stored = {id(op.output): counts.parameters(op) for op in graph.ops if counts.stores_weights(op)}
    layers = []
    for number, op in enumerate(graph.ops):
        if counts.stores_weights(op):
            continue
        # Weights that several operators share count to the first one.
        unpacked = sum(stored.pop(id(tensor), 0) for tensor in op.inputs)
        layers.append(
            Layer(
                name=op.name,
                kind=op.kind,
                shape=op.output.shape if op.outputs else (),
                dtype=op.output.dtype if op.outputs else "",
                parameters=counts.parameters(op) + unpacked,
                macs=counts.macs(op),
                activation_bytes=counts.activation_bytes(op),
                partition=homes.get(number),
            )
        )
    return tuple(layers)


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
