"""Runs of other tools as results: tied to the models that were measured, and stored once."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from android_benchmark import DeviceFacts, DeviceState, Flag, RunRules, judge
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results import naming, store
from mmnet_deploy.results.imported.finding import FoundRun, same_times
from mmnet_deploy.results.imported.model_choice import GivenModel, model_of
from mmnet_deploy.results.imported.run import UNKNOWN, ForeignRun
from mmnet_deploy.results.record_json import from_json, to_json
from mmnet_deploy.results.records import Benchmark, Import


@dataclasses.dataclass(frozen=True)
class Given:
    """What the user says of all the runs; None where it is left to the files."""

    device: DeviceFacts
    models: Sequence[GivenModel]
    threads: int | None = None
    delegate: str | None = None


MOST_THREADS = 1024
"""No device has more cores."""


# --- Results -----------------------------------------------------------------


def benchmark(found: FoundRun, given: Given) -> Benchmark:
    """A run as a result.

    Raises:
        ResultError: It is not known which model was measured, or an option contradicts the file.
    """
    run = found.run
    model = model_of(run, given.models)
    threads, engine = run.threads, run.engine
    if threads > MOST_THREADS:
        raise ResultError(f"it has an impossible number of threads: {threads}")
    if given.threads is not None:
        if threads not in (0, given.threads):
            raise ResultError(
                f"it says {naming.threads_name(threads)}, and --threads {given.threads}: leave "
                "the option out"
            )
        threads = given.threads
    if given.delegate is not None:
        if engine.delegate not in (UNKNOWN, given.delegate):
            ran = "the built-in kernels" if engine.delegate == "none" else engine.delegate
            raise ResultError(
                f"it says that {ran} ran the model, and --delegate {given.delegate}: leave the "
                "option out"
            )
        if engine.delegate == UNKNOWN:
            engine = dataclasses.replace(engine, delegate=given.delegate)
    source = Import(run.form, found.file.name, found.sha256, found.number, bool(run.measured_at))
    result = Benchmark(
        model=model,
        device=given.device,
        engine=engine,
        threads=threads,
        rules=run.rules,
        measurement=run.measurement,
        flags=(*_kept_rules(run), *run.flags),
        before=DeviceState(),
        after=DeviceState(),
        versions={"mmnet-deploy": importlib.metadata.version("mmnet-deploy")},
        created_at=run.measured_at or _now(),
        init_us=run.init_us,
        peak_memory_bytes=run.peak_memory_bytes,
        profile=run.profile,
        profiling=run.profiling,
        delegate_precision=run.delegate_precision,
        engine_flags=run.engine_flags,
        imported_from=source,
    )
    # What cannot be read back must not be stored, and odd bytes of names are written out there.
    return cast("Benchmark", from_json(to_json(result)))


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


_ANY = RunRules(0, 0.0, 1, 0.0)
"""Rules that every measurement keeps."""


def _kept_rules(run: ForeignRun) -> tuple[Flag, ...]:
    """Which rules were kept, of those that the file lets one judge."""
    if run.rules:
        return judge(run.measurement, run.rules)
    return tuple(flag for flag in judge(run.measurement, _ANY) if flag.name == "stable")


# --- Storing -----------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Stored:
    """A result and its file; `new` unless the run was there already, and says the same.

    Attributes:
        found: Where the run was read; a result that was there may be from another file.
    """

    result: Benchmark
    file: Path
    new: bool
    found: FoundRun

    @property
    def file_read(self) -> str:
        """The name of the file that was read."""
        return self.found.file.name

    @property
    def dated(self) -> bool:
        """Whether that file says when it was measured."""
        return bool(self.result.imported_from and self.result.imported_from.dated)


def save(results: Sequence[tuple[FoundRun, Benchmark]], folder: Path) -> list[Stored | ResultError]:
    """Store results; one that was imported into the folder before is not stored again.

    Neither is one from another file of the same run, such as the text beside a JSON.

    Returns:
        Each result, in order, or why it was not stored.

    Raises:
        OutputError: The folder cannot be written.
    """
    earlier = _earlier(folder)
    stored: list[Stored | ResultError] = []
    for found, result in results:
        there = earlier.get((found.sha256, found.number))
        twin = there or _of_same_run(result, earlier.values())
        if twin is None:
            stored.append(Stored(result, store.save(result, folder), True, found))
        elif _same(twin[1], result):
            stored.append(Stored(twin[1], twin[0], False, found))
        else:
            how = (
                "was imported before with other options, as"
                if there
                else "is of a run that was imported before, from another file or with other "
                "options, as"
            )
            stored.append(
                ResultError(f"{found.title}: {how} {twin[0]}: remove that file to import it anew.")
            )
    return stored


def _of_same_run(
    result: Benchmark, earlier: Iterable[tuple[Path, Benchmark]]
) -> tuple[Path, Benchmark] | None:
    """The earlier result of the run, whichever of its files that is from."""
    for file, other in earlier:
        alike = (
            other.model.sha256 == result.model.sha256
            and other.engine.name == result.engine.name
            and (same_times(other, result) or _same_samples(other, result))
        )
        if alike:
            return file, other
    return None


def _same_samples(one: Benchmark, other: Benchmark) -> bool:
    samples = one.measurement.samples_us
    return bool(samples) and one.measurement == other.measurement


def _earlier(folder: Path) -> dict[tuple[str, int], tuple[Path, Benchmark]]:
    """The results of other tools in a folder, by the file that they are from."""
    if not folder.is_dir():
        return {}
    try:
        records = list(store.each([folder], lambda line: None))
    except ResultError:  # There is none yet.
        return {}
    return {
        (record.imported_from.sha256, record.imported_from.run): (file, record)
        for file, record in records
        if isinstance(record, Benchmark) and record.imported_from
    }


def _same(one: Benchmark, other: Benchmark) -> bool:
    """Whether two imports of one file say the same of it."""

    def facts(result: Benchmark) -> tuple[object, ...]:
        device = dataclasses.replace(result.device, features=(), cores=0)
        return result.model.sha256, device, result.engine, result.threads

    return facts(one) == facts(other)
