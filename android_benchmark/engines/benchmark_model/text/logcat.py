"""Lines of Android's log: `logcat -v threadtime` (the default), `time`, `brief` and `tag`.

The benchmark app's results arrive here under the tag `tflite`, like those of every other app that
uses the runtime. So only the process that benchmarks counts.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

_STAMP = (
    r"(?:[0-9]{4}-)?[0-9]{2}-[0-9]{2} +[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3,9}"
    r"(?: [+-][0-9]{4})? +"
)
_THREADTIME = re.compile(
    _STAMP + r"(?:[\w.]{1,32} +)?([0-9]{1,7}) +[0-9]{1,7} +([VDIWEFA]) ([^:]*): ?"
)
_BRIEF = re.compile(rf"(?:{_STAMP})?([VDIWEFA])/([^(:]*)\( *([0-9]{{1,7}})\): ?")
# `logcat -v tag`, or an excerpt whose time stamp was cut off. Short, so the tag must be known.
_TAG = re.compile(r"([VDIWEFA])[ /]((?:tflite|litert)\w{0,60}) *: ?")

_SEVERITIES = {
    "V": "VERBOSE",
    "D": "DEBUG",
    "I": "INFO",
    "W": "WARN",
    "E": "ERROR",
    "F": "FATAL",
    "A": "FATAL",
}
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
class Entry:
    """One line of the log; `pid` is empty in formats that do not show it."""

    text: str
    severity: str
    tag: str
    pid: str

    @property
    def ours(self) -> bool:
        """Whether the runtime or the benchmark app wrote it."""
        return self.tag.startswith(("tflite", "litert"))


def read(text: str) -> Entry | None:
    """`text` without its prefix, or None where it has none."""
    if match := _THREADTIME.match(text):
        pid, letter, tag = match.groups()
    elif match := _BRIEF.match(text):
        letter, tag, pid = match.groups()
    elif match := _TAG.match(text):
        (letter, tag), pid = match.groups(), ""
    else:
        return None
    return Entry(text[match.end() :], _SEVERITIES[letter], tag.strip(), pid or "")


def of_last_process(entries: Sequence[Entry | None]) -> tuple[list[bool], int]:
    """Which lines belong to the last process that benchmarks, and how many such there are.

    Lines that are not of a log are always kept. Of a process's own death, errors are kept.
    """
    pids = [
        entry.pid
        for entry in entries
        if entry and entry.ours and entry.pid and entry.text.startswith(_BENCHMARK)
    ]
    last = pids[-1] if pids else None

    def belongs(entry: Entry | None) -> bool:
        if entry is None:
            return True
        if last is not None and entry.pid and entry.pid != last:
            return False
        if entry.ours:
            return True
        dying = entry.tag in _CRASH_TAGS and entry.severity in ("ERROR", "FATAL")
        return dying and entry.pid != "" and entry.pid == last

    return [belongs(entry) for entry in entries], len(set(pids))
