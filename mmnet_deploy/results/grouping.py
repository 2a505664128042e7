"""Which results belong together: those of a device, repetitions, and the middle one of these."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from android_benchmark import DeviceFacts, Engine
from mmnet_deploy.results.latency import quoted
from mmnet_deploy.results.records import Benchmark, Record

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=Record)


def grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Items by their keys, in the order of the first item of each."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def newest_by_model(results: Iterable[R]) -> dict[str, R]:
    """The newest result of each model file, by the file's hash."""
    ordered = sorted(results, key=lambda result: result.created_at)
    return {result.model.sha256: result for result in ordered}


def same_device(facts: DeviceFacts) -> DeviceFacts:
    """The facts by which a device is known again.

    Cores that are off now and then change some between two runs; older results lack others.
    """
    return dataclasses.replace(facts, cores=0, max_frequencies_khz=(), features=())


def by_device(benchmarks: Iterable[Benchmark]) -> dict[DeviceFacts, list[Benchmark]]:
    """Benchmarks by what `same_device` makes of their devices."""
    return grouped(benchmarks, lambda benchmark: same_device(benchmark.device))


def _part(engine: Engine) -> str:
    """How much of the graph the delegate took; all of it, unless the engine says less."""
    nodes, taken = engine.nodes, engine.delegated_nodes
    partial = engine.delegate != "none" and nodes and taken is not None and taken < nodes
    return f"{taken} of {nodes}" if partial else "all"


def conditions(benchmark: Benchmark) -> dict[str, Hashable]:
    """All that changes the latency of a file, by the names that messages use.

    Benchmarks of one file that share it are repetitions of each other. State that the run rules
    judge, such as the temperature, is no part of it.
    """
    device, engine = same_device(benchmark.device), benchmark.engine
    return {
        "measured by": benchmark.imported_from.form if benchmark.imported_from else "mmnet-deploy",
        "device": device.model,
        "serial": device.serial,
        "processor": device.processor,
        "system": device.system,
        "ABI": device.abi,
        "API level": device.sdk,
        "device build": device.build,
        "kernel": device.kernel,
        "emulated": device.emulated,
        "governor": ", ".join(benchmark.before.governors) or "unknown",
        "engine": f"{engine.name} {engine.version}".strip(),
        "engine release": engine.release,
        "engine hash": engine.sha256,
        "engine libraries": ", ".join(
            f"{name} {sha256[:12]}" for name, sha256 in sorted(engine.libraries.items())
        )
        or "none",
        "engine flags": " ".join(benchmark.engine_flags),
        # Results of the first versions do not tell what was asked for.
        "requested delegate": engine.requested or engine.delegate,
        "delegate": engine.delegate,
        "delegate backend": engine.backend,
        "delegate precision": benchmark.delegate_precision or "the engine's choice",
        "operators in the delegate": _part(engine),
        "threads": benchmark.threads or "unknown",
        "requested cores": benchmark.cores_wanted,
        "cores": ",".join(map(str, benchmark.cores)),
        "profiling": "on" if benchmark.profiled else "off",
        "rule details": benchmark.rules or "unknown",
        "statistic": quoted(benchmark).statistic,
    }


def settings(benchmark: Benchmark) -> tuple[Hashable, ...]:
    """What two benchmarks must share to be repetitions of each other, the model file first."""
    return benchmark.model.sha256, *conditions(benchmark).values()


def repeats(benchmarks: Iterable[Benchmark]) -> list[list[Benchmark]]:
    """Benchmarks by their settings, in the order of their first ones."""
    return list(grouped(benchmarks, settings).values())


def middle(repeated: Sequence[Benchmark]) -> Benchmark:
    """The one in the middle by its quoted latency, of two the slower; valid ones are preferred."""
    candidates = [b for b in repeated if not b.broken_rules] or repeated
    ordered = sorted(candidates, key=lambda b: (quoted(b).quoted_us, b.created_at))
    return ordered[len(ordered) // 2]
