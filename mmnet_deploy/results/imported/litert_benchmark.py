"""What `litert-benchmark` of ai-edge-litert writes on a computer: `--result_json`, and its text.

Read from its source in the wheel of ai-edge-litert 2.3.0 (`tools/benchmark_litert_model.py`): the
number of runs is the one that was asked for, the standard deviation is that of a sample, and every
time is rounded to 0.01 ms.
"""

from __future__ import annotations

import dataclasses
import re

from android_benchmark import Engine, Flag, Measurement, RunRules, Statistics
from mmnet_deploy import typed
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.imported.run import (
    NO_LIMIT_S,
    UNKNOWN,
    ForeignRun,
    around,
    checked,
    file_name,
    population,
)

JSON_FORM, TEXT_FORM = "litert-benchmark JSON", "litert-benchmark text"
TOOL = "litert-benchmark"

_STEP_US = 10.0
_STEP_BYTES = 0.01 * 2**20
# The tool's CPU accelerator is XNNPACK, with the built-in kernels for what that leaves.
_PLAIN_SIGNATURES = ("", "serving_default")
"""Not told, or the one that converters write."""

_DELEGATES = {"NPU": "npu", "GPU": "gpu", "CPU": "xnnpack"}


@dataclasses.dataclass(frozen=True)
class _Latency:
    """Times in milliseconds."""

    init_ms: float
    warmup_first_ms: float
    warmup_avg_ms: float
    num_warmup_runs: int
    avg_ms: float
    min_ms: float
    max_ms: float
    median_ms: float
    std_ms: float
    p5_ms: float
    p95_ms: float
    num_runs: int


@dataclasses.dataclass(frozen=True)
class _Result:
    """The JSON object; what its text lacks is empty."""

    model: str
    model_size_mb: float | None
    accelerators: tuple[str, ...]
    fully_accelerated: bool
    num_threads: int
    latency: _Latency
    signature: str = ""


def from_json(text: str) -> ForeignRun:
    """A result that `--result_json` wrote.

    Raises:
        ResultError: It is damaged, or its numbers cannot be true.
    """
    try:
        result = typed.from_json(text, _Result)
    except ValueError as error:
        raise ResultError(f"the JSON of litert-benchmark is damaged: {error}") from error
    if not result.accelerators:
        raise ResultError("the JSON of litert-benchmark names no accelerator")
    return _run(result, JSON_FORM)


def _run(result: _Result, form: str, measured_at: str = "") -> ForeignRun:
    it = result.latency
    if it.num_warmup_runs < 0 or result.num_threads < 0:
        raise ResultError("it has a negative number of warm-up runs or of threads")
    statistics = checked(
        Statistics(
            count=it.num_runs,
            first_us=None,
            min_us=1000 * it.min_ms,
            max_us=1000 * it.max_ms,
            mean_us=1000 * it.avg_ms,
            std_us=1000 * population(it.std_ms, it.num_runs),
            p5_us=1000 * it.p5_ms,
            median_us=1000 * it.median_ms,
            p95_us=1000 * it.p95_ms,
            step_us=_STEP_US,
        ),
        [1000 * ms for ms in (it.init_ms, it.warmup_first_ms, it.warmup_avg_ms)],
    )
    delegate, flags = _delegate(result)
    size_mb = result.model_size_mb
    return ForeignRun(
        form=form,
        engine=Engine(TOOL, "", delegate, "" if delegate == UNKNOWN else delegate),
        measurement=Measurement((), (), statistics),
        model_name=file_name(result.model),
        model_bytes=None if size_mb is None else around(size_mb * 2**20, _STEP_BYTES),
        threads=result.num_threads,
        rules=RunRules(it.num_warmup_runs, 0.0, it.num_runs, 0.0, NO_LIMIT_S),
        flags=flags,
        init_us=1000 * it.init_ms,
        engine_flags=()
        if result.signature in _PLAIN_SIGNATURES
        else (f"signature={result.signature}",),
        measured_at=measured_at,
    )


def _delegate(result: _Result) -> tuple[str, tuple[Flag, ...]]:
    """What was asked to run the model, and what the file leaves open of whether it did.

    `fully_accelerated` says that no node was left to the built-in kernels. XNNPACK is an
    accelerator too: beside a GPU it may have run everything.
    """
    unknown = [name for name in result.accelerators if name not in _DELEGATES]
    if unknown:
        raise ResultError(
            f"accelerators must be {', '.join(_DELEGATES)}. Received: {unknown[0][:40]}"
        )
    if not result.accelerators:
        return UNKNOWN, ()
    names = [name for name in _DELEGATES if name in result.accelerators]
    delegate, whole = _DELEGATES[names[0]], result.fully_accelerated
    if delegate == "xnnpack":
        reason = "" if whole else "the built-in kernels ran some nodes; the file does not say which"
        return delegate, (Flag("fully_accelerated", whole, reason, wanted=whole),)
    sure = whole and len(names) == 1
    reason = f"the file does not say how much of the model {delegate} ran"
    return delegate, (Flag("delegate_confirmed", sure, "" if sure else reason),)


