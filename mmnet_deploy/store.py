"""Results on disk, one JSON file each, and what they say when put together."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from mmnet_deploy.errors import ResultError
from mmnet_deploy.files import make_folder, reason, write_text
from mmnet_deploy.latency import summarise
from mmnet_deploy.records import (
    Benchmark,
    Evaluation,
    ModelFile,
    Record,
    TradeOff,
    from_json,
    to_json,
)

OTHER_FAMILY = "other models"


def _file_name(record: Record) -> str:
    """A name that tells results apart; the same evaluation repeated keeps its name."""
    if isinstance(record, Benchmark):
        engine = record.engine
        about = [
            record.device.serial,
            f"{engine.name}-{engine.version}-{engine.delegate}",
            f"t{record.threads}",
            re.sub(r"[^0-9T]", "", record.created_at.partition("+")[0]),
        ]
    else:
        size = f"{record.height_px}x{record.width_px}" if record.height_px else "native"
        about = [record.data, record.data_sha256[:8], record.split, size, record.engine]
    stem = record.model.name.removesuffix(".tflite").removesuffix(".keras")
    parts = [record.kind, stem, record.model.sha256[:8], *about]
    return re.sub(r"[^\w.-]", "_", "-".join(parts)) + ".json"


def save(record: Record, folder: Path) -> Path:
    """Store a result at once and whole; returns its file.

    Raises:
        OutputError: The folder cannot be written.
    """
    make_folder(folder)
    return write_text(folder / _file_name(record), to_json(record))


def load(paths: Iterable[Path]) -> list[Record]:
    """Read results from files, and from folders all `.json` files directly in them.

    Raises:
        ResultError: A path does not exist, a file is no result, or there are none.
    """
    paths = list(paths)
    records = []
    for path in paths:
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        for file in files:
            try:
                records.append(from_json(file.read_text(encoding="utf-8")))
            except OSError as error:
                raise ResultError(f"Cannot read {file}: {reason(error)}.") from error
            except UnicodeDecodeError as error:
                raise ResultError(f"{file}: is not a result of mmnet-deploy.") from error
            except ResultError as error:
                raise ResultError(f"{file}: {error}") from error
    if not records:
        names = ", ".join(str(path) for path in paths)
        raise ResultError(f"No results in {names}. `mmnet-deploy bench` and `evaluate` write them.")
    return records


def _settings(benchmark: Benchmark) -> tuple:
    """What two benchmarks must share to be repetitions of each other."""
    return (
        benchmark.model.sha256,
        benchmark.device,
        benchmark.engine,
        benchmark.threads,
        benchmark.rules,
    )


@dataclasses.dataclass(frozen=True)
class Joined:
    """Benchmarks with the quality of the same model file, and what was left out."""

    rows: tuple[tuple[Benchmark, Evaluation], ...]
    notes: tuple[str, ...]

    @property
    def points(self) -> list[TradeOff]:
        """The rows as points of the trade-off chart."""
        benchmarks = [benchmark for benchmark, _ in self.rows]
        return [_point(b, e, benchmarks) for b, e in self.rows]


def _one_definition(evaluations: Sequence[Evaluation]) -> None:
    """Refuse to compare qualities that were measured in different ways."""
    ways = {
        f"{e.data}/{e.split} ({len(e.pictures)} pictures) at "
        + (f"{e.height_px}×{e.width_px}" if e.height_px else "native size")
        + f", masks {e.data_sha256[:8]}, {e.gradient_error_definition}"
        for e in evaluations
    }
    if len(ways) > 1:
        raise ResultError(
            "The evaluations are not comparable: " + "; ".join(sorted(ways)) + ". "
            "Give results of one data set, split and size."
        )


def join(records: Sequence[Record]) -> Joined:
    """Match benchmarks to evaluations by the model file's hash.

    Of several benchmarks with the same model, device, engine, threads and rules the newest
    is taken, and of several evaluations of a model too; a note says so.

    Raises:
        ResultError: The evaluations used different data, sizes or definitions.
    """
    notes: list[str] = []
    newest: dict[tuple, Benchmark] = {}
    benchmarks = [record for record in records if isinstance(record, Benchmark)]
    for benchmark in sorted(benchmarks, key=lambda b: b.created_at):
        newest[_settings(benchmark)] = benchmark
    if len(newest) < len(benchmarks):
        older = len(benchmarks) - len(newest)
        notes.append(f"{older} older benchmark(s) of the same model and settings left out.")
    scored = [record for record in records if isinstance(record, Evaluation)]
    evaluations = {e.model.sha256: e for e in sorted(scored, key=lambda e: e.created_at)}
    if len(evaluations) < len(scored):
        notes.append(f"{len(scored) - len(evaluations)} older evaluation(s) of a model left out.")
    rows = []
    for benchmark in newest.values():
        evaluation = evaluations.get(benchmark.model.sha256)
        if evaluation:
            rows.append((benchmark, evaluation))
        else:
            notes.append(
                f"{benchmark.model.name} has a latency but no gradient error: evaluate that very "
                "file with `mmnet-deploy evaluate FILE --data DIR -o RESULTS`."
            )
    _one_definition(scored)
    return Joined(tuple(rows), tuple(notes))


def device_name(benchmark: Benchmark) -> str:
    """Device, threads and engine, as they stand in a chart's title."""
    threads = f"{benchmark.threads} thread{'s' if benchmark.threads > 1 else ''}"
    engine = f"{benchmark.engine.name} {benchmark.engine.version}"
    kernels = "" if benchmark.engine.delegate == "none" else f" {benchmark.engine.delegate}"
    return f"{benchmark.device.model}, {threads}, {engine}{kernels}"


