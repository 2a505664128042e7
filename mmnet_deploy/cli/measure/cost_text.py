"""What `mmnet-deploy cost` prints: counts, estimates, and what a reader should know of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mmnet_deploy.cli.console import print_table, say

if TYPE_CHECKING:
    from mmnet_deploy.results.estimate import LatencyProfile
    from mmnet_deploy.results.records import Cost

_CLASSES = {
    "fma": "fp mul-add",
    "simd": "other SIMD/fp",
    "load_store": "load/store",
    "branch": "branch",
    "integer": "integer",
}


def _estimate(one: Cost, profile: LatencyProfile) -> tuple[dict[str, Any] | None, str]:
    """The estimate's fields, or None, and the note or the reason."""
    from mmnet_deploy.results import estimate

    try:
        found = estimate.estimate(one, profile)
    except estimate.NoEstimateError as error:
        return None, str(error)
    return dataclasses.asdict(found), found.note


def cost_json(one: Cost, profile: LatencyProfile) -> dict[str, Any]:
    """The stored form of a count, with the estimate of its latency."""
    from mmnet_deploy.results.record_json import to_json

    latency, note = _estimate(one, profile)
    return json.loads(to_json(one)) | {"estimate": latency, "estimate_note": note}


def _millions(instructions: int) -> str:
    return f"{instructions / 1e6:.3f}"


def print_costs(costs: Sequence[Cost], profile: LatencyProfile) -> None:
    """A table for each core, and what a reader should know of them."""
    from mmnet_deploy.results import arithmetic, naming
    from mmnet_deploy.results.grouping import grouped

    called = dict(zip(map(id, costs), naming.distinct([one.model for one in costs]), strict=True))
    notes: dict[str, list[str]] = {}
    estimated = False
    for of_core in grouped(costs, lambda cost: cost.cpu).values():
        rows = []
        for one in of_core:
            latency, note = _estimate(one, profile)
            cell = "–"
            if latency:
                low, high = latency["low_ms"], latency["high_ms"]
                cell, estimated = f"{latency['latency_ms']:.1f} ({low:.1f}–{high:.1f})", True
            for said in filter(None, (note, _why_float32(one))):
                notes.setdefault(said, []).append(called[id(one)])
            classes = [_millions(getattr(one.counts, name)) for name in _CLASSES]
            name, computes_in = called[id(one)], one.computes_in or "–"
            rows.append((name, computes_in, _millions(one.counts.total), *classes, cell))
        print_table(
            ("", "computes in", "instructions", *_CLASSES.values(), "estimated ms"),
            rows,
            title=_title(of_core[0]),
        )
    if estimated:
        say(f"Estimated for {profile.name} from {profile.points} points, with the 95 % interval.")
    for note, names in notes.items():
        several = len(set(names))
        say(f"{names[0] if several == 1 else f'{several} models'}: {note}.")
    for one in costs:
        if len(set(one.runs)) > 1:
            runs = ", ".join(map(str, one.runs))
            say(f"{called[id(one)]}: its runs differ ({runs} instructions).")
    if any(arithmetic.HALF in one.computes_in for one in costs):
        say(arithmetic.PRICE)
    say("A count is not a latency: it knows no caches, bandwidth or issue width.")


def _title(one: Cost) -> str:
    """What the counts of one core share."""
    core = one.cpu if one.cpu == one.identity.lower() else f"{one.cpu} as {one.identity}"
    delegate = one.engine.delegate
    parts = [
        f"Million arm64 instructions per inference: {core} ({one.cpu_title})",
        "1 thread",
        "built-in kernels" if delegate == "none" else delegate,
        one.runtime,
    ]
    return ", ".join(parts)


def _why_float32(one: Cost) -> str:
    """Why a float16 file computes in float32 on its core, as a note; empty if it does not."""
    from android_benchmark.cost import CPUS
    from mmnet_deploy.results import arithmetic

    reason = arithmetic.why_float32(
        one.precision,
        one.computes_in,
        delegate=one.engine.delegate,
        fp16_arithmetic=CPUS[one.cpu].fp16_arithmetic,
    )
    return f"a float16 file that computes in float32 on {one.cpu}: {reason}" if reason else ""


def print_operators(one: Cost) -> None:
    """The instructions of every operator, or why they are not known."""
    if one.operators_missing:
        about = f"{one.model.name} on {one.cpu}"
        say(f"{about}: no instructions by operator: {one.operators_missing}.")
        return
    total = one.counts.total
    rows = [
        (
            f"{number}",
            operator.name,
            "yes" if operator.inside_delegate else "no",
            _millions(operator.instructions),
            f"{operator.instructions / total:.1%}",
        )
        for number, operator in enumerate(one.operators)
    ]
    rest = total - sum(operator.instructions for operator in one.operators)
    if rest > 0:  # The traced run can be the longer one by a few instructions.
        rows.append(("", "between operators", "", _millions(rest), f"{rest / total:.1%}"))
    header = ("", "operator", "delegated", "million instructions", "share")
    print_table(header, rows, title=f"{one.model.name} on {one.cpu}", numbers=False)
