"""Which results belong together: those of a device, repetitions, and the middle one of these."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from android_benchmark import DeviceFacts
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

    Cores that are off now and then change the rest between two runs.
    """
    return dataclasses.replace(facts, cores=0, max_frequencies_khz=())


def by_device(benchmarks: Iterable[Benchmark]) -> dict[DeviceFacts, list[Benchmark]]:
    """Benchmarks by what `same_device` makes of their devices."""
    return grouped(benchmarks, lambda benchmark: same_device(benchmark.device))


def settings(benchmark: Benchmark) -> tuple[Hashable, ...]:
    """What two benchmarks must share to be repetitions of each other, the model file first."""
    engine = benchmark.engine
    return (
        benchmark.model.sha256,
        same_device(benchmark.device),
        (engine.name, engine.version, engine.sha256),
        # Results of the first versions do not tell what was asked for.
        (engine.requested or engine.delegate, engine.delegate),
        benchmark.threads,
        benchmark.cores,
        benchmark.rules,
    )


def repeats(benchmarks: Iterable[Benchmark]) -> list[list[Benchmark]]:
    """Benchmarks by their settings, in the order of their first ones."""
    return list(grouped(benchmarks, settings).values())


def middle(repeated: Sequence[Benchmark]) -> Benchmark:
    """The one in the middle by its quoted latency, of two the slower; valid ones are preferred."""
    candidates = [b for b in repeated if not b.broken_rules] or repeated
    ordered = sorted(candidates, key=lambda b: (quoted(b).quoted_us, b.created_at))
    return ordered[len(ordered) // 2]