def _label(model: ModelFile, benchmark: Benchmark, shown: Sequence[Benchmark]) -> str:
    """Width multiplier, `*` at 128×128, and what else distinguishes the points shown."""
    card = model.card
    if card is None or card.width_multiplier is None:
        return model.name.removesuffix(".tflite")
    star = "*" if card.size_label == "128" else ""
    label = f"{card.width_multiplier}{star}"
    if card.size_label not in ("128", "256"):
        label += f" at {card.size_label}"
    cards = [other.model.card for other in shown if other.model.card]
    if len({other.precision for other in cards}) > 1:
        label += f" {card.precision}"
    if len({other.graph for other in cards}) > 1 and card.graph == "stock":
        label += " stock"
    if len({other.threads for other in shown}) > 1:
        label += f" t{benchmark.threads}"
    return label


def _point(benchmark: Benchmark, evaluation: Evaluation, shown: Sequence[Benchmark]) -> TradeOff:
    latency = summarise(benchmark.measurement)
    card = benchmark.model.card
    return TradeOff(
        family=card.title if card else OTHER_FAMILY,
        label=_label(benchmark.model, benchmark, shown),
        latency_ms=latency.median_us / 1000,
        latency_low_ms=latency.low_us / 1000,
        latency_high_ms=latency.high_us / 1000,
        gradient_error=evaluation.scores["gradient_error"],
        parameters=(card.parameters or None) if card else None,
        device=device_name(benchmark),
        valid=not benchmark.broken_rules,
    )


def table(joined: Joined) -> pd.DataFrame:
    """One row per benchmark with its quality; units stand in the column names."""
    rows = []
    for benchmark, evaluation in joined.rows:
        latency = summarise(benchmark.measurement)
        card = benchmark.model.card
        rows.append(
            {
                "model": benchmark.model.name,
                "precision": card.precision if card else None,
                **evaluation.scores,
                "size_bytes": benchmark.model.size_bytes,
                "latency_median_ms": latency.median_us / 1000,
                "latency_p90_ms": latency.p90_us / 1000,
                "latency_low_ms": latency.low_us / 1000,
                "latency_high_ms": latency.high_us / 1000,
                "runs": latency.runs,
                "threads": benchmark.threads,
                "engine": f"{benchmark.engine.name} {benchmark.engine.version}",
                "delegate": benchmark.engine.delegate,
                "device": benchmark.device.model,
                "invalid": "; ".join(flag.reason for flag in benchmark.broken_rules),
            }
        )
    return pd.DataFrame(rows)
