"""The runs that files of other tools hold, each once."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from android_benchmark import Measurement
from mmnet_deploy.errors import ResultError
from mmnet_deploy.files import read_regular, reason
from mmnet_deploy.results.imported import benchmark_log, litert_benchmark, protos, recognition
from mmnet_deploy.results.imported.protos import RuntimeInfo
from mmnet_deploy.results.imported.run import UNKNOWN, ForeignRun
from mmnet_deploy.results.records import Benchmark

MOST_BYTES = 2**26
"""Size of the largest file that is read: 64 MiB, as of stored results."""


@dataclasses.dataclass(frozen=True)
class FoundRun:
    """A run and where it was found; `number` counts the runs of the file from 1, of `total`."""

    run: ForeignRun
    file: Path
    sha256: str
    number: int
    total: int

    @property
    def title(self) -> str:
        """The file, and which of its runs, where it has several."""
        return f"{self.file}" + (f", run {self.number}" if self.total > 1 else "")


def find(
    files: Iterable[Path], refuse: Callable[[str], None], note: Callable[[str], None]
) -> list[FoundRun]:
    """The runs that files hold, in order, each once.

    A result proto, the runtime info and the log of one folder are of one run, as device clouds
    hand them out: the runtime info completes the proto, and of a proto and a log that agree the log
    is taken, which says more. Copies of a run that differ in nothing that is read are one run,
    wherever they lie, such as a log with other ends of line.

    Args:
        refuse: Takes a line for each file or run that cannot be used.
        note: Takes a line for each that is there twice.
    """
    seen: dict[str, Path] = {}
    found: list[FoundRun] = []
    infos: dict[Path, tuple[Path, RuntimeInfo]] = {}
    for file in files:
        try:
            content = read_regular(file, MOST_BYTES)
        except IsADirectoryError:
            refuse(f"{file}: is a folder: name the files in it.")
            continue
        except OSError as error:
            why = "it is too large to be a result" if error.errno == errno.EFBIG else reason(error)
            refuse(f"{file}: cannot be read: {why}.")
            continue
        sha256 = hashlib.sha256(content).hexdigest()
        if sha256 in seen:
            if file.resolve() != seen[sha256].resolve():
                note(f"{file}: has the content of {seen[sha256]}; taken once.")
            continue
        seen[sha256] = file
        try:
            contents = recognition.read(content)
        except ResultError as error:
            refuse(f"{file}: {error}.")
            continue
        if contents.info:
            infos[file.absolute().parent] = (file, contents.info)
        total = len(contents.runs)
        for number, run in enumerate(contents.runs, start=1):
            if isinstance(run, ResultError):
                which = f", run {number} of {total}" if total > 1 else ""
                refuse(f"{file}{which}: {run}.")
            else:
                found.append(FoundRun(run, file, sha256, number, total))
    return _once(_uncopied(_completed(found, infos, refuse), note), note)


def _uncopied(found: Sequence[FoundRun], note: Callable[[str], None]) -> list[FoundRun]:
    """Each run from the first of the files that say exactly the same of it."""
    by_times: dict[Measurement, list[FoundRun]] = {}
    kept = []
    for it in found:
        alike = by_times.setdefault(it.run.measurement, [])
        twin = next((other for other in alike if other.run == it.run), None)
        if twin:
            note(f"{it.title}: is a copy of {twin.title}; taken once.")
        else:
            alike.append(it)
            kept.append(it)
    return kept


def _completed(
    found: Sequence[FoundRun],
    infos: dict[Path, tuple[Path, RuntimeInfo]],
    refuse: Callable[[str], None],
) -> list[FoundRun]:
    """Result protos with the runtime info of their folder."""
    completed = list(found)
    for folder, (file, info) in infos.items():
        own = [
            number
            for number, it in enumerate(completed)
            if it.run.form == protos.FORM and it.file.absolute().parent == folder
        ]
        if len(own) == 1:
            it = completed[own[0]]
            completed[own[0]] = dataclasses.replace(it, run=protos.ran_by(it.run, info))
        else:
            refuse(
                f"{file}: says what ran a model, not how fast: name it beside the one result proto "
                f"of its folder. Received: {len(own)}."
            )
    return completed


_SAYS_MORE = (
    protos.FORM,
    litert_benchmark.JSON_FORM,
    litert_benchmark.TEXT_FORM,
    benchmark_log.FORM,
    benchmark_log.ANDROID_FORM,
)
"""Kinds of files in which one run may stand twice; of equal ones a later one is taken."""


def _said(found: FoundRun) -> tuple[bool, bool, int]:
    """How much the file of a run says of it."""
    run = found.run
    rank = _SAYS_MORE.index(run.form) if run.form in _SAYS_MORE else len(_SAYS_MORE)
    return bool(run.model_name), bool(run.threads), rank


def _once(found: Sequence[FoundRun], note: Callable[[str], None]) -> list[FoundRun]:
    """Each run from the file of its folder that says most, and the rest from the others."""
    kept = list(found)
    for it in sorted(found, key=_said):
        twin = next((other for other in kept if _says_more(other, it)), None)
        if twin:
            note(f"{it.title}: is of the same run as {twin.title}, which says more; taken once.")
            kept[kept.index(twin)] = dataclasses.replace(twin, run=_filled(twin.run, it.run))
            kept.remove(it)
    return kept


def _filled(run: ForeignRun, other: ForeignRun) -> ForeignRun:
    """The run with what only the other file of it knows."""
    known = other.engine.delegate != UNKNOWN and run.engine.delegate == UNKNOWN
    return dataclasses.replace(
        run,
        engine=dataclasses.replace(
            run.engine,
            delegate=other.engine.delegate,
            nodes=other.engine.nodes,
            delegated_nodes=other.engine.delegated_nodes,
        )
        if known
        else run.engine,
        peak_memory_bytes=run.peak_memory_bytes or other.peak_memory_bytes,
    )


def _says_more(log: FoundRun, short: FoundRun) -> bool:
    """Whether both are of one run, by every number that both have, and the first says more."""
    if not {log.run.form, short.run.form} <= set(_SAYS_MORE) or _said(log) <= _said(short):
        return False
    if log.file.absolute().parent != short.file.absolute().parent:
        return False
    if log.run.form == short.run.form or short.run.model_name not in ("", log.run.model_name):
        return False
    return same_times(log.run, short.run)


def same_times(one: ForeignRun | Benchmark, other: ForeignRun | Benchmark) -> bool:
    """Whether every statistic that two runs of tools have is the same but for rounding."""
    left, right = one.measurement.statistics, other.measurement.statistics
    if left is None or right is None or left.count != right.count:
        return False
    names = ("min_us", "max_us", "mean_us", "p5_us", "median_us", "p95_us")
    pairs = [(getattr(left, name), getattr(right, name)) for name in names]
    pairs.append((one.init_us, other.init_us))
    return all(
        a is None or b is None or math.isclose(a, b, rel_tol=2e-5, abs_tol=0.51) for a, b in pairs
    )