# --- The text ----------------------------------------------------------------

_HEADING = "BENCHMARK RESULTS"
# PowerShell writes the program's name before its first line.
_LOGGED = re.compile(
    r"(?:\S{1,200} : )?(?P<when>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}) "
    r"(?P<level>[A-Z]{1,8}) benchmark_litert_model: (?P<text>.*)"
)
_FACT = re.compile(
    r"(Model|Model size|Accelerators|Num threads|Benchmark runs|Using signature) *: +(.*)"
)
_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,9})?)"
_TIME = re.compile(
    r"(Model initialization|Warmup \((?:first|avg)\)|"
    r"Inference \((?:avg|min|max|median|std|p5|p95)\))"
    rf": +{_NUMBER} ms(?: \(([0-9]{{1,12}}) runs\))?"
)
_WHOLE = re.compile(r"Fully accelerated: +(True|False)")
_FIELDS = {
    "Model initialization": "init_ms",
    "Warmup (first)": "warmup_first_ms",
    "Warmup (avg)": "warmup_avg_ms",
    "Inference (avg)": "avg_ms",
    **{
        f"Inference ({name})": f"{name}_ms" for name in ("min", "max", "median", "std", "p5", "p95")
    },
}


def is_text(text: str) -> bool:
    """Whether a text is what the tool prints or logs."""
    return any(line.strip() == _HEADING or _LOGGED.match(line.strip()) for line in text.split("\n"))


class _Reader:
    """One run, line by line."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}
        self.times: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.whole: bool | None = None
        self.when = ""
        self.said: dict[str, str] = {}
        """What may say why a run failed: the first line of the tool, the runtime and Python."""

    @property
    def started(self) -> bool:
        """Whether anything of a run was read."""
        return bool(self.facts or self.times)

    @property
    def done(self) -> bool:
        """Whether the whole block of results was read."""
        return self.whole is not None and set(self.times) == set(_FIELDS.values())

    def read(self, line: str) -> None:
        """Take the next line."""
        if logged := _LOGGED.fullmatch(line):
            if logged["level"] in ("ERROR", "CRITICAL"):
                self.said.setdefault("tool", logged["text"])
            if fact := _FACT.fullmatch(logged["text"]):
                self.facts[fact[1]] = fact[2].strip()
                self.when = logged["when"]
        elif time := _TIME.fullmatch(line):
            field = _FIELDS[time[1]]
            self.times[field] = float(time[2])
            if time[3]:
                self.counts[field] = int(time[3])
        elif whole := _WHOLE.fullmatch(line):
            self.whole = whole[1] == "True"
        elif line.startswith("ERROR: "):
            self.said.setdefault("runtime", line)
        elif re.match(r"\w{0,40}Error: ", line):
            self.said["Python"] = line

    def run(self) -> ForeignRun:
        """The run that was read.

        Raises:
            ResultError: It failed, or something is missing.
        """
        if not self.done:
            reasons = [self.said[who] for who in ("tool", "runtime", "Python") if who in self.said]
            if reasons:
                raise ResultError(f"litert-benchmark failed: {reasons[0][:200].rstrip('.')}")
            raise ResultError(
                "the output of litert-benchmark is cut off: it lacks the results, which it prints "
                "to standard output"
            )
        runs, warmups = self.counts.get("avg_ms"), self.counts.get("warmup_avg_ms")
        if runs is None or warmups is None:
            raise ResultError("the output of litert-benchmark lacks its numbers of runs")
        asked = self.facts.get("Benchmark runs", str(runs))
        if asked != str(runs):
            raise ResultError(f"it contradicts itself: {asked} runs were asked for, {runs} made")
        threads = self.facts.get("Num threads", "0")
        size = re.fullmatch(f"{_NUMBER} MB", self.facts.get("Model size", ""))
        names = self.facts.get("Accelerators", "")
        result = _Result(
            model=self.facts.get("Model", ""),
            model_size_mb=float(size[1]) if size else None,
            accelerators=tuple(name.strip() for name in names.split("|") if name.strip()),
            fully_accelerated=bool(self.whole),
            num_threads=int(threads) if re.fullmatch("[0-9]{1,6}", threads) else 0,
            latency=_Latency(num_runs=runs, num_warmup_runs=warmups, **self.times),
            signature=self.facts.get("Using signature", ""),
        )
        return _run(result, TEXT_FORM, self.when.replace(" ", "T"))


def from_text(text: str) -> list[ForeignRun | ResultError]:
    """The runs of a saved output, standard error with it or not; one that failed is its error."""
    readers = [_Reader()]
    for raw in text.split("\n"):
        line = raw.strip()
        logged = _LOGGED.fullmatch(line)
        begins = logged is not None and logged["text"].startswith("Model: ")
        # Without standard error, the heading is the first line of a run.
        if (begins and readers[-1].started) or (line == _HEADING and readers[-1].times):
            readers.append(_Reader())
        readers[-1].read(line)
    found: list[ForeignRun | ResultError] = []
    for reader in readers:
        try:
            found.append(reader.run())
        except ResultError as error:
            found.append(error)
    return found
