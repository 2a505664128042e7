"""What the counting plugin writes (`native/cost/counter.c`), read and checked."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from android_benchmark.errors import UnreadableOutputError
from android_benchmark.instructions import CLASSES, InstructionCounts

FORMAT = 1
"""Version of the plugin's output that is understood: 1, the first."""

# Of `native/clock.h`.
RUN_BEGIN, RUN_END, TRACE_BEGIN, TRACE_END = 3, 4, 5, 6
OP_BEGIN, OP_END = 0x10000, 0x20000


@dataclasses.dataclass(frozen=True)
class Kernel:
    """What ran between two marks of a trace.

    Attributes:
        inside_delegate: Whether the delegate's profiler marked it.
    """

    inside_delegate: bool
    counts: InstructionCounts


@dataclasses.dataclass(frozen=True)
class Counted:
    """Everything that an output tells.

    Attributes:
        runs: Each measured run, in order.
        kernels: The kernels of the traced run in order; a delegate's operator can be several.
        threads: The most threads that the program had at any mark.
    """

    runs: tuple[InstructionCounts, ...]
    kernels: tuple[Kernel, ...]
    threads: int


@dataclasses.dataclass(frozen=True)
class _Event:
    mark: int | None  # None: the program asked for the time
    threads: int
    counts: InstructionCounts


def read(text: str) -> Counted:
    """Read the plugin's output.

    Raises:
        UnreadableOutputError: It is damaged, of another format, a run lacks its end, or what
            only grows became less.
    """
    try:
        head, *lines = (json.loads(line) for line in text.split("\n") if line)
        if head["event"] != "counter" or head["format"] != FORMAT or head["classes"] != [*CLASSES]:
            raise UnreadableOutputError(
                f"The instruction counter's output has format {head['format']}, {FORMAT} is "
                "understood: build it anew (mmnet-deploy engines build counter)."
            )
        events = [_event(line) for line in lines]
        if not text.endswith("\n"):
            raise ValueError("the last line has no end")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableOutputError("The instruction counter's output is damaged.") from error
    return Counted(_runs(events), _kernels(events), max((e.threads for e in events), default=0))


_KINDS = ("mark", "clock")


def _event(line: dict[str, Any]) -> _Event:
    """A line, if all its numbers are what the counter can have counted."""
    mark, kind = line.get("mark"), line["event"]
    counts = InstructionCounts(*line["counts"])
    numbers = (*line["counts"], line["threads"], mark or 0)
    if any(type(number) is not int or number < 0 for number in numbers) or line["threads"] < 1:
        raise ValueError("a number that is no count")
    if kind not in _KINDS or (kind == "mark") != (mark is not None):
        raise ValueError("an unknown event")
    return _Event(mark, line["threads"], counts)


def _runs(events: list[_Event]) -> tuple[InstructionCounts, ...]:
    marks = [event for event in events if event.mark in (RUN_BEGIN, RUN_END)]
    begins, ends = marks[::2], marks[1::2]
    if any(it.mark != RUN_BEGIN for it in begins) or any(it.mark != RUN_END for it in ends):
        raise UnreadableOutputError("The instruction counter saw runs within runs.")
    if len(begins) != len(ends):
        raise UnreadableOutputError("The instruction counter saw a run begin, but not end.")
    runs = tuple(_between(begin, end) for begin, end in zip(begins, ends, strict=True))
    if not all(run.total for run in runs):
        raise UnreadableOutputError("The instruction counter saw a run without instructions.")
    return runs


def _between(begin: _Event, end: _Event) -> InstructionCounts:
    """What ran between two events of one process, whose counts only grow."""
    counts = end.counts - begin.counts
    if min(dataclasses.astuple(counts)) < 0:
        raise UnreadableOutputError("The instruction counter's output has counts that became less.")
    return counts


def _kernels(events: list[_Event]) -> tuple[Kernel, ...]:
    """Kernels of the traced run: from begin to end of an operator, and outside of those from one
    reading of the clock to the next; what lies between the two is the runtime's own work."""
    kernels: list[Kernel] = []
    tracing = False
    begin: _Event | None = None  # of the operator that runs
    clock: _Event | None = None  # the last reading since the last operator
    for event in events:
        tracing = event.mark == TRACE_BEGIN or (tracing and event.mark != TRACE_END)
        if not tracing:
            continue
        if event.mark == OP_BEGIN:
            begin, clock = event, None
        elif event.mark is not None and event.mark >= OP_END:
            if begin is not None:
                kernels.append(Kernel(False, _between(begin, event)))
            begin = None
        elif event.mark is None and begin is None:
            if clock is not None:
                kernels.append(Kernel(True, _between(clock, event)))
            clock = event
    return tuple(kernels)
