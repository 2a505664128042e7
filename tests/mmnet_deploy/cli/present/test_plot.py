"""`plot` on the command line: what is drawn, of whom, and how large."""

import csv
import dataclasses

import pytest

from mmnet_deploy.results import store
from mmnet_deploy.results.estimate import load_profile
from tests.support.results import (
    EMULATED,
    benchmark,
    counted,
    evaluation,
    model,
    with_constant,
)

SAMPLES_US = (1000.0,) * 80 + (2000.0,) * 20


@pytest.fixture
def results(tmp_path):
    """Two models on two phones."""
    from android_benchmark import DeviceFacts, Measurement

    folder = tmp_path / "results"
    for number in (1, 2):
        file = model(f"{number}{number}", f"net{number}.tflite")
        store.save(evaluation(file, 0.001 * (2 + number)), folder)
        for serial in ("1a2b", "3c4d"):
            facts = DeviceFacts(serial, f"Phone {serial}", "SoC", 8, "Android 14")
            samples = tuple(number * value for value in SAMPLES_US)
            measurement = Measurement((), samples)
            store.save(benchmark(file, device=facts, measurement=measurement), folder)
    return folder


def _drawn(call, tmp_path, *words):
    """The numbers that were plotted."""
    result = call("plot", "results", "-o", "a.svg", "--csv", "a.csv", *words)
    assert result.exit_code == 0, result.output
    with (tmp_path / "a.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_device_can_be_chosen(call, tmp_path, results):
    """By its serial; without the option each has a panel."""
    assert len({row["device"] for row in _drawn(call, tmp_path)}) == 2
    rows = _drawn(call, tmp_path, "--device", "3c4d")
    assert len(rows) == 2 and all("Phone 3c4d" in row["device"] for row in rows)


@pytest.mark.parametrize(
    ("statistic", "expected_ms"), [("median", 1.0), ("p90", 2.0), ("mean", 1.2), ("min", 1.0)]
)
def test_any_statistic_of_the_latency_can_be_drawn(call, tmp_path, results, statistic, expected_ms):
    """From the raw samples, with its name on the axis."""
    rows = _drawn(call, tmp_path, "--latency", statistic)
    assert {row["statistic"] for row in rows} == {statistic}
    assert min(float(row["latency_ms"]) for row in rows) == pytest.approx(expected_ms)


def test_any_metric_can_be_drawn_and_lower_is_better(call, tmp_path, results):
    """A mean IoU becomes its complement."""
    rows = _drawn(call, tmp_path, "--metric", "mean_iou")
    assert {round(float(row["error"]), 6) for row in rows} == {0.1}
    assert "1 − mean IoU" in (tmp_path / "a.svg").read_text()
    assert {row["metric"] for row in _drawn(call, tmp_path, "--metric", "mad")} == {"mad"}


def test_several_metrics_are_drawn_side_by_side(call, tmp_path, results):
    """Repeated or with commas between, each once; the table has a row for each point and metric."""
    words = ("--metric", "mad,gradient_error", "--metric", "mean_iou", "--metric", "mad")
    rows = _drawn(call, tmp_path, *words, "--device", "1a2b")
    assert list(dict.fromkeys(row["metric"] for row in rows)) == [
        "mad", "gradient_error", "mean_iou",
    ]  # fmt: skip
    assert "evaluate the files once more" in call("plot", "results", "-o", "b.svg").stderr
    assert len(rows) == 6 and {row["constant_error"] for row in rows} == {""}
    assert "MAD, Gradient error and 1 − mean IoU against" in (tmp_path / "a.svg").read_text()


def test_the_score_of_a_matte_of_one_value_is_drawn(call, tmp_path):
    """Where the evaluations have it; the table has it for each point."""
    file = model()
    known = with_constant(evaluation(file, 0.003), gradient_error=0.0031, mad=0.4, mean_iou=0.3)
    for record in (known, benchmark(file, SAMPLES_US)):
        store.save(record, tmp_path / "results")
    rows = _drawn(call, tmp_path, "--metric", "gradient_error,mean_iou")
    assert "once more" not in call("plot", "results", "-o", "b.svg").stderr
    assert [float(row["constant_error"]) for row in rows] == pytest.approx([0.0031, 0.7])
    assert ">a matte of one value:<" in (tmp_path / "a.svg").read_text()


def test_open_intervals_and_the_front_are_in_the_table(call, tmp_path):
    """An end that few runs do not bound is empty; of tied files one is on the front."""
    for number, (latency_us, error) in enumerate(((2000.0, 0.004), (5000.0, 0.003999999))):
        file = model(f"{number}", f"net{number}.tflite")
        pictures = evaluation(file, error).pictures
        pictures = tuple(dataclasses.replace(pictures[0], name=f"{n}") for n in range(9))
        store.save(evaluation(file, pictures=pictures), tmp_path / "results")
        samples = tuple(latency_us + n for n in range(10))
        store.save(benchmark(file, samples), tmp_path / "results")
    first, second = _drawn(call, tmp_path, "--latency", "p90")
    assert (float(first["latency_low_ms"]), first["latency_high_ms"]) == (2.006, "")
    assert "evaluation" not in first and "open: too few runs" in (tmp_path / "a.svg").read_text()
    # Both are tied in both measures: the latencies since nothing bounds them above.
    assert [row["on_front"] for row in (first, second)] == ["True", "False"]
    first, second = _drawn(call, tmp_path)
    assert [row["on_front"] for row in (first, second)] == ["True", "False"]
    assert "inf" not in (tmp_path / "a.csv").read_text()


@pytest.mark.parametrize("size", ["column", "page", "slide"])
def test_every_size_is_drawn(call, tmp_path, results, size):
    """With the numbers beside it."""
    assert len(_drawn(call, tmp_path, "--size", size, "--device", "1a2b")) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--metric", "sharpness"), ("`metric`", "sharpness")),
        (("--metric", "gradient_error,", "mad"), ("commas between and no blanks", "error,'")),
        (("--metric", "mad", "--published"), ("gradient errors only", "mad")),
        (("--device", "none"), ("`--device`", "1a2b, 3c4d", "none")),
        (("--profile", "nokia"), ("`--profile`", "snapdragon-820", "nokia")),
    ],
)
def test_what_is_not_there_is_one_line(call, one_line, results, words, told):
    """With what there is."""
    one_line(call("plot", "results", "-o", "a.svg", *words), 2, *told)


