"""The difference between two `.tflite` files."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

from mmnet_deploy.inspection.facts import Inspection, dumped


@dataclasses.dataclass(frozen=True)
class FileChange:
    """One thing that differs between two files; None where a file lacks it."""

    what: str
    before: Any
    after: Any


@dataclasses.dataclass(frozen=True)
class FileDifference:
    """What differs between two files; empty where nothing does.

    Attributes:
        facts: Sizes, counts, inputs, outputs and delegation.
        operators: Counts of operators by kind.
        card: Fields of the description.
        layers: Kind, shape and type of layers, by name.
    """

    facts: tuple[FileChange, ...]
    operators: tuple[FileChange, ...]
    card: tuple[FileChange, ...]
    layers: tuple[FileChange, ...]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FileChange, ...]:
    names = dict.fromkeys([*before, *after])
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return tuple(FileChange(name, old, new) for name, old, new in pairs if old != new)


def _facts(found: Inspection) -> dict[str, Any]:
    delegation = found.delegation
    known = delegation.problem is None
    facts: dict[str, Any] = {
        "size_bytes": found.file.size_bytes,
        "precision": found.precision,
        "reduced_precision": found.reduced_precision or None,
        "arithmetic_on_fp16_cores": found.computes_in.fp16_cores,
        "arithmetic_on_other_cores": found.computes_in.other_cores,
        "parameters": found.parameters,
        "macs": found.macs,
        "peak_activation_bytes": found.peak_activation_bytes,
        "operators": sum(found.operators.values()),
        "delegated_operators": sum(delegation.partitions) if known else None,
        "partitions": len(delegation.partitions) if known else None,
        "operators_refused_by_gpu": None if found.gpu is None else len(found.gpu.refusals),
        "findings": [finding.rule for finding in found.findings],
    }
    for field in ("name", "version", "author", "license"):
        facts[f"metadata_{field}"] = getattr(found.metadata, field, None) or None
    for field in ("mean", "std"):
        pictures = found.metadata.inputs[:1] if found.metadata else ()
        facts[f"metadata_{field}"] = [list(getattr(one, field)) for one in pictures] or None
    for side in ("input", "output"):
        for number, end in enumerate(getattr(found, f"{side}s")):
            facts |= {
                f"{side}_{number}_{field}": value
                for field, value in dataclasses.asdict(end).items()
            }
    return facts


def _layer_facts(found: Inspection) -> dict[str, tuple[Any, ...]]:
    """Kind, shape and type of every layer; layers of one name are numbered."""
    seen: Counter[str] = Counter()
    facts = {}
    for layer in found.layers:
        # What was fused into a layer, behind the semicolon, differs with the precision.
        name = layer.name.split(";")[0]
        seen[name] += 1
        key = name if seen[name] == 1 else f"{name} ({seen[name]})"
        facts[key] = (layer.kind, layer.shape, layer.dtype)
    return facts


def compare(before: Inspection, after: Inspection) -> FileDifference:
    """The difference from one file to the other."""
    cards = [
        dataclasses.asdict(found.file.card) if found.file.card else {} for found in (before, after)
    ]
    return FileDifference(
        facts=_changes(_facts(before), _facts(after)),
        operators=_changes(before.operators, after.operators),
        card=_changes(cards[0], cards[1]),
        layers=_changes(_layer_facts(before), _layer_facts(after)),
    )


def to_json(before: Inspection, after: Inspection) -> str:
    """Two files and the difference between them, as JSON."""
    return dumped(
        "difference",
        {
            "before": dataclasses.asdict(before),
            "after": dataclasses.asdict(after),
            "difference": dataclasses.asdict(compare(before, after)),
        },
    )
