"""Arm64 instructions of every operating point: compare with cost_baseline.json, or write it.

    python benchmarks/cost_baseline.py [--network mmnet-0.5-128 …] [--write] [--files DIR]

Deployment graph with seeded weights, float32 and int8, XNNPACK, under the defaults of
`mmnet-deploy cost`. Exit code 1 where a count rose by more than 0.5 %: then a change of the
networks, the converter or the passes made inference dearer. If that is meant, write the file
anew and commit it with the change. The tests check two small networks; all of them take a
quarter of an hour on one core.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import counted

import models
from mmnet_deploy.results.records import Cost

BASELINE = Path(__file__).with_name("cost_baseline.json")
TOLERANCE = 0.005
CONDITIONS = ("core", "delegate", "threads", "runtime")
"""What decides which kernels run; the versions of qemu and of compilers do not."""


def conditions(cost: Cost) -> dict[str, str]:
    """What a count and the baseline must share."""
    return {name: cost.conditions[name] for name in CONDITIONS}


def counts(name: str, keep: Path | None = None) -> dict[str, Cost]:
    """Counts of one operating point, by precision; the files go to the folder `keep`, if any."""
    files = counted.converted(name, "deploy")
    if keep:
        for path in files.values():
            shutil.copy(path, keep)
    return {precision: counted.count(path) for precision, path in files.items()}


def risen(name: str, found: Mapping[str, Cost], baseline: Mapping) -> list[str]:
    """What is wrong with an operating point's counts, a line each."""
    lines = []
    for precision, cost in found.items():
        if conditions(cost) != baseline["conditions"]:
            return [f"{name}: the baseline is for {baseline['conditions']}: write it anew."]
        known = baseline["instructions"].get(name, {}).get(precision)
        total = cost.counts.total
        if known is None:
            lines.append(f"{name} {precision}: not in the baseline ({total} instructions).")
        elif total > known * (1 + TOLERANCE):
            lines.append(f"{name} {precision}: {known} → {total}, {total / known - 1:+.2%}.")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [point.name for point in models.operating_points()]
    parser.add_argument("--network", nargs="+", default=names)
    parser.add_argument("--write", action="store_true", help="replace the counts of these networks")
    parser.add_argument("--files", type=Path, help="folder to keep the converted networks in")
    settings = parser.parse_args(arguments)
    if settings.files:
        settings.files.mkdir(parents=True, exist_ok=True)
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    wrong: list[str] = []
    for name in settings.network:
        found = counts(name, settings.files)
        totals = {precision: cost.counts.total for precision, cost in found.items()}
        print(name, totals, flush=True)
        if settings.write:
            own = conditions(found["float32"])
            if baseline.get("conditions") != own:  # The counts of other kernels are worth nothing.
                baseline = {"conditions": own, "instructions": {}}
            baseline["instructions"][name] = totals
            baseline["instructions"] = dict(sorted(baseline["instructions"].items()))
            BASELINE.write_text(json.dumps(baseline, indent=1) + "\n")
        else:
            wrong += risen(name, found, baseline)
    print("\n".join(wrong), file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
