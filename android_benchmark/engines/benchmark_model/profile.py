"""The operator profile: where the time of a run goes."""

from __future__ import annotations

import dataclasses
import enum
import re

from android_benchmark.engines.benchmark_model.text import statistic, table
from android_benchmark.engines.benchmark_model.text.number import INTEGER, integer
from android_benchmark.engines.benchmark_model.text.statistic import LoggedStatistics
from android_benchmark.engines.benchmark_model.text.table import Header, ProfileRow


class Phase(enum.Enum):
    """What a profile covers; UNKNOWN where no heading says so, as in LiteRT's own tool."""

    INITIALIZATION = "initialization"
    RUNS = "runs"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Table:
    """One table under its title, such as `Run Order`."""

    title: str
    rows: tuple[ProfileRow, ...]


@dataclasses.dataclass(frozen=True)
class OperatorProfile:
    """The tables of one phase and subgraph.

    Attributes:
        phase: What was profiled.
        subgraph: Index; None of the primary graph.
        tables: In the order of the text.
        timings: Sum over all operators of a run, in microseconds. None in LiteRT's newest
            layout, which prints the number of nodes as the number of runs.
        nodes_executed, nodes_observed: As the tool counts them.
        ended: Whether its last line was seen.
    """

    phase: Phase = Phase.UNKNOWN
    subgraph: int | None = None
    tables: tuple[Table, ...] = ()
    timings: LoggedStatistics | None = None
    nodes_executed: int | None = None
    nodes_observed: int | None = None
    ended: bool = False

    def rows(self, title: str) -> tuple[ProfileRow, ...]:
        """Rows of the table `title`; none if there is no such table."""
        return next((it.rows for it in self.tables if it.title == title), ())


RUN_ORDER = "Run Order"
"""Title of the table that lists every operator once, in the order that they ran."""

_TITLES = (
    RUN_ORDER,
    "Top by Computation Time",
    "Top by Memory Use",
    "Summary by node type",
    "Delegate Statistics",
)
_HEADINGS = {
    "Profiling Info for Benchmark Initialization:": Phase.INITIALIZATION,
    "Operator-wise Profiling Info for Regular Benchmark Runs:": Phase.RUNS,
}
_SUBGRAPH = re.compile(rf"Subgraph \(index: ({INTEGER})[^()]{{0,200}}\) ")
_EXECUTED = re.compile(rf"Number of nodes executed: ({INTEGER})")
_OBSERVED = re.compile(rf"({INTEGER}) nodes observed")
_TIMINGS = "Timings (microseconds): "
_MEMORY = "Memory (bytes): "


class ProfileReader:
    """Collects profiles from the lines of an output, one by one."""

    def __init__(self) -> None:
        self.profiles: list[OperatorProfile] = []
        self.malformed = ""
        """The first line within a table that looks like a row and cannot be read."""
        self._open: OperatorProfile | None = None
        self._phase = Phase.UNKNOWN
        self._subgraph: int | None = None
        self._title = ""
        self._header: Header | None = None
        self._rows: list[ProfileRow] = []

    def read(self, text: str) -> bool:
        """Take a line; return whether it belongs to a profile."""
        stripped = text.strip(" \t")
        if not stripped:
            self._end_table()
            return False
        if self._header is not None and (row := table.row(text, self._header)):
            self._rows.append(row)
            return True
        if header := table.header(text):
            self._begin_table(header)
            return True
        if self._read_heading(stripped) or self._read_end(stripped):
            return True
        if self._header is not None and (text.startswith("\t") or "%" in text):
            self.malformed = self.malformed or stripped
        return False

    def close(self) -> None:
        """End whatever is still open, as not ended."""
        self._end_table()
        if self._open is not None:
            self.profiles.append(self._open)
        self._open = None

    def _read_heading(self, text: str) -> bool:
        if text in _HEADINGS:
            self.close()
            self._phase, self._subgraph = _HEADINGS[text], None
            return True
        if text.startswith("Primary graph ") and text.endswith(":"):
            self._subgraph = None
            return True
        match = _SUBGRAPH.match(text)
        if match and text.endswith(":"):
            self._subgraph = integer(match[1])
            return True
        title = text.strip("=").strip(" ")
        if text.startswith("=====") and text.endswith("=====") and title in _TITLES:
            self._end_table()
            self._title = title
            return True
        return False

    def _read_end(self, text: str) -> bool:
        if match := _SUBGRAPH.match(text):
            text = text[match.end() :]
        if match := _EXECUTED.fullmatch(text):
            self._end_table()
            self._change(nodes_executed=integer(match[1]))
        elif text.startswith(_TIMINGS):
            self._end_table()
            self._change(timings=statistic.read(text.removeprefix(_TIMINGS)))
        elif match := _OBSERVED.fullmatch(text):
            self._end_table()
            self._change(nodes_observed=integer(match[1]), ended=True)
            self.close()
        else:
            return text.startswith(_MEMORY)
        return True

    def _begin_table(self, header: Header) -> None:
        self._end_table()
        again = self._open is not None and any(it.title == self._title for it in self._open.tables)
        if again:
            self.close()
        if self._open is None:
            self._open = OperatorProfile(self._phase, self._subgraph)
        self._header = header

    def _end_table(self) -> None:
        if self._header is not None and self._open is not None:
            ended = Table(self._title, tuple(self._rows))
            self._open = dataclasses.replace(self._open, tables=(*self._open.tables, ended))
        self._header, self._rows = None, []

    def _change(self, **fields: object) -> None:
        # Lines about a profile of which nothing else was seen say nothing.
        if self._open is not None:
            self._open = dataclasses.replace(self._open, **fields)  # type: ignore[arg-type]
