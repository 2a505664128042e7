"""What really ran a model, judged by all that benchmark_model said of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from android_benchmark.device import Settings
from android_benchmark.engines.benchmark_model import (
    NNAPI_CPU,
    BenchmarkModelReport,
    Delegate,
    Delegation,
    Extent,
    FallbackKind,
)
from android_benchmark.engines.benchmark_model.report import Dialect
from android_benchmark.measurement import Flag
from android_benchmark.phone.engine import confirmation_flag, fallback_flag

_ACCELERATORS = (Delegate.GPU, Delegate.NNAPI, Delegate.HEXAGON, Delegate.NPU)
_LONGEST = 200
_SOFTWARE_GPU = "software-gpu"


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
    if wanted is Delegate.XNNPACK and _beside(report, wanted.value):
        # The tool calls a graph that another delegate took "executed by" this one, too.
        ran = any(it.nodes for it in report.delegations_of(wanted)) or None
    # Newer runtimes apply XNNPACK by themselves, whatever was asked for.
    other = None if ran else _other(report, wanted)
    if wanted is Delegate.NONE or ran is False or other:
        delegate = other or (wanted if wanted is Delegate.NONE else _cpu(report)).value
        words = why(report, wanted)
        advice = _advice(report, wanted, libraries) if delegate != wanted.value else ""
        flags = (fallback_flag(settings, delegate, words, advice),)
        return _verdict(report, delegate, flags)
    verdict = _verdict(report, wanted.value, (confirmation_flag(settings, ran is True),))
    fallback = fallback_flag(settings, wanted.value, "")
    if ran and verdict.backend == NNAPI_CPU:
        verdict = dataclasses.replace(verdict, delegate=NNAPI_CPU, backend="")
        advice = "it is Android's own NNAPI, on the CPU"
        fallback = fallback_flag(settings, NNAPI_CPU, why(report, wanted), advice)
    elif ran and wanted is Delegate.GPU and report.software_gpu:
        verdict = dataclasses.replace(verdict, delegate=_SOFTWARE_GPU)
        advice = "it computes on the CPU, as Android's emulator does"
        fallback = fallback_flag(settings, _SOFTWARE_GPU, report.software_gpu, advice)
    elif ran and _is_partial(report, wanted, verdict):
        fallback = _partly(report, verdict, why(report, wanted))
    return dataclasses.replace(verdict, flags=(fallback, *verdict.flags))


def _cpu(report: BenchmarkModelReport) -> Delegate:
    """What runs on the CPU where nothing is said: LiteRT 2 has no other kernels than XNNPACK's."""
    return Delegate.XNNPACK if report.dialect is Dialect.LITERT2 else Delegate.NONE


def foreign(report: BenchmarkModelReport) -> Verdict | None:
    """What a delegate ran that cannot be asked for, such as a chip maker's own; None if none did.

    Args:
        report: Of a run for which nothing tells what was asked for.
    """
    names = list(report.foreign)
    if not names:
        return None
    verdict = _verdict(report, names[0], ())
    took = [it.nodes for it in report.delegations if it.delegate not in names]
    whole = verdict.nodes is None or verdict.nodes == verdict.delegated_nodes
    if whole and not any(took):
        return verdict
    return dataclasses.replace(verdict, flags=(_partly(report, verdict, ""),))


def _other(report: BenchmarkModelReport, wanted: Delegate) -> str | None:
    """The delegate that took most in the place of `wanted`, by its name.

    The words that another was undone do not count here: they are about the one that failed.
    """
    took = {
        it.value: sum(found.nodes for found in report.delegations_of(it)) or report.ran(it) is True
        for it in Delegate
        if it is not wanted
    }
    for name, found in report.foreign.items():
        took[name] = sum(it.nodes for it in found) or True
    # XNNPACK is "applied" by the tool's word even where nothing was left for it.
    most = max(took, key=lambda name: (took[name], name != Delegate.XNNPACK.value))
    return most if took[most] else None


def _verdict(report: BenchmarkModelReport, delegate: str, flags: tuple[Flag, ...]) -> Verdict:
    nodes, taken, partitions = _share(report, delegate)
    known = _known(delegate)
    backend = report.backend(known) if known in _ACCELERATORS else ""
    return Verdict(delegate, nodes, taken, partitions, backend, flags)


def _known(name: str) -> Delegate | None:
    return next((it for it in Delegate if it.value == name), None)


def _taken(report: BenchmarkModelReport, delegate: str) -> tuple[Delegation, ...]:
    known = _known(delegate)
    return report.delegations_of(known) if known else report.foreign.get(delegate, ())


def _share(
    report: BenchmarkModelReport, delegate: str
) -> tuple[int | None, int | None, int | None]:
    """Nodes of the graph, those that a delegate took, and the pieces they form.

    What an NPU takes is compiled to one node for each piece before the delegate sees the graph,
    so there the compiler's line counts, where there is one.
    """
    compiled = {it.subgraph: it for it in reversed(report.partitions)}
    if delegate == Delegate.NPU.value and compiled:
        parts = compiled.values()
        return (
            sum(it.total_nodes for it in parts),
            sum(it.nodes for it in parts),
            _sum(it.partitions for it in parts),
        )
    # A delegate that is applied to a subgraph again finds what it left the first time.
    found = {it.subgraph: it for it in reversed(_taken(report, delegate))}.values()
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
    """Whether something else ran a part of the model; what XNNPACK leaves, the CPU runs too."""
    if _beside(report, delegate.value):
        return True
    if delegate not in _ACCELERATORS:
        return False
    if verdict.nodes is not None and (verdict.delegated_nodes or 0) < verdict.nodes:
        return True
    # What a compiler took whole may still lose nodes when the delegate is applied.
    first = {it.subgraph: it for it in reversed(report.delegations_of(delegate))}.values()
    if any(it.total_nodes is not None and it.nodes < it.total_nodes for it in first):
        return True
    extents = {it.extent for it in report.applications_of(delegate)}
    # Older runtimes do not print the total, and count the pieces of the CPU too.
    pieces = verdict.partitions if verdict.nodes is None else None
    if pieces and pieces > 1 and Extent.COMPLETE not in extents:
        return True
    said = any(it.kind is FallbackKind.PARTIAL for it in report.fallbacks if it.concerns(delegate))
    own = report.delegations_of(delegate)
    on_cpu = any(it.nodes for it in report.delegations if it not in own)
    return said or Extent.PARTIAL in extents or on_cpu


def _beside(report: BenchmarkModelReport, delegate: str) -> list[str]:
    """The accelerators that took something beside a delegate, by their names."""
    known = [it.value for it in _ACCELERATORS if any(n.nodes for n in report.delegations_of(it))]
    return [it for it in (*known, *report.foreign) if it != delegate]


def _partly(report: BenchmarkModelReport, verdict: Verdict, words: str) -> Flag:
    some = "a part of the operators"
    if verdict.nodes is not None and (verdict.delegated_nodes or 0) < verdict.nodes:
        some = f"{verdict.delegated_nodes} of {verdict.nodes} operators"
    rest = " and ".join(_beside(report, verdict.delegate)) or "the CPU"
    reason = f"{verdict.delegate} ran {some}, {rest} the rest"
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
