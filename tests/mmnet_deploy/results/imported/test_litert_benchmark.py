"""JSON and text of litert-benchmark."""

import json
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from android_benchmark import Flag, RunRules
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.imported import litert_benchmark, recognition
from mmnet_deploy.results.imported.run import NO_LIMIT_S
from tests.support.foreign_results import IMPORTED, litert_json

PRECISIONS = ("float32", "int8")


def recorded(name):
    return (IMPORTED / f"litert_benchmark_{name}").read_text(encoding="utf-8")


def test_recorded_json_is_read():
    """Times in microseconds, the deviation as that of a population, and what was asked for."""
    run = litert_benchmark.from_json(recorded("int8.json"))
    said = run.measurement.statistics
    assert (said.count, said.mean_us, said.min_us, said.max_us) == (50, 920, 460, 8490)
    assert (said.p5_us, said.median_us, said.p95_us, said.step_us) == (460, 460, 4050, 10)
    assert said.first_us is None
    assert said.std_us == pytest.approx(1650 * (49 / 50) ** 0.5)
    assert run.rules == RunRules(5, 0.0, 50, 0.0, NO_LIMIT_S)
    assert (run.threads, run.init_us) == (1, 9950)
    assert run.model_name == "mmnet-0.5-128-int8.tflite"
    low, high = run.model_bytes
    assert low <= 181256 <= high and high - low < 11_000
    assert (run.engine.name, run.engine.delegate) == ("litert-benchmark", "xnnpack")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_recorded_text_says_the_same_as_its_json(precision):
    """Both are of one run; the log has a date besides."""
    one = litert_benchmark.from_json(recorded(f"{precision}.json"))
    (other,) = recognition.read(recorded(f"{precision}.txt").encode()).runs
    assert one.measurement == other.measurement
    for name in ("engine", "model_name", "threads", "rules", "flags", "init_us", "engine_flags"):
        assert getattr(one, name) == getattr(other, name), name
    assert other.measured_at.startswith("2026-11-29T10:17:3")


def test_results_alone_leave_the_rest_unknown():
    """Standard output does not hold the model, the threads and the accelerators."""
    text = recorded("int8.txt")
    (run,) = litert_benchmark.from_text(text[text.index("=====") :])
    assert (run.model_name, run.threads, run.engine.delegate) == ("", 0, "unknown")
    assert run.flags == ()


def test_an_appended_log_holds_several_runs():
    """Each is read by itself, and one that failed is named by its own words."""
    texts = [recorded(name) for name in ("float32.txt", "failed.txt", "int8.txt", "refused.txt")]
    found = litert_benchmark.from_text("".join(texts))
    names = [str(it) if isinstance(it, ResultError) else it.model_name for it in found]
    assert names[0] == "mmnet-0.5-128-float32.tflite"
    assert "No adapters found" in names[1]
    assert names[2] == "mmnet-0.5-128-int8.tflite"
    assert "--require_full_delegation was set" in names[3]


def test_a_text_without_results_is_cut():
    """What comes before the block is not enough."""
    text = recorded("int8.txt")
    for end in ("Inference (max)", "Fully accelerated:     "):
        (found,) = litert_benchmark.from_text(text[: text.index(end)])
        assert isinstance(found, ResultError) and "cut off" in str(found)


@pytest.mark.parametrize(
    ("accelerators", "whole", "delegate", "confirmed"),
    [
        (["CPU"], True, "xnnpack", None),
        (["CPU"], False, "xnnpack", None),
        (["GPU"], True, "gpu", True),
        (["GPU"], False, "gpu", False),
        (["GPU", "CPU"], True, "gpu", False),
        (["NPU", "GPU", "CPU"], True, "npu", False),
    ],
)
def test_an_accelerator_is_confirmed_only_where_nothing_else_could_run(
    accelerators, whole, delegate, confirmed
):
    """`fully_accelerated` counts XNNPACK too, which may have run everything."""
    run = litert_benchmark.from_json(
        litert_json(accelerators=accelerators, fully_accelerated=whole)
    )
    assert run.engine.delegate == delegate
    told = [flag.holds for flag in run.flags if flag.name == "delegate_confirmed"]
    assert told == ([] if confirmed is None else [confirmed])
    assert all(flag.good for flag in run.flags) == (confirmed is not False)


