"""Results as rows of plain values; units stand in the names of columns."""

from __future__ import annotations

import dataclasses
import fnmatch
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmnet_deploy.downloads import published
from mmnet_deploy.results import naming
from mmnet_deploy.results.latency import quoted
from mmnet_deploy.results.records import Benchmark, Cost, Evaluation, Import, Record
from mmnet_deploy.results.trade_offs import Joined
from mmnet_deploy.tflite.card import ModelFile

Row = dict[str, Any]


def _ms(us: float | None) -> float | None:
    """Milliseconds; None for what is not known, such as the end of an open interval."""
    return None if us is None or not math.isfinite(us) else us / 1000


def _model(model: ModelFile) -> Row:
    card = model.card
    known = published.by_sha256(model.sha256)
    return {
        "model": model.name,
        "model_sha256": model.sha256,
        "size_bytes": model.size_bytes,
        "family": card.family if card else known.title if known else None,
        "width_multiplier": card.width_multiplier if card else None,
        "input_height_px": card.height_px if card else None,
        "input_width_px": card.width_px if card else None,
        "precision": card.precision if card else None,
        "graph": card.graph if card else None,
        "parameters": (card or model).parameters,
        "macs": (card or model).macs,
    }


def _source(imported: Import | None) -> str:
    """The file of another tool; empty for a result of our own."""
    return f"{imported.form}: {imported.file}" if imported else ""


def _benchmark(result: Benchmark) -> Row:
    latency = quoted(result)
    engine, device = result.engine, result.device
    return {
        "device": device.model,
        "serial": device.serial,
        "processor": device.processor,
        "system": device.system,
        "build": device.build,
        "emulated": device.emulated,
        "features": " ".join(device.features),
        "engine": naming.engine_name(engine),
        "engine_sha256": engine.sha256,
        "engine_origin": engine.origin,
        "requested_delegate": engine.requested or engine.delegate,
        "delegate": engine.delegate,
        "nodes": engine.nodes,
        "delegated_nodes": engine.delegated_nodes,
        "backend": engine.backend,
        "delegate_precision": result.delegate_precision,
        "engine_flags": " ".join(result.engine_flags),
        "computes_in": result.computes_in,
        "threads": result.threads or None,
        "cores": ",".join(map(str, result.cores)),
        "cores_wanted": result.cores_wanted,
        "governor": ", ".join(result.before.governors),
        "profiled": result.profiled,
        "rules": naming.rules_name(result.rules),
        "latency_ms": latency.quoted_us / 1000,
        "statistic": latency.statistic,
        "latency_low_ms": _ms(latency.low_us),
        "latency_high_ms": _ms(latency.high_us),
        "latency_p90_ms": _ms(latency.p90_us),
        "runs": latency.runs,
        "init_ms": _ms(result.init_us),
        "peak_memory_bytes": result.peak_memory_bytes,
        "invalid": "; ".join(f"{f.label}: {f.reason}" for f in result.broken_rules),
        "imported_from": _source(result.imported_from),
    }


def _cost(result: Cost) -> Row:
    return {
        "counted_precision": result.precision,
        "computes_in": result.computes_in,
        "cpu": result.cpu,
        "cpu_title": result.cpu_title,
        "identity": result.identity,
        "engine": naming.engine_name(result.engine),
        "engine_sha256": result.engine.sha256,
        "delegate": result.engine.delegate,
        "threads": result.threads,
        "runtime": result.runtime,
        "runs": len(result.runs),
        "instructions": result.counts.total,
        **{f"instructions_{name}": n for name, n in dataclasses.asdict(result.counts).items()},
    }


def _evaluation(result: Evaluation) -> Row:
    return {
        "data": result.data,
        "data_sha256": result.data_sha256,
        "split": result.split,
        "pictures": len(result.pictures),
        "eval_height_px": result.height_px,
        "eval_width_px": result.width_px,
        "upsample": result.upsample,
        "eval_engine": result.engine,
        "gradient_error_definition": result.gradient_error_definition,
        **result.scores,
        **{f"constant_{name}": value for name, value in result.constant_scores.items()},
        "better_than_constant": result.better_than_constant,
    }


_ROWS: Mapping[type, Callable[[Any], Row]] = {
    Benchmark: _benchmark,
    Cost: _cost,
    Evaluation: _evaluation,
}


def row(record: Record, file: Path | str) -> Row:
    """What `record` says, in one row; a kind of result has its own columns.

    Args:
        file: Where it is stored; empty for nowhere.
    """
    head = {"kind": record.kind, "file": str(file), "created_at": record.created_at}
    of = _ROWS.get(type(record))
    return head | _model(record.model) | (of(record) if of else {})


# What stands before and after the scores in a table of trade-offs.
_BEFORE_SCORES = ("model", "precision")
_AFTER_SCORES = (
    "size_bytes",
    "latency_ms",
    "statistic",
    "latency_low_ms",
    "latency_high_ms",
    "latency_p90_ms",
    "runs",
    "init_ms",
    "peak_memory_bytes",
    "threads",
    "cores",
    "engine",
    "engine_sha256",
    "requested_delegate",
    "delegate",
    "nodes",
    "delegated_nodes",
    "backend",
    "delegate_precision",
    "engine_flags",
    "computes_in",
    "device",
    "serial",
    "emulated",
    "invalid",
    "imported_from",
)


def trade_offs(joined: Joined) -> list[Row]:
    """A row for each benchmark with its quality; hashes by their first 12 digits."""
    found = []
    for benchmark, evaluation in joined.rows:
        whole = _model(benchmark.model) | _benchmark(benchmark)
        whole["engine_sha256"] = whole["engine_sha256"][:12]
        before, after = (
            {name: whole[name] for name in names} for names in (_BEFORE_SCORES, _AFTER_SCORES)
        )
        found.append(before | evaluation.scores | after)
    return found


# --- Choosing ----------------------------------------------------------------


def _matches(pattern: str, *names: str) -> bool:
    """Whether one of `names` holds the pattern, or fits it where it has `*` or `?`."""
    pattern = pattern.casefold()
    if not any(sign in pattern for sign in "*?["):
        return any(pattern in name.casefold() for name in names)
    return any(fnmatch.fnmatchcase(name.casefold(), pattern) for name in names)


def is_chosen(
    record: Record,
    model: str | None = None,
    device: str | None = None,
    kind: str | None = None,
) -> bool:
    """Whether a result is of a model, a device and a kind; with a device, a benchmark only.

    Args:
        model: A part of a model's name, or a pattern with `*` and `?`.
        device: The same for its serial or its name.
        kind: `benchmark`, `evaluation` or `cost`.
    """
    if kind is not None and record.kind != kind:
        return False
    if model is not None and not _matches(model, record.model.name):
        return False
    if device is None:
        return True
    facts = getattr(record, "device", None)
    return facts is not None and _matches(device, facts.serial, facts.model)
