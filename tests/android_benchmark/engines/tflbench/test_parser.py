"""Reading the engine's output, whole, cut off or damaged."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark.engines.tflbench import parse
from android_benchmark.engines.tflbench.record import AppliedDelegate

TENSOR = {
    "index": 0,
    "name": "alpha",
    "dtype": "uint8",
    "shape": [1, 2, 2, 1],
    "scale": 0.00390625,
    "zero_point": 0,
    "size_bytes": 4,
    "fnv1a64": "658e67dfa58c8778",
}


START = {
    "event": "start",
    "format": 1,
    "version": "1.0.0",
    "runtime": "2.20.0",
    "library": "./lib.so",
    "graph": "model.tflite",
    "num_threads": 1,
    "warmup_runs": 1,
    "warmup_min_secs": 0.5,
    "num_runs": 3,
    "min_secs": 1,
    "max_secs": 150,
    "run_delay": 0,
    "use_xnnpack": True,
    "enable_op_profiling": True,
}


OP = {
    "event": "op",
    "position": 0,
    "name": "CONV_2D",
    "inside_delegate": False,
    "index": 0,
    "subgraph": 0,
    "count": 3,
    "total_ns": 900,
}


EVENTS = [
    START,
    {"event": "init", "model_ns": 1, "interpreter_ns": 2, "allocate_ns": 3},
    {
        "event": "delegate",
        "name": "XNNPACK",
        "nodes": 133,
        "delegated_nodes": 131,
        "partitions": 1,
    },
    {"event": "input", **TENSOR, "source": "noise"},
    {"event": "warmup", "first": 0, "samples_ns": [900]},
    {"event": "runs", "first": 0, "samples_ns": [400, 500]},
    {"event": "runs", "first": 2, "samples_ns": [300]},
    {
        "event": "statistics",
        "count": 3,
        "mean_ns": 400,
        "std_ns": 81.6,
        "min_ns": 300,
        "p5_ns": 310,
        "median_ns": 400,
        "p90_ns": 480,
        "p95_ns": 490,
        "p99_ns": 498,
        "max_ns": 500,
    },
    {"event": "memory", "start_peak_bytes": 10, "init_peak_bytes": 20, "peak_bytes": 30},
    {"event": "output", **TENSOR},
    {"event": "op_profile", "runs": 3, "ops": 1, "failure": None},
    OP,
    {"event": "end", "warmup_runs": 1, "runs": 3, "inputs": 1, "outputs": 1},
]


def _text(events=EVENTS):
    return "".join(json.dumps(event) + "\n" for event in events)


def _without(*names):
    return [event for event in EVENTS if event["event"] not in names]


def test_whole_output_is_complete():
    """Every event has its place in the report; chunks of samples are joined."""
    report = parse(_text(), "INFO: Created delegate.\n", 0)
    assert (report.complete, report.problems) == (True, ())
    assert (report.warmup_ns, report.samples_ns) == ((900,), (400, 500, 300))
    assert report.start.min_secs == 1.0 and report.init.allocate_ns == 3
    assert report.delegate == AppliedDelegate("XNNPACK", 133, 131, 1)
    assert report.outputs[0].shape == (1, 2, 2, 1) and report.outputs[0].source is None
    assert report.op_profile.ops[0].total_ns == 900


@pytest.mark.parametrize("length", range(0, len(_text()) - 1, 97))
def test_cut_off_output_is_never_complete(length):
    """Wherever an output is cut, what came before is kept and the cut is told."""
    report = parse(_text()[:length], "", 0)
    assert not report.complete
    assert "the output is cut off: its last line, `end`, is missing" in report.problems
    assert report.samples_ns == (400, 500, 300)[: len(report.samples_ns)]


@pytest.mark.parametrize("missing", sorted({event["event"] for event in EVENTS} - {"op_profile"}))
def test_lost_line_is_noticed(missing):
    """An output that lacks any one kind of line is no whole output."""
    report = parse(_text(_without(missing)), "", 0)
    assert report.problems
    assert report.complete is (missing == "op")


def test_lost_chunk_is_noticed():
    """Samples that are missing in the middle are told by number."""
    report = parse(_text([event for event in EVENTS if event.get("first") != 0]), "", 0)
    assert "samples of `runs` are missing before number 2" in report.problems
    assert not report.complete


def test_other_programs_lines_are_passed_over():
    """A shell that mixes stderr into stdout, and ends lines its own way, changes nothing."""
    mixed = "INFO: Initialized.\r\n" + _text().replace("\n", "\r\nWARNING: linker: …\r\n")
    assert parse(mixed, "", 0) == parse(_text(), "", 0)


@pytest.mark.parametrize("where", ["stdout", "stderr"])
def test_the_engines_complaint_is_a_problem(where):
    """What the engine complains of is found in either stream, without its prefix."""
    complaint = "tflbench: error: the tensors cannot be allocated.\n"
    streams = {"stdout": _text([START]), "stderr": ""}
    streams[where] += complaint
    assert parse(**streams, returncode=1).problems[0] == "the tensors cannot be allocated."


def test_exit_code_counts():
    """A whole output of a failed program is not complete."""
    report = parse(_text(), "", 139)
    assert report.problems == ("the engine ended with exit code 139",) and not report.complete


def test_other_format_is_a_problem():
    """An output of another version of the engine is not taken for ours."""
    events = [START | {"format": 2}, *EVENTS[1:]]
    assert parse(_text(events), "", 0).problems == ("the output has format 2, 1 is understood",)


TRACED = {
    "event": "traced_op",
    "name": "CONV_2D",
    "inside_delegate": True,
    "index": 0,
    "subgraph": 0,
}


@pytest.mark.parametrize(
    ("announced", "failure", "told"),
    [(2, None, None), (3, None, "2 operators arrived, 3 were announced"), (0, "died", "died")],
)
def test_trace_is_read(announced, failure, told):
    """Traced operators come in order; one that is missing, or a failure, is told."""
    end = {"event": "trace", "ops": announced, "failure": failure}
    report = parse(_text([*EVENTS[:-1], TRACED, TRACED | {"index": 1}, end, EVENTS[-1]]), "", 0)
    assert report.complete and report.trace.failure == told
    assert [op.index for op in report.trace.ops] == [0, 1]


def test_failed_profile_is_told():
    """A profiler that crashed after its first lines leaves these, and the reason."""
    events = [*EVENTS[:-1], {**EVENTS[10], "ops": 0, "failure": "crashed"}, EVENTS[-1]]
    report = parse(_text(events), "", 0)
    assert report.op_profile.failure == "crashed" and len(report.op_profile.ops) == 1
    assert report.complete and "crashed" in report.problems[0]


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({**EVENTS[1], "model_ns": "1"}, "`model_ns` has a value of the wrong type"),
        ({**EVENTS[1], "model_ns": True}, "`model_ns` has a value of the wrong type"),
        ({**EVENTS[1], "model_ns": 10**30}, "`model_ns` has a value of the wrong type"),
        ({**EVENTS[1], "model_ns": None}, "`model_ns` has a value of the wrong type"),
        ({"event": "init", "model_ns": 1}, "`interpreter_ns` is missing"),
        ({**EVENTS[7], "mean_ns": math.nan}, "`mean_ns` has a value of the wrong type"),
        ({**EVENTS[5], "samples_ns": [1, "2"]}, "`samples_ns` has a value of the wrong type"),
        ({"event": "surprise"}, "an unknown event"),
        ({"event": ["start"]}, "an unknown event"),
        (START, "a second `start`"),
    ],
)
def test_wrong_line_is_told_and_left_out(event, problem):
    """A line that is not what the engine prints is named with its number."""
    report = parse(_text([*EVENTS, event]), "", 0)
    assert report.problems[0] == f"line 14 of the output: {problem}"
    assert report.samples_ns == (400, 500, 300)


NUMBERS = [
    (event, name)
    for event in EVENTS
    for name, value in event.items()
    if isinstance(value, (int, float))
    and not isinstance(value, bool)
    and name not in ("zero_point", "index", "subgraph")
]


@pytest.mark.parametrize(("event", "name"), NUMBERS)
@pytest.mark.parametrize("value", [-1, -0.5, -math.inf, math.nan])
def test_no_number_below_0_is_taken(event, name, value):
    """Durations, sizes and numbers of things are 0 or more, whatever the event."""
    report = parse(_text([event | {name: value}]), "", 0)
    told = "below 0" if value > -math.inf else "the wrong type"
    assert report.damage and (told in report.damage[0] or "wrong type" in report.damage[0])
    assert getattr(report, event["event"], None) in (None, ())


@pytest.mark.parametrize("phase", ["warmup", "runs"])
def test_a_sample_below_0_is_damage(phase):
    """The chunk that holds it is left out, so the output is not whole."""
    events = [
        event | {"samples_ns": [-5, 7]} if event["event"] == phase else event for event in EVENTS
    ]
    report = parse(_text(events), "", 0)
    assert "`samples_ns` is below 0" in report.damage[0] and not report.complete
    assert -5 not in (*report.samples_ns, *report.warmup_ns)


def test_values_that_may_be_below_0_are_read():
    """A zero point is a value of the tensor's type; an index may say that there is none."""
    events = [event | {"zero_point": -128} if "zero_point" in event else event for event in EVENTS]
    assert parse(_text(events), "", 0).outputs[0].zero_point == -128


