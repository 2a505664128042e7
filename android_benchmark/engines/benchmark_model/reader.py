"""Collects what the lines of one run say; `parser` makes the report of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from android_benchmark.engines.benchmark_model import backend, delegate, failure, summary
from android_benchmark.engines.benchmark_model.backend import Backend
from android_benchmark.engines.benchmark_model.delegate import (
    Application,
    Delegation,
    Fallback,
    Partition,
)
from android_benchmark.engines.benchmark_model.failure import Failure
from android_benchmark.engines.benchmark_model.profile import ProfileReader
from android_benchmark.engines.benchmark_model.summary import Summary
from android_benchmark.engines.benchmark_model.text import statistic
from android_benchmark.engines.benchmark_model.text.line import Line
from android_benchmark.engines.benchmark_model.text.statistic import LoggedStatistics

STARTS = ("STARTING!", "Running TensorFlow Lite benchmark with args")
# What stands before the first count line of every build.
_BEGINNINGS = (*STARTS, "Log parameter values", "Graph: [", "Loaded model", "Initialized session")
_RUNNING = "Running benchmark for at least "
_UNCONSUMED = "Unconsumed cmdline flags:"
# Warnings that builds without prefixes do not mark.
_WARNINGS = ("Duplicate flags: ", "Failed to get the input model file size", "`--use_nnapi=true`")
# At the beginning of a word: `--warmup_count=` and the path `/count=` are none.
_COUNT = re.compile(r"(?<![\w/=-])count=")
_TEXT = 500  # characters of a message that are kept


class RunReader:
    """What was read so far. Of two values of one fact, the first stays and a doubt is noted."""

    def __init__(self) -> None:
        self.profile = ProfileReader()
        self.counts: list[LoggedStatistics | None] = []
        """Count lines in order; None where one is malformed."""
        self.begun = False
        """Whether a line was seen that stands before the first count line."""
        self.running = ""
        """The last line that announces a series of runs."""
        self.classic: Summary | None = None
        self.tf1 = False
        self.litert = False
        self.prefixed = False
        self.profiling = ""
        """What the tool says of profiling: `stdout`, `file`, or nothing."""
        self.block: dict[str, float | None] = {}
        self.memory: dict[str, float | None] = {}
        self.single: dict[str, float | None] = {}
        self.delegations: list[Delegation] = []
        self.applications: list[Application] = []
        self.partitions: list[Partition] = []
        self.backends: list[Backend] = []
        self.fallbacks: list[Fallback] = []
        self.unconsumed: list[str] = []
        self.warnings: list[str] = []
        self.failures: list[Failure] = []
        self.doubts: list[str] = []

    def read(self, line: Line) -> None:
        """Take the next line. One that is not whole is read for messages only."""
        text = line.text.strip(" ")
        self.litert = self.litert or bool(line.source)
        if not text:
            self.profile.read(text)
            return
        if line.whole:
            if self.profile.read(line.text):
                return
            self._read_signs(text, line)
            if self._read_timing(text) or self._read_fact(text):
                return
            self.backends += backend.read(text)
        self._read_message(text, line.severity)

    def _read_signs(self, text: str, line: Line) -> None:
        if text.startswith(_BEGINNINGS) and not self.counts:
            self.begun = True
        if text.startswith(_RUNNING):
            self.running = text
            self.begun = self.begun or not self.counts
        if text.startswith((*_BEGINNINGS, _RUNNING, "count=", "Inference timings in us")):
            self.prefixed = self.prefixed or line.prefixed
        if text == summary.LITERT_HEADING:
            self.litert = True
        if text == "Enable op profiling: [1]":
            self.profiling = self.profiling or "stdout"
        if text.startswith(("CSV File to export profiling", "Op profiling output file.: [")):
            self.profiling = "file"

    def _read_timing(self, text: str) -> bool:
        if _COUNT.search(text):
            self.counts.append(statistic.read(text))
            if self.counts[-1] is None:
                self._doubt(f"a count line is malformed: {text[:200]}")
            return True
        if found := summary.classic(text):
            if self.classic is not None and self.classic != found[0]:
                self._doubt("there are two summaries")
                return True
            self.classic, self.tf1 = found
            return True
        return False

    def _read_fact(self, text: str) -> bool:
        if self.litert and (found := summary.litert(text)):
            self._once(self.block, found[0])
            self._once(self.memory, found[1])
        elif memory := summary.memory(text):
            self._once(self.memory, memory)
        elif (size := summary.model_size_bytes(text)) is not None:
            self._once(self.single, {"model_size_bytes": size})
        elif (session := summary.session_us(text)) is not None:
            self._once(self.single, {"session_us": session})
        elif delegation := delegate.delegation(text):
            self.delegations.append(delegation)
            if delegation.total_nodes is not None and delegation.nodes > delegation.total_nodes:
                self._doubt(f"a delegate took more nodes than there are: {text[:200]}")
        elif partition := delegate.partition(text):
            self.partitions.append(partition)
            if partition.nodes > partition.total_nodes:
                self._doubt(f"a compiler took more operators than there are: {text[:200]}")
        elif application := delegate.application(text):
            self.applications.append(application)
            # Of a delegate that runs nothing, the line is a message as well.
            return application.extent is not delegate.Extent.NOTHING
        else:
            return False
        return True

    def _read_message(self, text: str, severity: str) -> None:
        kept = text if len(text) <= _TEXT else text[:_TEXT] + "…"
        if text.startswith(_UNCONSUMED):
            for word in text.removeprefix(_UNCONSUMED).split():
                self.unconsumed.append(word.removeprefix("--").partition("=")[0][:_TEXT])
        elif fallback := delegate.fallback(text):
            kind, of = fallback
            self.fallbacks.append(Fallback(kind, kept, of))
        elif failed := failure.classify(text, severity):
            self.failures.append(Failure(failed, kept))
        elif severity == "WARN" or text.startswith(_WARNINGS):
            self.warnings.append(kept)

    def _once(self, known: dict[str, float | None], found: Mapping[str, float | None]) -> None:
        for name, value in found.items():
            if known.setdefault(name, value) != value:
                self._doubt(f"there are two values of {name}")

    def _doubt(self, sentence: str) -> None:
        if sentence not in self.doubts:
            self.doubts.append(sentence)
