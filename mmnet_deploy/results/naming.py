"""What benchmarks, their models, devices and delegates are called, so that no two are confused."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import models
from android_benchmark import PRESETS, DeviceFacts, Engine, RunRules
from mmnet_deploy.results import arithmetic
from mmnet_deploy.results.grouping import conditions, grouped, same_device
from mmnet_deploy.results.latency import quoted
from mmnet_deploy.results.records import Benchmark
from mmnet_deploy.tflite.card import ModelFile

# What may tell devices of one name apart, the most telling first.
_TELLING = ("system", "serial", "processor", "abi", "sdk", "build", "kernel")

_FIELDS = {"abi": "ABI", "sdk": "API level"}
"""What fields are called where nothing is known of them, if not by their names."""

SMALL = "*"
"""Stands behind the width multiplier of a network with an input of 128×128, as in the paper."""

MOST_NAMES = 3
"""How many models a note names; of more, it says how many."""


MEASURED_ELSEWHERE = "measured elsewhere"
"""What stands where a result of our own is called valid."""


def some(names: Collection[str]) -> str:
    """The first few names, and how many more there are."""
    shown = [*names]
    if len(shown) > MOST_NAMES:
        shown[MOST_NAMES:] = [f"{len(shown) - MOST_NAMES} more"]
    *first, last = shown
    return f"{', '.join(first)} and {last}" if first else last


def stem(model: ModelFile) -> str:
    """The name of a model's file without the suffix that all have."""
    return model.name.removesuffix(".tflite")


def distinct(shown: Sequence[ModelFile]) -> list[str]:
    """The names of files; those that share one with another file have their hash beside it.

    Names are the same where a file system may take them for the same: letter case and the
    Unicode form do not count.
    """

    def same(model: ModelFile) -> str:
        return unicodedata.normalize("NFC", model.name).casefold()

    hashes: dict[str, set[str]] = {}
    for model in shown:
        hashes.setdefault(same(model), set()).add(model.sha256)
    return [
        f"{model.name} ({model.sha256[:8]})" if len(hashes[same(model)]) > 1 else model.name
        for model in shown
    ]


def fell_back(engine: Engine) -> bool:
    """Whether another delegate was asked for than the one that ran."""
    return bool(engine.requested) and engine.requested != engine.delegate


def delegate_name(engine: Engine) -> str:
    """What ran a model: `gpu`, `gpu 50/60` for a part of its nodes, `none (gpu asked for)`."""
    name = engine.delegate
    if name == "unknown":
        return "unknown delegate"
    if fell_back(engine):
        return f"{name} ({engine.requested} asked for)"
    nodes, taken = engine.nodes, engine.delegated_nodes
    if name != "none" and nodes and taken is not None and taken < nodes:
        return f"{name} {taken}/{nodes}"
    return name


def accelerated_by(benchmark: Benchmark) -> str:
    """What ran a model, on which backend, and how it was told to: `gpu, OpenCL, fp16`."""
    engine = benchmark.engine
    told = (engine.backend, benchmark.delegate_precision, " ".join(benchmark.engine_flags))
    return ", ".join(filter(None, (delegate_name(engine), *told)))


def _short_delegate(engine: Engine) -> str:
    """The same for a chart, which has little room: `none (not gpu)`.

    What XNNPACK leaves runs on the same cores: how much that is says little there.
    """
    if fell_back(engine):
        return f"{engine.delegate} (not {engine.requested})"
    return engine.delegate if engine.delegate == "xnnpack" else delegate_name(engine)


def _version(engine: Engine) -> str:
    """The release, if it is known; else what the engine says of its version."""
    return engine.release or engine.version


def engine_name(engine: Engine) -> str:
    """Name and version."""
    return f"{engine.name} {_version(engine)}".strip()


def threads_name(threads: int) -> str:
    """`1 thread`, `2 threads`, `unknown threads`."""
    if not threads:
        return "unknown threads"
    return f"{threads} thread{'s' if threads != 1 else ''}"


def cores_name(benchmark: Benchmark) -> str:
    """`big (2,3)`; empty where the program was not pinned."""
    if not benchmark.cores:
        return ""
    return f"{benchmark.cores_wanted} ({','.join(map(str, benchmark.cores))})".strip()


def rules_name(rules: RunRules | None) -> str:
    """A preset's name, else the number of runs."""
    if rules is None:
        return "unknown rules"
    known = {preset: name for name, preset in PRESETS.items()}
    return known.get(rules, f"≥{rules.min_runs} runs")


def device_names(devices: Iterable[DeviceFacts]) -> dict[DeviceFacts, str]:
    """A name for each device that no other has: its model, and what distinguishes it."""
    names = {
        facts: facts.model + (" (emulated)" if facts.emulated else "")
        for facts in map(same_device, devices)
    }
    for field in _TELLING:
        number = Counter(names.values())
        twins = [facts for facts in names if number[names[facts]] > 1]
        if len({getattr(facts, field) for facts in twins}) > 1:
            for facts in twins:
                names[facts] += (
                    f", {getattr(facts, field) or f'unknown {_FIELDS.get(field, field)}'}"
                )
    return names


def device_name(benchmark: Benchmark) -> str:
    """Device, threads and engine, as they stand in a title."""
    (name,) = device_names([benchmark.device]).values()
    return heading(name, [benchmark])