@pytest.mark.parametrize(
    "changed",
    [{"count": 4}, {"min_ns": 299}, {"max_ns": 501}, {"mean_ns": 401}, {"median_ns": 491}],
)
def test_statistics_of_other_samples_are_damage(changed):
    """A digit that was lost on the way shows where the two disagree."""
    events = [event | changed if event["event"] == "statistics" else event for event in EVENTS]
    said = {"the statistics are not those of the samples", "the percentiles are not in order"}
    assert said & set(parse(_text(events), "", 0).damage)


def test_a_delegate_cannot_take_more_than_there_is():
    """131 of 13 nodes is a digit that was lost."""
    events = [event | {"nodes": 13} if event["event"] == "delegate" else event for event in EVENTS]
    assert parse(_text(events), "", 0).damage == ("the delegate took 131 of 13 nodes",)


def test_of_two_values_of_one_key_none_is_taken():
    """Nothing tells which is right."""
    line = _text([EVENTS[1]]).replace("{", '{"model_ns": 5, ')
    assert parse(line, "", 0).init is None and parse(line, "", 0).damage


def test_deep_nesting_is_damage():
    """Text that overruns a reader of JSON is one more damaged line."""
    assert "damaged" in parse('{"a":' * 100_000, "", 0).problems[0]


@given(stdout=st.text(), stderr=st.text(), returncode=st.integers())
def test_reading_never_fails(stdout, stderr, returncode):
    """No text makes the reader fail, or is taken for a complete output."""
    assert not parse(stdout, stderr, returncode).complete


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(data=st.data())
def test_damaged_events_never_fail(data):
    """Events whose fields are replaced, cut and mixed with others are read without failing."""
    lines = []
    for event in data.draw(st.lists(st.sampled_from(EVENTS), max_size=20)):
        changed = dict(event)
        for key in data.draw(st.lists(st.sampled_from(sorted(event)), max_size=2)):
            changed[key] = data.draw(_json)
        text = json.dumps(changed)
        lines.append(text[: data.draw(st.integers(0, 2 * len(text)))])
    report = parse("\n".join(lines), "", 0)
    assert all(isinstance(sample, int) for sample in report.samples_ns)
