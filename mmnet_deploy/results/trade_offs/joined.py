"""Benchmarks joined with the quality of the same model file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from android_benchmark import DeviceFacts
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results import naming
from mmnet_deploy.results.grouping import grouped, middle, newest_by_model, repeats, same_device
from mmnet_deploy.results.latency import Latency, quoted, summarise
from mmnet_deploy.results.records import Benchmark, Evaluation, Record
from mmnet_deploy.results.trade_offs.point import TradeOff, error_of, family_of, parameters_of


@dataclasses.dataclass(frozen=True)
class Joined:
    """Benchmarks with the quality of the same model file, and what was left out."""

    rows: tuple[tuple[Benchmark, Evaluation], ...]
    notes: tuple[str, ...]

    @property
    def points(self) -> list[TradeOff]:
        """The rows as points of the trade-off chart."""
        return self.trade_offs()

    def trade_offs(
        self, metric: str = "gradient_error", statistic: str | None = None
    ) -> list[TradeOff]:
        """The rows as points of a metric against a statistic of the latency.

        Args:
            metric: Name of one of the evaluations' scores.
            statistic: A name in `latency.STATISTICS`; by default what the run rules quote.

        Raises:
            ResultError: An evaluation lacks the metric, or an engine does not give the statistic.
        """
        shown = [benchmark for benchmark, _ in self.rows]
        groups = grouped(shown, _panel)
        names = naming.device_names(device for device, _ in groups)
        headings = {panel: naming.heading(names[panel[0]], groups[panel]) for panel in groups}
        # Each gives the labels of its device in the order of the rows.
        labels = {panel: naming.labels(groups[panel], shown) for panel in groups}
        points = []
        for benchmark, evaluation in self.rows:
            panel = _panel(benchmark)
            label = next(labels[panel])
            heading = headings[panel]
            points.append(_point(benchmark, evaluation, heading, label, metric, statistic))
        return points


def _panel(benchmark: Benchmark) -> tuple[DeviceFacts, bool]:
    """What shares a panel and a front: a device's own results, and apart from them those of
    other tools, of whose validity nothing is known."""
    return same_device(benchmark.device), benchmark.imported_from is not None


def join(records: Sequence[Record], emulated: bool = False) -> Joined:
    """Match benchmarks to evaluations by the model file's hash.

    Of several benchmarks with the same settings the middle one is taken, and of several
    evaluations of a model the newest; a note says so.

    Args:
        records: Benchmarks and evaluations.
        emulated: Whether results of emulated phones stand beside real ones; if there are no
            real ones, they are taken in any case.

    Raises:
        ResultError: The evaluations used different data, sizes or definitions.
    """
    benchmarks = [record for record in records if isinstance(record, Benchmark)]
    groups = repeats(sorted(benchmarks, key=lambda b: b.created_at))
    notes = _repeats_note(groups)
    scored = [record for record in records if isinstance(record, Evaluation)]
    evaluations = newest_by_model(scored)
    if len(evaluations) < len(scored):
        notes.append(f"{len(scored) - len(evaluations)} older evaluation(s) of a model left out.")
    rows = []
    unknown: dict[str, str] = {}
    for benchmark in map(middle, groups):
        evaluation = evaluations.get(benchmark.model.sha256)
        if evaluation:
            rows.append((benchmark, evaluation))
        else:
            unknown[benchmark.model.sha256] = benchmark.model.name
    if unknown:
        which = "that very file" if len(unknown) == 1 else "those very files"
        names = naming.some(unknown.values())
        notes.append(
            f"No gradient error is known for {names}: evaluate {which} with "
            "`mmnet-deploy evaluate FILE --data DIR -o RESULTS`."
        )
    notes += [e.note for e in evaluations.values() if e.note]
    _one_definition(scored)
    if not emulated:
        rows = _without_emulated(rows, notes)
    notes += _elsewhere_note(benchmark for benchmark, _ in rows)
    return Joined(tuple(rows), tuple(notes))


def _elsewhere_note(shown: Iterable[Benchmark]) -> list[str]:
    """That results of other tools are shown, in one line if there are any."""
    count = sum(benchmark.imported_from is not None for benchmark in shown)
    if not count:
        return []
    which = "result was" if count == 1 else "results were"
    they = "it is" if count == 1 else "they are"
    return [f"{count} {which} measured elsewhere: whether {they} valid is unknown."]


def _one_definition(evaluations: Sequence[Evaluation]) -> None:
    """Refuse to compare qualities that were measured in different ways."""
    ways = {
        f"{e.data}/{e.split} ({len(e.pictures)} pictures) at {e.size_name}, "
        f"masks {e.data_sha256[:8]}, {e.gradient_error_definition}"
        for e in evaluations
    }
    if len(ways) > 1:
        raise ResultError(
            "The evaluations are not comparable: " + "; ".join(sorted(ways)) + ". "
            "Give results of one data set, split, size and --upsample."
        )


def _repeats_note(groups: Sequence[Sequence[Benchmark]]) -> list[str]:
    """Which of the benchmarks with equal settings are shown, in one line if there are any."""
    groups = [group for group in groups if len(group) > 1]
    if not groups:
        return []
    names = {group[0].model.name for group in groups}
    total = sum(map(len, groups))
    if len(groups) == 1:
        line = f"{total} benchmarks with the same settings of {names.pop()}: the middle one"
    else:
        of = f" of {names.pop()}" if len(names) == 1 else f" of {len(names)} models"
        line = f"{total} benchmarks{of} share {len(groups)} settings: the middle one of each"
    invalid = any({bool(b.broken_rules) for b in group} == {True, False} for group in groups)
    return [line + (" that is valid" if invalid else "") + " is shown."]


def _without_emulated(
    rows: list[tuple[Benchmark, Evaluation]], notes: list[str]
) -> list[tuple[Benchmark, Evaluation]]:
    """Only the real ones, if there are any."""
    real = [row for row in rows if not row[0].device.emulated]
    left_out = len(rows) - len(real)
    if not real or not left_out:
        return rows
    one = left_out == 1
    notes.append(
        f"{left_out} emulated {'result' if one else 'results'} left out: "
        f"{'its time is' if one else 'their times are'} not a phone's; --emulated shows "
        f"{'it' if one else 'them'}."
    )
    return real


def _latency(benchmark: Benchmark, statistic: str | None) -> Latency:
    """What the run rules quote, or another statistic.

    Raises:
        ResultError: The engine does not give it.
    """
    if statistic is None:
        return quoted(benchmark)
    found = summarise(benchmark.measurement, statistic=statistic)
    if found.statistic != statistic:
        raise ResultError(
            f"The engine gave no {statistic} of {benchmark.model.name}, only its {found.statistic}."
        )
    return found


def _point(
    benchmark: Benchmark,
    evaluation: Evaluation,
    device: str,
    label: str,
    metric: str,
    statistic: str | None,
) -> TradeOff:
    latency = _latency(benchmark, statistic)
    return TradeOff(
        family=family_of(benchmark.model),
        label=label,
        latency_ms=latency.quoted_us / 1000,
        latency_low_ms=latency.low_us / 1000,
        latency_high_ms=latency.high_us / 1000,
        error=error_of(evaluation, metric),
        # Earlier versions counted nothing in a file without a description.
        parameters=parameters_of(benchmark.model) or parameters_of(evaluation.model),
        device=device,
        valid=not (benchmark.broken_rules or evaluation.beaten_by_constant),
        statistic=latency.statistic,
        emulated=benchmark.device.emulated,
        metric=metric,
        evaluation=evaluation,
    )