def test_a_metric_that_was_not_evaluated_is_one_line(call, one_line, results):
    """With what was."""
    result = call("plot", "results", "-o", "a.svg", "--metric", "sad")
    one_line(result, 1, "no sad, only gradient_error")


def test_counts_are_drawn_as_estimates(call, tmp_path, results):
    """In a panel of their own that says so; a file of another kind is named and skipped."""
    profile = load_profile("snapdragon-820")
    file = model("11", "net1.tflite")
    known = {"runtime_wheel_sha256": profile.runtime_wheel_sha256}
    store.save(counted(100, model=file, **known), results)
    (results / "half.json").write_text('{"kind": "bench')
    result = call("plot", "results", "-o", "a.svg", "--csv", "a.csv")
    assert result.exit_code == 0, result.output
    assert "half.json" in result.stderr
    drawn = (tmp_path / "a.svg").read_text()
    assert "Estimated latency (ms)" in drawn and "estimated, not measured" in drawn
    with (tmp_path / "a.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["source"] == "estimated"]
    assert [row["label"] for row in rows] == ["net1"]


def test_plot_draws_emulated_results_beside_real_ones_if_asked(call, tmp_path):
    """Without the option a note names it."""
    file = model()
    for record in (evaluation(file), benchmark(file), benchmark(file, device=EMULATED)):
        store.save(record, tmp_path / "results")
    result = call("plot", "results", "-o", "a.svg")
    assert result.exit_code == 0
    assert "1 emulated result left out" in result.stderr and "--emulated" in result.stderr
    assert "Drew 1 point to a.svg" in result.stderr
    result = call("plot", "results", "-o", "b.svg", "--emulated")
    assert "left out" not in result.stderr and "Drew 2 points to b.svg" in result.stderr
    assert "under emulation" in (tmp_path / "b.svg").read_text()
