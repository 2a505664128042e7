"""Android's log: `logcat -v threadtime` (the default), `time`, `brief` and `tag`, as text.

The benchmark app's results arrive here under the tag `tflite`, like those of every other app that
uses the runtime. So only the processes that benchmark count, one text for each.
"""

from __future__ import annotations

import dataclasses
import re

_STAMP = (
    r"(?P<when>(?:[0-9]{4}-)?[0-9]{2}-[0-9]{2} +[0-9]{2}:[0-9]{2}:[0-9]{2})\.[0-9]{3,9}"
    r"(?: [+-][0-9]{4})? +"
)
_FORMATS = (
    re.compile(
        _STAMP + r"(?:[\w.]{1,32} +)?(?P<pid>[0-9]{1,7}) +[0-9]{1,7} +"
        r"(?P<level>[VDIWEFA]) (?P<tag>[^:]*): ?"
    ),
    re.compile(rf"(?:{_STAMP})?(?P<level>[VDIWEFA])/(?P<tag>[^(:]*)\( *(?P<pid>[0-9]{{1,7}})\): ?"),
    # `logcat -v tag`, or an excerpt whose time stamp was cut off. Short, so the tag must be known.
    re.compile(r"(?P<level>[VDIWEFA])[ /](?P<tag>(?:tflite|litert)\w{0,60}) *: ?"),
)
# Only these change what a line means; the tools' own lines have no prefix there.
_PREFIXES = {"W": "WARN: ", "E": "ERROR: ", "F": "FATAL: ", "A": "FATAL: "}
# Who reports the death of a process, under its own process number.
_CRASH_TAGS = frozenset({"libc", "AndroidRuntime"})
_BENCHMARK = (
    "STARTING!",
    "Running TensorFlow Lite benchmark with args",
    "Log parameter values verbosely",
    "Initialized session in",
    "Running benchmark for at least",
    "Inference timings in us",
    "count=",
)


@dataclasses.dataclass(frozen=True)
class _Entry:
    text: str
    level: str
    tag: str
    pid: str
    when: str

    @property
    def ours(self) -> bool:
        """Whether the runtime or the benchmark app wrote it."""
        return self.tag.startswith(("tflite", "litert", "benchmark_model"))


@dataclasses.dataclass(frozen=True)
class ProcessLog:
    """What one process wrote, without the log's prefixes.

    Attributes:
        measured_at: ISO date and time of its last count line; empty where the log has no year.
    """

    text: str
    measured_at: str


def _entry(line: str) -> _Entry | None:
    for pattern in _FORMATS:
        if match := pattern.match(line):
            found = match.groupdict()
            return _Entry(
                line[match.end() :],
                found["level"],
                found["tag"].strip(),
                found.get("pid") or "",
                found.get("when") or "",
            )
    return None


def processes(text: str) -> list[ProcessLog]:
    """What each process that benchmarks wrote, in order; empty where the text is no such log."""
    entries = [entry for line in text.split("\n") if (entry := _entry(line))]
    if not any(entry.ours for entry in entries):
        return []
    pids = dict.fromkeys(
        entry.pid for entry in entries if entry.ours and entry.text.startswith(_BENCHMARK)
    )
    return [_process([entry for entry in entries if entry.pid == pid]) for pid in pids]


def _process(entries: list[_Entry]) -> ProcessLog:
    kept = [
        entry
        for entry in entries
        if entry.ours or (entry.tag in _CRASH_TAGS and entry.level in "EFA" and entry.pid)
    ]
    lines = [f"{_PREFIXES.get(entry.level, '')}{entry.text}\n" for entry in kept]
    stamps = [entry.when for entry in kept if entry.text.startswith("count=")]
    when = re.sub(" +", "T", stamps[-1]) if stamps else ""
    return ProcessLog("".join(lines), when if len(when) == len("2025-01-02T03:04:05") else "")
