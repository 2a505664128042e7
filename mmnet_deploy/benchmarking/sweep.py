"""Many benchmarks: models × settings × repeats in random order, on several devices at once.

Each device has a worker of its own. What was measured is handed out at once, and a run that
fails ends neither its sweep nor that of another device, unless the device itself is lost.
"""

from __future__ import annotations

import collections
import dataclasses
import random
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from android_benchmark import Device, RunRules, Settings, errors
from android_benchmark.phone import CoresError
from mmnet_deploy.benchmarking.benchmark import benchmark
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.files import sha256
from mmnet_deploy.results.records import Benchmark, Record


@dataclasses.dataclass(frozen=True)
class Job:
    """One run to make."""

    model: Path
    sha256: str
    settings: Settings

    @property
    def title(self) -> str:
        """What it is, for people."""
        settings = self.settings
        threads = f"{settings.threads} thread{'s' if settings.threads > 1 else ''}"
        delegate = f"{settings.delegate} {settings.precision}".strip()
        return ", ".join([self.model.name, delegate, threads, *settings.engine_flags])


def plan(
    models: Iterable[Path], settings: Iterable[Settings], *, repeats: int = 1, seed: int = 0
) -> tuple[Job, ...]:
    """Every model in every setting, `repeats` times.

    The order is random, so that what drifts, such as the temperature, affects all alike; equal
    seeds give equal orders. No setting is repeated before all had their turn.

    Raises:
        OutputError, OSError: A model cannot be read.
    """
    files = [(model, sha256(model)) for model in models]
    once = [Job(model, digest, setting) for setting in settings for model, digest in files]
    random_ = random.Random(seed)
    jobs: list[Job] = []
    for _ in range(repeats):
        random_.shuffle(once)
        jobs += once
    return tuple(jobs)


def split(
    jobs: Sequence[Job],
    records: Iterable[Record],
    serial: str,
    hashes: Callable[[Settings], tuple[str, Mapping[str, str]]],
    rules: RunRules,
) -> tuple[tuple[Job, ...], tuple[tuple[Job, Benchmark], ...]]:
    """The jobs whose results are not among `records`, and the others, each with its result.

    Args:
        jobs: What is wanted on one device.
        records: Results of any device.
        serial: The device, as results name it.
        hashes: Gives those of the engine and of its libraries, as results with some settings name
            them; empty on this computer.
        rules: Results under other rules do not count.
    """
    there: dict[tuple[str, Settings], list[Benchmark]] = collections.defaultdict(list)
    for record in records:
        if (
            isinstance(record, Benchmark)
            and record.imported_from is None
            and record.device.serial == serial
            and (record.engine.sha256, record.engine.libraries) == hashes(_settings(record))
            and record.rules == rules
        ):
            there[record.model.sha256, _settings(record)].append(record)
    left, found = [], []
    for job in jobs:
        # Each result stands for one repeat.
        if results := there[job.sha256, job.settings]:
            found.append((job, results.pop()))
        else:
            left.append(job)
    return tuple(left), tuple(found)


def _settings(record: Benchmark) -> Settings:
    requested = record.engine.requested or record.engine.delegate
    return Settings(
        record.threads,
        requested,
        record.cores_wanted,
        record.profiled,
        record.delegate_precision,
        record.engine_flags,
    )


@dataclasses.dataclass(frozen=True)
class Failure:
    """A job that gave no result, or a whole device (`job` is None) that was given up."""

    device: str
    job: Job | None
    reason: str
    left: int = 0
    """How many jobs of the device have no result because of it, the one under way included."""


_ONE_RUN = (
    ModelFileError,
    UsageError,
    CoresError,
    errors.EngineError,
    errors.OutputCutError,
)
"""What may be wrong with one model or one setting, and right with the next; unlike
`EngineFileError`, which is an engine that does not start at all."""


def run(
    name: str,
    device: Device,
    jobs: Sequence[Job],
    rules: RunRules,
    *,
    keep: Callable[[Benchmark], None],
    fail: Callable[[Failure], None],
    stop: threading.Event,
    examine: Callable[[Job, Benchmark | None], None] | None = None,
    earlier: Iterable[tuple[Job, Benchmark]] = (),
) -> None:
    """Work off the jobs of one device; whatever was changed on it is put back at the end.

    Args:
        name: The device, for failures.
        device: Is closed at the end.
        jobs: In the order to run them.
        rules: For all of them.
        keep: Takes each result the moment it exists.
        fail: Takes each failure.
        stop: Ends the sweep before the next job.
        examine: Looks, after the last job, once into each model that was run with one delegate and
            its flags, whatever the number of threads: with a job, and with its result or None if
            the engine failed. It gets the worst: a failure before a difference.
        earlier: Jobs that need not be run, with their results: these are examined, too.
    """
    done, examined = 0, dict[Job, tuple[Job, Benchmark | None]]()

    def note(job: Job, result: Benchmark | None) -> None:
        _, known = examined.setdefault(_alike(job), (job, result))
        if known and (result is None or (_agrees(known) and not _agrees(result))):
            examined[_alike(job)] = job, result

    for job, stored in earlier:
        note(job, stored)
    try:
        if jobs:
            device.check(list(dict.fromkeys(job.settings for job in jobs)))
        for number, job in enumerate(jobs):
            if stop.is_set():
                break
            try:
                if number:
                    device.rest(rules)
                result = benchmark(job.model, device, settings=job.settings, rules=rules)
            except errors.EngineFileError:
                raise
            except _ONE_RUN as error:
                fail(Failure(name, job, str(error)))
                if isinstance(error, errors.EngineError):
                    note(job, None)
            else:
                keep(result)
                note(job, result)
            done += 1
        for job, worst in examined.values() if examine else ():
            if examine and not stop.is_set():
                examine(job, worst)
    except errors.StoppedError:
        pass
    except (errors.HarnessError, UsageError) as error:
        fail(Failure(name, None, str(error), len(jobs) - done))
    finally:
        try:
            device.close()
        except errors.HarnessError as error:
            fail(Failure(name, None, str(error)))


def _alike(job: Job) -> Job:
    """What jobs share that compute the same."""
    return dataclasses.replace(
        job, settings=dataclasses.replace(job.settings, threads=1, profile=False)
    )


def _agrees(result: Benchmark) -> bool:
    return result.output_difference is None or result.output_difference.agrees