def test_nodes_of_the_built_in_kernels_are_told_and_no_fault():
    """An int8 file with uint8 ends leaves two nodes to them."""
    run = litert_benchmark.from_json(recorded("int8.json"))
    (flag,) = run.flags
    assert isinstance(flag, Flag) and flag.label == "not fully accelerated" and flag.good


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"avg_ms": float("nan")}, "damaged"),
        ({"avg_ms": float("inf")}, "damaged"),
        ({"avg_ms": "1.5"}, "damaged"),
        ({"avg_ms": None}, "damaged"),
        ({"min_ms": -1.0}, "impossible time"),
        ({"init_ms": -1.0}, "impossible time"),
        ({"max_ms": 1e300}, "impossible time"),
        ({"num_runs": 0}, "number of runs"),
        ({"num_runs": -3}, "number of runs"),
        ({"num_runs": 10**30}, "damaged"),
        ({"num_threads": -1}, "negative"),
        ({"num_warmup_runs": -1}, "negative"),
        ({"min_ms": 5.0}, "contradicts itself"),
        ({"median_ms": 9.0}, "contradicts itself"),
        ({"std_ms": 70.0}, "contradicts itself"),
        ({"avg_ms": 3.0}, "contradicts itself"),
        ({"accelerators": []}, "no accelerator"),
        ({"accelerators": ["TPU"]}, "TPU"),
        ({"model_size_mb": -1.0}, "size of the model"),
        ({"model_size_mb": 1e12}, "size of the model"),
    ],
)
def test_impossible_numbers_are_refused(changes, words):
    """None of them becomes a result."""
    with pytest.raises(ResultError, match=words):
        litert_benchmark.from_json(litert_json(**changes))


def percentile(ordered, p):
    place = (len(ordered) - 1) * p / 100
    at = int(place)
    if at + 1 >= len(ordered):
        return ordered[-1]
    return ordered[at] + (place - at) * (ordered[at + 1] - ordered[at])


@given(st.lists(st.floats(0.01, 1e5), min_size=1, max_size=60))
def test_whatever_the_tool_can_write_is_read(times_ms):
    """Its own formulas, rounded as it rounds, never contradict themselves."""
    ordered = sorted(times_ms)
    written = {
        "num_runs": len(times_ms),
        "avg_ms": round(statistics.mean(times_ms), 2),
        "min_ms": round(ordered[0], 2),
        "max_ms": round(ordered[-1], 2),
        "median_ms": round(statistics.median(times_ms), 2),
        "std_ms": round(statistics.stdev(times_ms), 2) if len(times_ms) > 1 else 0,
        "p5_ms": round(percentile(ordered, 5), 2),
        "p95_ms": round(percentile(ordered, 95), 2),
    }
    said = litert_benchmark.from_json(litert_json(**written)).measurement.statistics
    assert said.count == len(times_ms)
    assert said.mean_us == pytest.approx(1000 * written["avg_ms"])
    assert said.std_us == pytest.approx(1000 * statistics.pstdev(times_ms), abs=5.1)


@settings(max_examples=50, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists), st.data())
def test_any_value_anywhere_is_read_or_refused(value, data):
    """Nothing but a run or one error comes of it."""
    content = json.loads(litert_json())
    holder = data.draw(st.sampled_from([content, content["latency"]]))
    holder[data.draw(st.sampled_from(sorted(holder)))] = value
    try:
        run = litert_benchmark.from_json(json.dumps(content))
    except ResultError as error:
        assert "\n" not in str(error)
    else:
        assert run.measurement.runs > 0


def test_powershell_puts_the_program_before_its_first_line():
    """`> file 2>&1` of Windows PowerShell wraps standard error as errors of its own, in UTF-16."""
    first, rest = recorded("int8.txt").split("\n", 1)
    wrapped = (
        f"litert-benchmark : {first}\nAt line:1 char:1\n+ litert-benchmark --model a.tflite\n"
        f"    + CategoryInfo          : NotSpecified: ({first}:String) [], RemoteException\n"
        "    + FullyQualifiedErrorId : NativeCommandError\n \n"
    )
    (run,) = recognition.read((wrapped + rest).replace("\n", "\r\n").encode("utf-16")).runs
    assert run == litert_benchmark.from_text(recorded("int8.txt"))[0]
