"""A look at one `.tflite` file, which finds all that is known of it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from mmnet_deploy.errors import CrashError, DelegateRefusedError, ModelFileError
from mmnet_deploy.inspection.delegates import gpu as taken_by_gpu
from mmnet_deploy.inspection.delegates import left_by_xnnpack
from mmnet_deploy.inspection.facts import Arithmetic, Delegation, End, Inspection, Layer
from mmnet_deploy.inspection.lint import Finding, Partitions, left_out, lint
from mmnet_deploy.tflite import app_metadata, counts, interpreter
from mmnet_deploy.tflite.card import ModelFile, describe, read_model
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.half_precision import computes_in, entry
from mmnet_deploy.tflite.parts import Op, Tensor
from mmnet_deploy.tflite.precision import precision_of
from mmnet_deploy.tflite.runtime import runtime_name
from mmnet_deploy.tflite.schema import reading


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