def heading(name: str, benchmarks: Sequence[Benchmark]) -> str:
    """A device's name and the settings that all its benchmarks share."""
    first = benchmarks[0]

    def shared(of: Callable[[Benchmark], object]) -> bool:
        return len({of(benchmark) for benchmark in benchmarks}) == 1

    parts = [name]
    if shared(lambda b: b.threads):
        parts.append(threads_name(first.threads))
    if shared(cores_name) and first.cores:
        parts.append(f"cores {cores_name(first)}")
    if all(benchmark.profiled for benchmark in benchmarks):
        parts.append("profiled")
    engine = []
    if shared(lambda b: engine_name(b.engine)):
        engine.append(engine_name(first.engine))
    elif shared(lambda b: b.engine.name):
        engine.append(first.engine.name)
    for delegate in (delegate_name, _short_delegate):
        names = {delegate(benchmark.engine) for benchmark in benchmarks}
        if len(names) == 1 and names != {"none"}:
            engine += names
            break
    if engine:
        parts.append(" ".join(engine))
    if all(benchmark.imported_from for benchmark in benchmarks):
        parts.append(MEASURED_ELSEWHERE)
    return ", ".join(parts)


def _of_one_width() -> set[str]:
    """Families that have one width only."""
    return {p.family for p in models.operating_points() if p.width_multiplier is None}


def _model_label(model: ModelFile, precisions: bool, graphs: bool) -> str:
    """Width multiplier, `*` at 128×128, precision and graph if those shown differ in them.

    A family of one width is called by its name.
    """
    card = model.card
    if card is None:
        return stem(model)
    width = card.width_multiplier
    if width is None and card.family not in _of_one_width():
        return stem(model)
    label = card.title if width is None else str(width)
    label += SMALL if card.size_label == "128" else ""
    if card.size_label not in ("128", "256"):
        label += f" at {card.size_label}"
    if precisions:
        label += f" {card.precision}"
    if graphs and card.graph == "stock":
        label += " stock"
    return label


# Each is written where it differs among the benchmarks of one device.
_SETTINGS: tuple[Callable[[Benchmark], str], ...] = (
    lambda b: f"t{b.threads or '?'}",
    lambda b: _short_delegate(b.engine),
    lambda b: b.engine.backend,
    lambda b: b.delegate_precision,
    lambda b: " ".join(b.engine_flags),
    lambda b: b.cores_wanted or "not pinned",
    lambda b: rules_name(b.rules),
    lambda b: "profiled" if b.profiled else "",
    lambda b: quoted(b).statistic,
)


def _of_files(labels: Sequence[str], models: Sequence[ModelFile]) -> list[str]:
    """Labels; equal ones of different files of a family get the names of these.

    Of different families, colours and shapes tell the points apart.
    """
    full = list(labels)

    def alike(index: int) -> tuple[str, str]:
        card = models[index].card
        return labels[index], card.title if card else ""

    for indices in grouped(range(len(labels)), alike).values():
        files = [models[index] for index in indices]
        if len({file.sha256 for file in files}) > 1:
            for index, name in zip(indices, distinct(files), strict=True):
                full[index] += f" {name.replace('.tflite', '')}"
    return full


def _told_apart(labels: Sequence[str], benchmarks: Sequence[Benchmark]) -> list[str]:
    """Labels of one device; equal ones of one file get the conditions in which they differ."""
    full = _of_files(labels, [benchmark.model for benchmark in benchmarks])
    by_label = grouped(
        range(len(labels)), lambda index: (full[index], benchmarks[index].model.sha256)
    )
    for indices in by_label.values():
        if len(indices) < 2:
            continue
        held = [conditions(benchmarks[index]) for index in indices]
        apart = [name for name in held[0] if len({of[name] for of in held}) > 1]
        for index, of in zip(indices, held, strict=True):
            full[index] += "".join(f", {name} {_condition(of[name])}" for name in apart)
    return full


def _condition(value: object) -> str:
    """A condition as it stands in a label; of rules, what differs from the default ones."""
    if not isinstance(value, RunRules):
        return str(value) or "unknown"
    default = RunRules()
    own = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    changed = [f"{name} {of}" for name, of in own.items() if of != getattr(default, name)]
    return " ".join(changed) or "default"


def _engine_label(engine: Engine, others: Collection[Engine]) -> str:
    """As little of name, version and hash as tells an engine from `others`."""
    label = engine.name if len({other.name for other in others}) > 1 else ""
    named = [other for other in others if other.name == engine.name]
    if len({_version(other) for other in named}) > 1:
        # The heading has the name that all share.
        label = engine_name(engine) if label else _version(engine)
    if len({o.sha256 for o in named if _version(o) == _version(engine)}) > 1:
        label += f" {engine.sha256[:7] or 'unknown build'}"
    return label.strip()


def model_labels(shown: Sequence[ModelFile]) -> list[str]:
    """What models are called among each other."""
    cards = [model.card for model in shown if model.card]
    precisions = len({card.precision for card in cards}) > 1
    graphs = len({card.graph for card in cards}) > 1
    return _of_files([_model_label(model, precisions, graphs) for model in shown], shown)


def labels(on_device: Sequence[Benchmark], shown: Sequence[Benchmark]) -> Iterator[str]:
    """What stands beside each point of one device in the chart.

    Args:
        on_device: Its points, whose heading says what they share.
        shown: All that are shown.
    """
    cards = [benchmark.model.card for benchmark in shown if benchmark.model.card]
    precisions = len({card.precision for card in cards}) > 1
    graphs = len({card.graph for card in cards}) > 1
    engines = {benchmark.engine for benchmark in on_device}
    told = [of for of in _SETTINGS if len({of(benchmark) for benchmark in on_device}) > 1]
    differing = arithmetic.differing(shown)
    parts = [
        [
            _model_label(benchmark.model, precisions, graphs),
            f"in {benchmark.computes_in}"
            if benchmark.computes_in and benchmark.model.sha256 in differing
            else "",
            _engine_label(benchmark.engine, engines),
            *(of(benchmark) for of in told),
        ]
        for benchmark in on_device
    ]
    short = [" ".join(filter(None, those)) for those in parts]
    return iter(_told_apart(short, on_device))
