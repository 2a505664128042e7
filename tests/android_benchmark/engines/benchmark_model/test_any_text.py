"""No text whatsoever makes the parser of `benchmark_model` crash or invent a number."""

import dataclasses
import enum
import math
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from android_benchmark.engines.benchmark_model import parse, probe
from tests.support import FIXTURES

RECORDINGS = sorted((FIXTURES / "benchmark_model").glob("*.txt"))
TEXTS = [path.read_text(encoding="utf-8") for path in RECORDINGS]
LINES = sorted({line for text in TEXTS for line in text.splitlines()})
UNITS = (1, 1e3, 1e6, 2**10, 2**20, 1e-2)
"""What a number of the text may be multiplied with: ms, s, KB, MB, percent."""


@st.composite
def damaged(draw):
    """A recorded output with a piece cut out, a piece doubled, or characters changed."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        begin, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        piece = draw(
            st.sampled_from(["", text[begin:end] * 2, "9" * 400, "nan", "-", "1e999", "\x00", "\r"])
            | st.text(max_size=5)
        )
        text = text[:begin] + piece + text[min(end, begin + 200) :]
    return text


ANYTHING = (
    st.text()
    | st.binary().map(lambda data: data.decode("utf-8", "replace"))
    | st.lists(st.sampled_from(LINES) | st.text(max_size=40), max_size=40).map("\n".join)
    | damaged()
)


def _numbers(value):
    """All numbers in a report that the parser took from the text."""
    if isinstance(value, (bool, enum.Enum, str)) or value is None:
        return
    if isinstance(value, (int, float)):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _numbers(getattr(value, field.name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _numbers(item)
    else:
        for item in value:
            yield from _numbers(item)


def _in_text(text):
    for token in re.findall(r"\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?", text):
        if len(token) < 300:
            yield float(token)


@given(stdout=ANYTHING, stderr=st.just("") | ANYTHING)
@settings(max_examples=400, deadline=None)
def test_nothing_makes_it_crash_or_invent_a_number(stdout, stderr):
    """Every number of the report stands in the text, but for its unit, and is finite."""
    report = parse(stdout, stderr)
    there = sorted(_in_text(f"{stdout}\n{stderr}"))
    allowed = {0.0, *(value * unit for value in there for unit in UNITS)}
    for number in _numbers(report):
        assert math.isfinite(number)
        assert any(math.isclose(abs(number), value, rel_tol=1e-9) for value in allowed), number


@given(help_text=ANYTHING)
@settings(max_examples=200, deadline=None)
def test_nothing_makes_probing_crash(help_text):
    """Flags are those that the text lists, whatever the text is."""
    flags = probe(help_text)
    assert all(flag.name in help_text for flag in flags.flags)
