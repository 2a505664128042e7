"""What really ran a model, judged by all that benchmark_model said of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from android_benchmark.device import Settings
from android_benchmark.engines.benchmark_model import (
    BenchmarkModelReport,
    Delegate,
    Extent,
    FallbackKind,
)
from android_benchmark.measurement import Flag
from android_benchmark.phone.engine import confirmation_flag, fallback_flag

_ACCELERATORS = (Delegate.GPU, Delegate.NNAPI, Delegate.HEXAGON, Delegate.NPU)
_LONGEST = 200


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What ran a model, and what is wrong with that.

    Attributes:
        delegate: The one that was asked for, or what took its place.
        nodes, delegated_nodes, partitions: How much of the graph it took; None where the engine
            does not tell.
        backend: What an accelerator computed with, in the engine's words.
    """

    delegate: str
    nodes: int | None
    delegated_nodes: int | None
    partitions: int | None
    backend: str
    flags: tuple[Flag, ...]


def judge(
    report: BenchmarkModelReport, settings: Settings, libraries: Collection[str] = ()
) -> Verdict:
    """The verdict on a run.

    A run of which an accelerator did a part only fell back: the rest ran on the CPU.

    Args:
        libraries: Names of the libraries beside the engine, for advice on one that is missing.
    """
    wanted = Delegate(settings.delegate)
    ran = report.ran(wanted)
    # Newer runtimes apply XNNPACK by themselves, whatever was asked for.
    other = None if ran else _other(report, wanted)
    if wanted is Delegate.NONE or ran is False or other:
        delegate = other or Delegate.NONE
        words = why(report, wanted)
        advice = _advice(report, wanted, libraries) if delegate is not wanted else ""
        flags = (fallback_flag(settings, delegate.value, words, advice),)
        return _verdict(report, delegate, flags)
    verdict = _verdict(report, wanted, (confirmation_flag(settings, ran is True),))
    fallback = fallback_flag(settings, wanted.value, "")
    if ran and wanted in _ACCELERATORS and _is_partial(report, wanted, verdict):
        fallback = _partly(verdict, why(report, wanted))
    return dataclasses.replace(verdict, flags=(fallback, *verdict.flags))


def _other(report: BenchmarkModelReport, wanted: Delegate) -> Delegate | None:
    """The delegate that took most in the place of `wanted`.

    The words that another was undone do not count here: they are about the one that failed.
    """
    took = {
        it: sum(found.nodes for found in report.delegations_of(it)) or report.ran(it) is True
        for it in Delegate
        if it is not wanted
    }
    most = max(took, key=lambda it: took[it])
    return most if took[most] else None


def _verdict(report: BenchmarkModelReport, delegate: Delegate, flags: tuple[Flag, ...]) -> Verdict:
    nodes, taken, partitions = _share(report, delegate)
    backend = report.backend(delegate) if delegate in _ACCELERATORS else ""
    return Verdict(delegate.value, nodes, taken, partitions, backend, flags)


def _share(
    report: BenchmarkModelReport, delegate: Delegate
) -> tuple[int | None, int | None, int | None]:
    """Nodes of the graph, those that a delegate took, and the pieces they form.

    What an NPU takes is compiled to one node for each piece before the delegate sees the graph,
    so there the compiler's line counts, where there is one.
    """
    compiled = {it.subgraph: it for it in reversed(report.partitions)}
    if delegate is Delegate.NPU and compiled:
        parts = compiled.values()
        return (
            sum(it.total_nodes for it in parts),
            sum(it.nodes for it in parts),
            _sum(it.partitions for it in parts),
        )
    # A delegate that is applied to a subgraph again finds what it left the first time.
    found = {it.subgraph: it for it in reversed(report.delegations_of(delegate))}.values()
    if not found:
        return None, None, None
    return (
        _sum(it.total_nodes for it in found),
        sum(it.nodes for it in found),
        _sum(it.partitions for it in found),
    )


def _sum(values: Iterable[int | None]) -> int | None:
    known = list(values)
    return None if None in known else sum(it or 0 for it in known)


def _is_partial(report: BenchmarkModelReport, delegate: Delegate, verdict: Verdict) -> bool:
    if verdict.nodes is not None and (verdict.delegated_nodes or 0) < verdict.nodes:
        return True
    said = any(it.kind is FallbackKind.PARTIAL for it in report.fallbacks if it.concerns(delegate))
    applied = any(it.extent is Extent.PARTIAL for it in report.applications_of(delegate))
    on_cpu = any(it.nodes for it in report.delegations_of(Delegate.XNNPACK))
    return said or applied or on_cpu


def _partly(verdict: Verdict, words: str) -> Flag:
    some = "a part of the operators"
    if verdict.nodes is not None and (verdict.delegated_nodes or 0) < verdict.nodes:
        some = f"{verdict.delegated_nodes} of {verdict.nodes} operators"
    reason = f"{verdict.delegate} ran {some}, the CPU the rest"
    return Flag("fell_back", True, f"{reason} ({words})" if words else reason, wanted=False)


def why(report: BenchmarkModelReport, wanted: Delegate) -> str:
    """The engine's own words for a fallback, and for the library that is behind it."""
    own = [it for it in report.fallbacks if it.concerns(wanted)]
    telling = [it.text for it in own if it.kind is not FallbackKind.LIBRARY]
    loading = [it.text for it in own if it.kind is FallbackKind.LIBRARY]
    if telling and wanted is Delegate.GPU and "accelerator could not be" not in telling[0]:
        loading = []  # OpenCL is looked for in several places, and found in one.
    words = [it.strip().rstrip(".:")[:_LONGEST] for it in (*telling[:1], *loading[-1:])]
    return "; ".join(dict.fromkeys(words))


def _advice(report: BenchmarkModelReport, wanted: Delegate, libraries: Collection[str]) -> str:
    """What to do about a library that the accelerator lacks; empty if none is known to be."""
    notices = [it for it in report.fallbacks if it.concerns(wanted)]
    if wanted is Delegate.GPU and any("accelerator could not be" in it.text for it in notices):
        lacks = "libLiteRtClGlAccelerator.so"
        there = any("Accelerator" in name for name in libraries)
    elif wanted is Delegate.NPU and notices:
        lacks = "libLiteRtDispatch_VENDOR.so, its compiler plug-in and the vendor's own libraries"
        there = any("Dispatch" in name for name in libraries)
    else:
        return ""
    if there:
        return "look at the libraries beside the engine: one that they need may be missing"
    return f"put {lacks} beside the engine, in a folder, and give the folder to `--engine-binary`"
