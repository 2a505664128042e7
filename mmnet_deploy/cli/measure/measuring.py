"""Measuring on devices: the work of `bench`, its progress, and what it ends with."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmnet_deploy.cli.console import progress, read_results, say
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.records import Benchmark

if TYPE_CHECKING:
    from android_benchmark import RunRules
    from mmnet_deploy.bench.sweep import Failure, Job
    from mmnet_deploy.bench.targets import Target

_HOST_PATIENCE_S = 2.0


def without_rests(rules: RunRules) -> RunRules:
    """The rules for a device that does not rest between runs."""
    return dataclasses.replace(rules, rest_margin_c=None, rest_max_s=0.0)


@contextlib.contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does, so that phones are put back then too."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)


def work_off(
    work: Sequence[tuple[Target, Sequence[Job], RunRules]],
    folder: Path,
    results: list[Benchmark],
    failures: list[Failure],
    stop: threading.Event,
) -> bool:
    """Measure on all devices at once; returns whether somebody stopped it.

    Raises:
        OutputError: A result cannot be stored; the other devices are stopped.
    """
    from mmnet_deploy.bench import sweep
    from mmnet_deploy.results import store

    lock = threading.Lock()
    total = sum(len(jobs) for _, jobs, _ in work)
    on = ", ".join(target.name for target, _, _ in work)
    with _termination_as_interrupt(), progress(f"Measuring on {on}", total) as advance:

        def keep(result: Benchmark) -> None:
            with lock:
                store.save(result, folder)
                results.append(result)
                advance(result.model.name)

        def fail(failure: Failure) -> None:
            with lock:
                failures.append(failure)
                about = f"{failure.device}: " + (f"{failure.job.title}: " if failure.job else "")
                advance(f"{about}{failure.reason}", steps=0)
                advance(steps=1 if failure.job else failure.left)

        # Not Thread.join: once interrupted, it takes a thread that runs for one that has ended.
        ended = [threading.Event() for _ in work]
        broken: list[BaseException] = []

        def run(target: Target, jobs: Sequence[Job], rules: RunRules, end: threading.Event) -> None:
            try:
                sweep.run(target.name, target.device, jobs, rules, keep=keep, fail=fail, stop=stop)
            except BaseException as error:
                broken.append(error)
                stop.set()
            finally:
                end.set()

        for (target, jobs, rules), end in zip(work, ended, strict=True):
            arguments = (target, jobs, rules, end)
            threading.Thread(target=run, args=arguments, name=target.name, daemon=True).start()
        try:
            for end in ended:
                end.wait()
        except KeyboardInterrupt:
            stop.set()
            advance("Stopping, and putting back what was changed …", steps=0)
            for (target, _, _), end in zip(work, ended, strict=True):
                # A run on this computer cannot be interrupted, and changed nothing.
                end.wait(None if target.pins else _HOST_PATIENCE_S)
            return True
    if broken:
        raise broken[0]
    return False


def conclude(
    results: Sequence[Benchmark], failures: Sequence[Failure], folder: Path, resume: bool
) -> None:
    """The table, what failed, and the chart."""
    from mmnet_deploy.cli.measure.bench_text import print_results

    if results:
        print_results(results)
    for failure in failures:
        left = f"{failure.left} run{'s' * (failure.left != 1)} not made"
        about = failure.job.title if failure.job else left
        say(f"Failed on {failure.device}: {about}: {failure.reason}")
    if results or resume:
        say(f"Results are in {folder}.")
        draw_chart(folder)
        say(f"As one page: mmnet-deploy report {folder} -o {folder / 'report.html'}")


def run_benchmarks(models: Sequence[Path], folder: Path, *, threads: int) -> list[Benchmark]:
    """Measure each model on this computer and store each result at once."""
    from android_benchmark import PRESETS, Settings
    from mmnet_deploy.bench import benchmark
    from mmnet_deploy.bench.host import Host
    from mmnet_deploy.results import store

    rules = without_rests(PRESETS["default"])
    host = Host()
    results = []
    with progress(f"Measuring on {host.facts().model}", len(models)) as advance:
        for path in models:
            settings = Settings(threads, cores="")
            result = benchmark.benchmark(path, host, settings=settings, rules=rules)
            store.save(result, folder)
            results.append(result)
            advance(path.name)
    return results


def draw_chart(folder: Path) -> None:
    """Draw the trade-off chart of a result folder, or say what it lacks."""
    from mmnet_deploy.results import trade_offs

    try:
        joined = trade_offs.join(read_results([folder]).records)
    except ResultError as error:
        # The measurements are stored; only the picture of them is missing.
        say(f"No chart: {error}")
        return
    for note in joined.notes:
        say(note)
    if joined.points:
        from mmnet_deploy.charts import chart

        for name in ("pareto.svg", "pareto.png"):
            chart.draw(joined.points, folder / name)
        say(f"The trade-off chart is {folder / 'pareto.svg'} and {folder / 'pareto.png'}.")
