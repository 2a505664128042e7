"""Benchmarks as text: a table for each device, and what a reader should know of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from android_benchmark import errors
from android_benchmark.engines import tflbench
from mmnet_deploy.cli.console import print_table, say
from mmnet_deploy.results import arithmetic, grouping, naming
from mmnet_deploy.results.latency import milliseconds, quoted, shown_interval
from mmnet_deploy.results.records import Benchmark

REPEATS_WITHIN = 0.05
"""Repetitions may differ by this share of the fastest; the rules of MLPerf Mobile."""


def print_results(results: Sequence[Benchmark]) -> None:
    """A table for each device on standard output, and remarks below on standard error."""
    groups = grouping.by_device(results)
    names = naming.device_names(groups)
    for device, group in groups.items():
        _print_device(names[device], group)
    for line in remarks(results):
        say(line)


def remarks(results: Sequence[Benchmark]) -> list[str]:
    """What is wrong with results and what is worth knowing, one line each."""
    name = _namer(results)
    return [
        *_broken(results, name),
        *_unbounded(results, name),
        *_repeats(results, name),
        *_outputs(results, name),
        *_arithmetic(results, name),
        *_unverified(results),
    ]


# --- The table ---------------------------------------------------------------


def _ms(us: float | None) -> str:
    return "" if us is None else milliseconds(us)


def _megabytes(size_bytes: int | None) -> str:
    return "" if size_bytes is None else f"{size_bytes / 1e6:.0f}"


def _cores(result: Benchmark) -> str:
    return f"cores {naming.cores_name(result)}" if result.cores else ""


def _flags(result: Benchmark) -> str:
    return " ".join(result.engine_flags)


Cell = Callable[[Benchmark], str]


def _print_device(name: str, results: Sequence[Benchmark]) -> None:
    """One row per result; what all have in common stands in the title."""
    statistics = {quoted(result).statistic for result in results}
    statistic = statistics.pop() if len(statistics) == 1 else ""

    def middle(result: Benchmark) -> str:
        latency = quoted(result)
        return _ms(latency.quoted_us) + ("" if statistic else f" {latency.statistic}")

    def interval(result: Benchmark) -> str:
        latency = quoted(result)
        return shown_interval(latency.low_us, latency.high_us)

    # That a float16 file computes in float32 is a remark.
    told = any(arithmetic.HALF in result.computes_in for result in results)

    # A header, its cells, and what stands in the title instead if all cells are equal.
    columns: list[tuple[str | tuple[str, ...], Cell, Cell | None]] = [
        ("model", lambda r: naming.stem(r.model), None),
        ("engine", lambda r: naming.engine_name(r.engine), lambda r: naming.engine_name(r.engine)),
        (
            "delegate",
            lambda r: naming.delegate_name(r.engine),
            lambda r: naming.delegate_name(r.engine),
        ),
        ("backend", lambda r: r.engine.backend, lambda r: r.engine.backend),
        ("precision", lambda r: r.delegate_precision, lambda r: r.delegate_precision),
        (("engine", "flags"), _flags, _flags),
        (
            ("computes", "in"),
            lambda r: r.computes_in if told else "",
            lambda r: f"computes in {r.computes_in}" if told and r.computes_in else "",
        ),
        ("threads", lambda r: str(r.threads), lambda r: naming.threads_name(r.threads)),
        ("cores", naming.cores_name, _cores),
        ((statistic or "latency", "(ms)"), middle, None),
        (("95 %", "interval"), interval, None),
        (("p90", "(ms)"), lambda r: "" if statistic == "p90" else _ms(quoted(r).p90_us), None),
        ("runs", lambda r: str(quoted(r).runs), None),
        (("init", "(ms)"), lambda r: _ms(r.init_us), None),
        (("RAM", "(MB)"), lambda r: _megabytes(r.peak_memory_bytes), None),
        (
            "valid",
            lambda r: "no" if r.broken_rules else "yes",
            lambda r: "none valid" if r.broken_rules else "all valid",
        ),
    ]
    header, cells, shared = [], [], []
    for title, cell, common in columns:
        values = [cell(result) for result in results]
        if common and len(set(values)) == 1:
            shared.append(common(results[0]))
        elif any(values):
            header.append(title)
            cells.append([value or "–" for value in values])
    rows = list(zip(*cells, strict=True))
    print_table(header, rows, title=_title(name, results[0], filter(None, shared)))


def _title(name: str, result: Benchmark, shared: Iterable[str]) -> str:
    """Device, processor, system and what the rows share."""
    device = result.device
    # A computer's name has its processor already, and a name among twins its system.
    about = [name, *(part for part in (device.processor, device.system) if part not in name)]
    title = f"{', '.join(filter(None, about))}; {', '.join(shared)}".removesuffix("; ")
    return f"EMULATED: these times are not a phone's. {title}" if device.emulated else title


# --- Remarks -----------------------------------------------------------------


def _namer(results: Sequence[Benchmark]) -> Cell:
    """Names that tell results apart: model, delegate, threads, and the device if they differ."""
    names = naming.device_names(result.device for result in results)
    cores = len({result.cores for result in results}) > 1
    told: list[Cell] = [lambda r: r.engine.backend, lambda r: r.delegate_precision, _flags]
    told = [of for of in told if len({of(result) for result in results}) > 1]

    def name(result: Benchmark) -> str:
        parts = [naming.stem(result.model), naming.delegate_name(result.engine)]
        parts += filter(None, (of(result) for of in told))
        parts.append(naming.threads_name(result.threads))
        if cores and result.cores:
            parts.append(_cores(result))
        if len(names) > 1:
            parts.append(names[grouping.same_device(result.device)])
        return ", ".join(parts)

    return name


def _grouped(said: Iterable[tuple[str, str]]) -> list[str]:
    """Lines for pairs of a name and what is said of it; what is said of several is one line."""
    subjects: dict[str, list[str]] = {}
    for name, what in said:
        subjects.setdefault(what, []).append(name)
    return [
        f"{names[0] if len(names) == 1 else f'{len(names)} results'}: {what}"
        for what, names in subjects.items()
    ]


def _broken(results: Sequence[Benchmark], name: Cell) -> list[str]:
    """Why results are invalid."""
    return _grouped(
        (name(result), f"{flag.label}: {flag.reason.rstrip('.')}.")
        for result in results
        for flag in result.broken_rules
    )


def _unbounded(results: Sequence[Benchmark], name: Cell) -> list[str]:
    """Which intervals are open, and how many runs close them."""
    found = ((name(result), quoted(result).remedy) for result in results)
    return _grouped((name, f"{remedy[:-1]} (`--min-runs`).") for name, remedy in found if remedy)


def _repeats(results: Sequence[Benchmark], name: Cell) -> list[str]:
    """How far repetitions are from each other."""
    lines = []
    for group in grouping.repeats(results):
        if len(group) < 2:
            continue
        latencies = [quoted(result).quoted_us for result in group]
        # A clock that did not tick is no difference.
        spread = max(latencies) / min(latencies) - 1 if min(latencies) > 0 else 0.0
        spread = round(spread, 3)  # As it is shown.
        about = f"{name(group[0])}: {len(group)} repeats"
        if spread <= REPEATS_WITHIN:
            lines.append(f"{about} within {100 * spread:.1f} %.")
        else:
            lines.append(
                f"Warning: {about} differ by {100 * spread:.1f} %, MLPerf Mobile allows "
                f"{100 * REPEATS_WITHIN:g} %; let the device cool down, stop other work on it and "
                "repeat."
            )
    return lines


def _outputs(results: Sequence[Benchmark], name: Cell) -> list[str]:
    """What comparisons of outputs show, unless it is a flag, and why some were not made."""
    said = []
    for result in results:
        found = result.output_difference
        if found and not found.conclusive:
            what = (
                "output is the same everywhere, whatever the input, so that comparing it with this "
                "computer's shows nothing; `--find-culprit` compares what its layers compute."
            )
            said.append((name(result), what))
        elif found and found.agrees and found.different and not found.dtype.startswith("float"):
            steps = "one step" if found.largest <= 1 else f"up to {found.largest:.3g} steps"
            what = (
                f"output equals this computer's but for {found.different} of {found.elements} "
                f"values by {steps}."
            )
            said.append((name(result), what))
        elif result.outputs_not_compared and not _usual(result):
            what = f"outputs were not compared: {result.outputs_not_compared}."
            said.append((name(result), what))
    return _grouped(said)


def _usual(result: Benchmark) -> bool:
    """Whether outputs were not compared as they never are by the official engine on a CPU.

    Its kernels are this computer's; outputs of accelerators are what is to be doubted.
    """
    on_cpu = {result.engine.delegate, result.engine.requested} <= {"xnnpack", "none", ""}
    return on_cpu and result.outputs_not_compared.endswith(errors.NO_RUNNER)


def _arithmetic(results: Sequence[Benchmark], name: Cell) -> list[str]:
    """Which float16 files computed in float32, and why."""
    reasons = (
        (
            name(result),
            arithmetic.why_float32(
                arithmetic.precision_of(result),
                result.computes_in,
                delegate=result.engine.delegate,
                fp16_arithmetic=result.device.fp16_arithmetic,
            ),
        )
        for result in results
    )
    return _grouped(
        (name, f"a float16 file that computes in float32 here: {reason}.")
        for name, reason in reasons
        if reason
    )


def _unverified(results: Sequence[Benchmark]) -> list[str]:
    """What is not known of our own engine."""
    real = [r for r in results if r.engine.name == tflbench.ENGINE and not r.device.emulated]
    return [f"{tflbench.UNVERIFIED}."] if real else []
