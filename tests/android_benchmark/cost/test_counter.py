"""Reading what the counting plugin writes."""

import pytest

from android_benchmark.cost import counter
from android_benchmark.errors import UnreadableOutputError
from android_benchmark.instructions import CLASSES
from tests.support.counting import NATIVE

HEAD = '{"event":"counter","format":1,"classes":["' + '","'.join(CLASSES) + '"]}\n'


def _line(mark, number):
    event = '"event":"clock"' if mark is None else f'"event":"mark","mark":{mark}'
    return f'{{{event},"threads":1,"counts":[{number},0,0,0,0,0]}}\n'


def test_runs_and_kernels_are_told_apart():
    """Runs lie between their marks; in a trace, operators hide the readings of the clock within."""
    marks = [(3, 10), (4, 30), (3, 40), (4, 61), (None, 70), (5, 80)]
    marks += [(None, 90), (None, 95), (None, 103)]  # two kernels of a delegate
    marks += [(0x10000, 110), (None, 112), (None, 113), (0x20000, 120)]  # an operator
    marks += [(None, 130), (None, 131), (6, 140), (None, 150), (None, 160)]
    counted = counter.read(HEAD + "".join(_line(*mark) for mark in marks))
    assert [run.total for run in counted.runs] == [20, 21]
    found = [(kernel.inside_delegate, kernel.counts.fma) for kernel in counted.kernels]
    assert found == [(True, 5), (True, 8), (False, 10), (True, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        HEAD.replace('"format":1', '"format":2'),
        HEAD.replace("fma", "fmb"),
        HEAD + _line(3, 1),
        HEAD + _line(3, 1).replace(",0]", "]"),
        HEAD + _line(3, 1)[:20],
        "[]\n",
        HEAD + _line(3, 1) + _line(4, 5)[:-1],
        HEAD + _line(3, 9) + _line(4, 5),
        HEAD + _line(3, -9) + _line(4, 5),
        HEAD + _line(3, 5) + _line(4, 5),
        HEAD + _line(3, 1) + _line(4, "NaN"),
        HEAD + _line(3, 1) + _line(4, "Infinity"),
        HEAD + _line(3, 1) + _line(4, 5.5),
        HEAD + _line(3, "true") + _line(4, 5),
        HEAD + _line(3, 1) + _line(4, 5).replace('"threads":1', '"threads":0'),
        HEAD + _line(4, 1) + _line(3, 5),
        HEAD + _line(3, 1) + _line(3, 2) + _line(4, 5) + _line(4, 6),
        HEAD + _line(5, 1) + _line(0x10000, 9) + _line(0x20000, 8) + _line(6, 10),
        HEAD + '{"a":' * 100_000,
    ],
)
def test_damaged_output_is_refused(text):
    """Output that is cut off, damaged or of another format is one clear error."""
    with pytest.raises(UnreadableOutputError):
        counter.read(text)


def test_marks_are_those_of_the_engine():
    """The reader's numbers are those of the engine's header."""
    header = (NATIVE / "clock.h").read_text()
    for name in ("RUN_BEGIN", "RUN_END", "TRACE_BEGIN", "TRACE_END", "OP_BEGIN", "OP_END"):
        value = header.split(f"MARK_{name} = ")[1].split(",")[0]
        assert int(value, 0) == getattr(counter, name)
