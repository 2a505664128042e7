"""Several devices at work at once, each with a thread and a share of the jobs of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from android_benchmark import RunRules
from mmnet_deploy.benchmarking import host, sweep
from mmnet_deploy.benchmarking.outputs import culprit
from mmnet_deploy.benchmarking.outputs.culprit import Finding
from mmnet_deploy.benchmarking.sweep import Failure, Job
from mmnet_deploy.benchmarking.targets import Target
from mmnet_deploy.progress import Advance, Progress, silent
from mmnet_deploy.results import store
from mmnet_deploy.results.records import Benchmark, Record

_HOST_PATIENCE_S = 2.0


@dataclasses.dataclass(frozen=True)
class Share:
    """The work of one device: its jobs, in their order, under its rules."""

    target: Target
    jobs: tuple[Job, ...]
    rules: RunRules
    earlier: tuple[tuple[Job, Benchmark], ...] = ()
    """Jobs that have a result already, with it."""


def share_out(
    targets: Sequence[Target],
    jobs: Sequence[Job],
    rules: RunRules,
    earlier: Iterable[Record] | None = None,
) -> list[Share]:
    """Every job for every device, as the device can run it.

    This computer neither pins nor profiles nor rests, so its settings and rules are without.

    Args:
        earlier: Results that need not be measured again; None for no look at any.
    """
    shares = []
    for target in targets:
        own, own_rules = tuple(jobs), rules
        if not target.pins:
            own = tuple(
                dataclasses.replace(
                    job, settings=dataclasses.replace(job.settings, cores="", profile=False)
                )
                for job in jobs
            )
            own_rules = host.without_rests(rules)
        there: tuple[tuple[Job, Benchmark], ...] = ()
        if earlier is not None:
            own, there = sweep.split(own, earlier, target.name, target.hashes, own_rules)
        shares.append(Share(target, own, own_rules, there))
    return shares


@dataclasses.dataclass(frozen=True)
class Searched:
    """A search for the layer that makes an output wrong, or the reason why there was none."""

    device: str
    job: Job
    result: Finding | str


@dataclasses.dataclass
class Measured:
    """What came of the work.

    Attributes:
        searches: One for each model, setting and device, if they were asked for.
        interrupted: Whether a `KeyboardInterrupt` ended it early.
    """

    results: list[Benchmark] = dataclasses.field(default_factory=list)
    failures: list[Failure] = dataclasses.field(default_factory=list)
    searches: list[Searched] = dataclasses.field(default_factory=list)
    interrupted: bool = False


def measure(
    shares: Sequence[Share],
    folder: Path | None,
    *,
    stop: threading.Event,
    progress: Progress = silent,
    find_culprit: bool = False,
    on_result: Callable[[Benchmark], None] = lambda result: None,
) -> Measured:
    """Work off all shares at once; each result is stored the moment it exists.

    A `KeyboardInterrupt` ends the work early, and the devices are put back first.

    Args:
        folder: For the results; None to store none.
        stop: Ends the work where it is set; the devices must heed it.
        find_culprit: Whether to search, once all is measured, for the layer that makes an output
            wrong or an engine fail.
        on_result: Takes each result once it is stored; from one thread at a time.

    Raises:
        OutputError: A result cannot be stored; the other devices are stopped.
    """
    total = sum(len(share.jobs) for share in shares)
    on = ", ".join(share.target.name for share in shares)
    with progress(f"Measuring on {on}", total) as advance:
        return _Fleet(shares, folder, stop, advance, find_culprit, on_result).work()


class _Fleet:
    """The threads, and what they share."""

    def __init__(
        self,
        shares: Sequence[Share],
        folder: Path | None,
        stop: threading.Event,
        advance: Advance,
        find_culprit: bool,
        on_result: Callable[[Benchmark], None],
    ) -> None:
        self._shares = shares
        self._folder = folder
        self._stop = stop
        self._advance = advance
        self._find_culprit = find_culprit
        self._on_result = on_result
        self._lock = threading.Lock()
        self._measured = Measured()
        self._broken: list[BaseException] = []
        # Not Thread.join: once interrupted, it takes a thread that runs for one that has ended.
        self._ended = [threading.Event() for _ in shares]
        self._begun: set[int] = set()

    def work(self) -> Measured:
        """Start a thread for each share and wait for all of them."""
        try:
            # An interrupt may come before all have started, or within a start.
            for number, share in enumerate(self._shares):
                name = share.target.name
                threading.Thread(target=self._run, args=(number,), name=name, daemon=True).start()
            for end in self._ended:
                end.wait()
        except BaseException as error:
            self._wind_up()
            if not isinstance(error, KeyboardInterrupt):
                raise
            return self._measured
        if self._broken:
            raise self._broken[0]
        return self._measured

    def _wind_up(self) -> None:
        """Stop the devices and wait until they are as they were."""
        self._measured.interrupted = True
        self._stop.set()
        with contextlib.suppress(OSError):  # The terminal may be gone.
            self._advance("Stopping, and putting back what was changed …", steps=0)
        for number, (share, end) in enumerate(zip(self._shares, self._ended, strict=True)):
            self._run(number)  # closes the device of a thread that never began
            # A run on this computer cannot be interrupted, and changed nothing.
            end.wait(None if share.target.pins else _HOST_PATIENCE_S)

    def _run(self, number: int) -> None:
        """What the thread of a device does, once."""
        with self._lock:
            if number in self._begun:
                return
            self._begun.add(number)
        share = self._shares[number]
        try:
            sweep.run(
                share.target.name,
                share.target.device,
                share.jobs,
                share.rules,
                keep=self._keep,
                fail=self._fail,
                stop=self._stop,
                # This computer's outputs are what others are compared with.
                examine=functools.partial(self._examine, share)
                if self._find_culprit and share.target.pins
                else None,
                earlier=share.earlier,
            )
        except BaseException as error:
            self._broken.append(error)
            self._stop.set()
        finally:
            self._ended[number].set()

    def _keep(self, result: Benchmark) -> None:
        with self._lock:
            if self._folder is not None:
                store.save(result, self._folder)
            self._measured.results.append(result)
            self._on_result(result)
            self._advance(result.model.name)

    def _fail(self, failure: Failure) -> None:
        about = f"{failure.device}: " + (f"{failure.job.title}: " if failure.job else "")
        with self._lock:
            self._measured.failures.append(failure)
            self._advance(f"{about}{failure.reason}", steps=0)
            self._advance(steps=1 if failure.job else failure.left)

    def _examine(self, share: Share, job: Job, result: Benchmark | None) -> None:
        """Search for the layer that is to blame for a job's result, if any is."""

        def tell(line: str) -> None:
            with self._lock:
                self._advance(f"{share.target.name}: {line}", steps=0)

        found: Finding | str
        try:
            found = culprit.examine(job.model, share.target.device, job.settings, result, tell)
        except culprit.NoSearchError as error:
            found = str(error)
        with self._lock:
            self._measured.searches.append(Searched(share.target.name, job, found))
