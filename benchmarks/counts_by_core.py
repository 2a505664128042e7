"""Arm64 instructions of every operating point in three precisions on two cores.

    python benchmarks/counts_by_core.py                    # count what counts_by_core.json lacks
    python benchmarks/counts_by_core.py --again [--network mmnet-0.5-128 …]     # count anew
    python benchmarks/counts_by_core.py --table            # print the table of docs/results-2026.md
    python benchmarks/counts_by_core.py --weights          # that a count does not depend on them

Deployment graph with seeded weights, XNNPACK, one thread. The float16 files carry the entry by
which cores with fp16 arithmetic compute in half precision. Every count is stored as soon as it is
made, so the script can be stopped. All of them take an hour on one core.
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import counted
from common import random_network

import models
from mmnet_deploy import conversion
from mmnet_deploy.benchmarking import cost
from mmnet_deploy.networks import network
from mmnet_deploy.results.records import Cost
from mmnet_deploy.runs import pretrained

COUNTS = Path(__file__).with_suffix(".json")
CORES = ("cortex-a57", "cortex-a76")
PRECISIONS = ("float32", "float16", "int8")
SHOWN = "mmnet-1.0-256"
"""The network whose counts must not depend on its weights."""


def conditions(one: Cost) -> dict[str, str]:
    """What all counts must share, on whatever core."""
    names = ("delegate", "threads", "runtime", "qemu")
    return {name: one.conditions[name] for name in names}


def wanted(names: list[str], stored: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The networks that lack a count, and the precisions that they lack it in."""
    for name in names:
        known = stored.get(name, {})
        lacking = [p for p in PRECISIONS if any(p not in known.get(core, {}) for core in CORES)]
        if lacking:
            yield name, lacking


def count_missing(names: list[str], document: dict[str, Any]) -> None:
    """Count what is missing, and write the document after each count."""
    tools = cost.find_tools()
    for name, precisions in wanted(names, document["instructions"]):
        source = random_network(name)
        content, _ = conversion.float_graph(source, "deploy")
        contents = counted.precisions(source, content, precisions, phases=True)
        for precision, of_file in contents.items():
            path = counted.write(of_file, f"{name}-{precision}")
            for core in CORES:
                known = document["instructions"].setdefault(name, {}).setdefault(core, {})
                if precision in known:
                    continue
                found = cost.measure(path, tools, cpu=core, operators=False)
                if document.setdefault("conditions", conditions(found)) != conditions(found):
                    raise SystemExit(
                        f"{COUNTS.name} was made with {document['conditions']}: use --again."
                    )
                known[precision] = found.counts.total
                document["made"] = datetime.date.today().isoformat()
                COUNTS.write_text(json.dumps(document, indent=1) + "\n")
                print(name, precision, core, found.counts.total, flush=True)


def check_weights() -> None:
    """Count one network with its seeded and with its bundled weights."""
    tools = cost.find_tools()
    for precision in PRECISIONS:
        totals = []
        for source in (random_network(SHOWN), network.load(pretrained.run_folder(SHOWN))):
            content, _ = conversion.float_graph(source, "deploy")
            (of_file,) = counted.precisions(source, content, [precision], phases=True).values()
            path = counted.write(of_file, f"{SHOWN}-{precision}")
            totals.append(cost.measure(path, tools, cpu="cortex-a76", operators=False).counts.total)
        print(precision, *totals, flush=True)


# --- The table ---------------------------------------------------------------


def table(document: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the Markdown table, and of the ratios below it."""
    cells = [f"{core} {precision}" for core in CORES for precision in PRECISIONS]
    header = ["network", *cells, "float16 of float32, cortex-a76", "int8 of float32, cortex-a76"]
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    shares: dict[str, dict[str, float]] = {}
    published = {point.name for point in models.operating_points() if point.published}
    for name, of_cores in document["instructions"].items():
        counts = [of_cores[core][precision] for core in CORES for precision in PRECISIONS]
        modern = of_cores["cortex-a76"]
        own = {p: modern[p] / modern["float32"] for p in ("float16", "int8")}
        own["int8, cortex-a57"] = of_cores["cortex-a57"]["int8"] / of_cores["cortex-a57"]["float32"]
        own["int8 of float16"] = modern["int8"] / modern["float16"]
        shares[name] = own
        row = [f"{name}{' *' * (name in published)}", *(f"{n / 1e6:.2f}" for n in counts)]
        row += [f"{own['float16']:.2f}", f"{own['int8']:.2f}"]
        yield "| " + " | ".join(row) + " |"
    yield ""
    for what in next(iter(shares.values())):
        values = [own[what] for own in shares.values()]
        least, most = min(values), max(values)
        yield f"{what}: {least:.3f} … {most:.3f}, median {statistics.median(values):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    points = models.operating_points()
    # The published ones first.
    names = [point.name for point in sorted(points, key=lambda point: not point.published)]
    parser.add_argument("--network", nargs="+", default=names)
    parser.add_argument("--again", action="store_true", help="count these networks anew")
    parser.add_argument("--table", action="store_true", help="print the table of stored counts")
    parser.add_argument("--weights", action="store_true", help="compare two sets of weights")
    settings = parser.parse_args()
    document = json.loads(COUNTS.read_text()) if COUNTS.exists() else {"instructions": {}}
    if settings.again:
        for name in settings.network:
            document["instructions"][name] = {}  # It keeps its place in the table.
    if not any(document["instructions"].values()):
        document.pop("conditions", None)
    if settings.weights:
        check_weights()
    elif settings.table:
        print("\n".join(table(document)))
    else:
        count_missing(settings.network, document)


if __name__ == "__main__":
    main()
