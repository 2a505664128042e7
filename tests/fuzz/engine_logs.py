"""Mutated logs of the engines and of the instruction counter.

Whatever a reader takes from a damaged log stands there, where that quantity stands, and is
possible: it is found again by a second reading that shares no code with the first. The rest is
refused with one of the project's errors.
"""

from __future__ import annotations

import json
import math
import random
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from android_benchmark import Settings, errors
from android_benchmark.cost import counter
from android_benchmark.engines import BenchmarkModel, benchmark_model, tflbench
from android_benchmark.engines.own import Tflbench
from android_benchmark.instructions import CLASSES
from android_benchmark.phone.adb import Completed
from android_benchmark.phone.engine import EngineResult
from tests.fuzz.outcome import Outcome
from tests.support import FIXTURES

CAMPAIGN = 100_000

RECORDED = tuple(
    path.read_text(encoding="utf-8")
    for path in sorted((FIXTURES / "benchmark_model").glob("*.txt"))
    if not path.name.startswith("help")
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


# --- Logs of tflbench and of the counter -----------------------------------------


def own_log(random_: random.Random) -> str:
    """What tflbench prints of a run with a profile."""
    warmup = [random_.randrange(10**5, 10**7) for _ in range(random_.randrange(1, 4))]
    runs = [random_.randrange(10**5, 10**7) for _ in range(random_.randrange(1, 12))]
    ordered, mean = sorted(runs), math.fsum(runs) / len(runs)
    tensor = {"index": 0, "name": "a", "dtype": "uint8", "shape": [1, 4], "scale": 0.1}
    tensor |= {"zero_point": -3, "size_bytes": 4, "fnv1a64": "658e67dfa58c8778"}
    cut = len(runs) // 2
    events = [
        {
            **{
                "event": "start",
                "format": 1,
                "version": "1.0.0",
                "runtime": "2.20",
                "library": "l",
            },
            **{"graph": "m", "num_threads": 1, "warmup_runs": 1, "warmup_min_secs": 0.5},
            **{"num_runs": 3, "min_secs": 1, "max_secs": 150, "run_delay": 0},
            **{"use_xnnpack": True, "enable_op_profiling": True},
        },
        {"event": "init", "model_ns": 10, "interpreter_ns": 20, "allocate_ns": 30},
        {"event": "delegate", "name": "XNNPACK", "nodes": 9, "delegated_nodes": 7, "partitions": 3},
        {"event": "input", **tensor, "source": "noise"},
        {"event": "warmup", "first": 0, "samples_ns": warmup},
        {"event": "runs", "first": 0, "samples_ns": runs[:cut]},
        {"event": "runs", "first": cut, "samples_ns": runs[cut:]},
        {
            "event": "statistics",
            "count": len(runs),
            "mean_ns": float(f"{mean:.9g}"),
            "std_ns": 1.5,
            "min_ns": ordered[0],
            **{f"{name}_ns": ordered[0] for name in ("p5", "median", "p90", "p95", "p99")},
            "max_ns": ordered[-1],
        },
        {"event": "memory", "start_peak_bytes": 1, "init_peak_bytes": 2, "peak_bytes": 3},
        {"event": "output", **tensor},
        {"event": "op_profile", "runs": 3, "ops": 1, "failure": None},
        {
            **{"event": "op", "position": 0, "name": "CONV_2D", "inside_delegate": False},
            **{"index": 0, "subgraph": 0, "count": 3, "total_ns": 900},
        },
        {
            **{"event": "end", "warmup_runs": len(warmup), "runs": len(runs)},
            **{"inputs": 1, "outputs": 1},
        },
    ]
    return "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in events)


def counter_log(random_: random.Random) -> str:
    """What the plugin writes of two runs and a traced one."""
    head = {"event": "counter", "format": 1, "classes": [*CLASSES]}
    lines, counts = [json.dumps(head)], [0] * len(CLASSES)
    for mark in (1, 3, 4, 3, 4, 5, None, None, None, 0x10000, None, 0x20000, None, 6):
        counts = [count + random_.randrange(1, 10**6) for count in counts]
        kind = {"event": "clock"} if mark is None else {"event": "mark", "mark": mark}
        lines.append(json.dumps({**kind, "threads": 1, "counts": counts}))
    return "\n".join(lines) + "\n"


# --- Damage ------------------------------------------------------------------------


def damaged(text: str, other: str, random_: random.Random) -> str:
    """A log after one to three accidents."""
    for _ in range(random_.randrange(1, 4)):
        text = random_.choice(_ACCIDENTS)(text, other, random_)
    return text


def _number(text: str, other: str, random_: random.Random) -> str:
    """Another number in the place of one."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return text
    spot = random_.choice(found)
    words = ["-1", "0", "nan", "-nan", "inf", "NaN", "Infinity", "1e999", "-0.5", "9" * 30, "true"]
    word = random_.choice(
        [*words, f"-{spot[0]}", f"{spot[0]}0", spot[0][:-1], random_.choice(found)[0]]
    )
    return text[: spot.start()] + word + text[spot.end() :]


def _character(text: str, other: str, random_: random.Random) -> str:
    at = random_.randrange(len(text) + 1)
    word = random_.choice(
        ["", "-", ".", "e", "0", "7", " ", "\n", "\r", "\t", "\x1b[0m", ",", "%", '"']
    )
    return text[:at] + word + text[at + random_.randrange(2) :]


def _cut(text: str, other: str, random_: random.Random) -> str:
    return text[: random_.randrange(len(text) + 1)]


def _lines(text: str, other: str, random_: random.Random) -> str:
    """Lines lost, doubled, exchanged, or from another log."""
    lines, foreign = text.splitlines(keepends=True), other.splitlines(keepends=True)
    one, two = (random_.randrange(len(lines) + 1) for _ in range(2))
    act = random_.randrange(4)
    if act == 0:
        del lines[min(one, two) : max(one, two)]
    elif act == 1:
        lines[one:one] = lines[two : two + 3]
    elif act == 2 and max(one, two) < len(lines):
        lines[one], lines[two] = lines[two], lines[one]
    elif foreign:
        lines[one:one] = random_.choices(foreign, k=2)
    return "".join(lines)


def _into_a_line(text: str, other: str, random_: random.Random) -> str:
    """Two programs write at once."""
    at, words = random_.randrange(len(text) + 1), ("WARNING: linker: x\n", "\n", "count=3 curr=7\n")
    return text[:at] + random_.choice(words) + text[at:]


def _line_ends(text: str, other: str, random_: random.Random) -> str:
    return text.replace("\n", "\r\n")


_ACCIDENTS: tuple[Callable[[str, str, random.Random], str], ...] = (
    _number,
    _number,
    _character,
    _cut,
    _lines,
    _into_a_line,
    _line_ends,
)


# --- The second reading --------------------------------------------------------------


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9]*m", "", text.replace("\r", ""))


def _of_benchmark_model(text: str, result: EngineResult) -> Iterator[str]:
    """What of a result does not stand in a log of benchmark_model."""
    said = result.measurement.statistics
    # The prefixes of loggers aside, a count line begins with its word.
    counts = [
        line.partition("count=")[2]
        for line in _plain(text).split("\n")
        if re.match(r"(?:[A-Z]+: ?|\[\S+\] ?|[IWEF]\d{4} .*?\] ?| )*count=", line)
    ]
    if said is None or len(counts) < 2:
        yield "there are statistics without two count lines"
        return
    words = dict(pair.split("=", 1) for pair in f"count={counts[-1]}".split() if "=" in pair)
    same = words.get("curr", "").partition("(")[0]
    for name, value in (
        ("count", said.count),
        ("first", said.first_us),
        ("min", said.min_us),
        ("max", said.max_us),
        ("avg", said.mean_us),
        ("std", said.std_us),
        ("p5", said.p5_us),
        ("median", said.median_us),
        ("p95", said.p95_us),
    ):
        word = words.get(name, same if name not in ("p5", "median", "p95") else None)
        if name == "std" and "std" not in words:
            word = "0"
        if name == "median" and "(all" in words.get("curr", ""):
            word = words.get("median", same)
        if value != (None if word is None else float(word)):
            yield f"{name} is {value}, and the log has {word}"
    if result.init_us is not None:
        found = re.findall(r"(?:Init: |session in |initialization: +)([0-9.e+]+)", _plain(text))
        near = (float(word) * unit for word in found if _is_number(word) for unit in (1, 1000))
        if not any(math.isclose(value, result.init_us, rel_tol=1e-9) for value in near):
            yield f"init is {result.init_us}, and the log has {found}"
    for row in result.profile:
        if row.time_us < 0 or row.calls < 1 or not math.isfinite(row.time_us):
            yield f"an operator takes {row.time_us} in {row.calls} calls"
        if _plain(row.kind) not in _plain(text):
            yield f"there is no operator {row.kind}"
    yield from _impossible(said.min_us, said.max_us, said.mean_us, said.std_us, said.count)


def _is_number(word: str) -> bool:
    return bool(re.fullmatch(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?", word))


def _impossible(*values: float) -> Iterator[str]:
    for value in values:
        if not 0 <= value < math.inf:
            yield f"{value} is no duration and no number of runs"


def _of_tflbench(text: str, result: EngineResult) -> Iterator[str]:
    """What of a result does not stand in a log of tflbench."""
    objects = []
    for line in text.split("\n"):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        objects += [found] if isinstance(found, dict) else []
    for name, samples in (
        ("warmup", result.measurement.warmup_us),
        ("runs", result.measurement.samples_us),
    ):
        there = [s for found in objects if found.get("event") == name for s in found["samples_ns"]]
        if [value / 1000 for value in there] != list(samples):
            yield f"the samples of {name} are {samples}, and the log has {there}"
        yield from _impossible(*samples)
    inits = [found for found in objects if found.get("event") == "init"]
    sums = [sum(found.get(f"{part}_ns", 0) for part in _PARTS) / 1000 for found in inits]
    if result.init_us is not None and result.init_us not in sums:
        yield f"init is {result.init_us}, and the log has {sums}"
    if not result.measurement.samples_us:
        yield "there is a result without a run"


_PARTS = ("model", "interpreter", "allocate")


def _of_counter(text: str, counted: counter.Counted) -> Iterator[str]:
    """What of the counts does not stand in the counter's log."""
    marks = [json.loads(line) for line in text.split("\n") if line]
    begins, ends = (
        [it["counts"] for it in marks if it.get("mark") == mark]
        for mark in (counter.RUN_BEGIN, counter.RUN_END)
    )
    for run, begin, end in zip(counted.runs, begins, ends, strict=True):
        if run.total != sum(end) - sum(begin) or run.total <= 0:
            yield f"a run has {run.total} instructions"
    for kernel in counted.kernels:
        yield from _impossible(kernel.counts.total)


# --- The campaign --------------------------------------------------------------------


class _Reading:
    """One kind of log: what makes it, reads it, and reads it again."""

    def __init__(self, make: Callable, read: Callable, check: Callable) -> None:
        self.make, self.read, self.check = make, read, check


def _kinds(folder: Path) -> list[_Reading]:
    (folder / "engine").write_bytes(b"")
    official = BenchmarkModel(folder / "engine")
    own = Tflbench.__new__(Tflbench)  # reading needs no bundle
    own.sha256, own.origin, own.libraries = "", "", {}
    return [
        _Reading(
            lambda random_: random_.choice(RECORDED),
            lambda text: official.read(Completed(text, "", 0), Settings(delegate="xnnpack")),
            _of_benchmark_model,
        ),
        _Reading(
            own_log,
            lambda text: own.read(Completed(text, "", 0), Settings(profile=True)),
            _of_tflbench,
        ),
        _Reading(counter_log, counter.read, _of_counter),
    ]


def campaign(cases: int, seed: int) -> Outcome:
    """Read `cases` damaged logs, of each reader in turn."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        kinds = _kinds(Path(folder))
        for case in range(cases):
            random_ = random.Random(f"{seed}:{case}")
            kind = kinds[case % len(kinds)]
            text = damaged(kind.make(random_), kind.make(random_), random_)
            try:
                benchmark_model.parse(text)
                tflbench.parse(text, "", 0)
                problems = list(kind.check(text, kind.read(text)))
            except errors.HarnessError:
                outcome.endings["refused"] += 1
            except Exception as error:
                outcome.failures.append(f"{seed}:{case}: {type(error).__name__}: {error}")
            else:
                outcome.endings["read"] += not problems
                if problems:
                    outcome.failures.append(f"{seed}:{case}: {problems[0]}")
    return outcome
