"""Benchmarks meet qualities, honestly: the points of the trade-off chart."""

import dataclasses
import itertools

import pytest

from android_benchmark import (
    PRESETS,
    DeviceState,
    Engine,
    Flag,
    Measurement,
    OperatorTime,
    RunRules,
    Statistics,
)
from mmnet_deploy.downloads import published
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results import estimate, trade_offs
from mmnet_deploy.results.compare import compare
from mmnet_deploy.results.estimate import load_profile
from mmnet_deploy.results.records import PictureScore
from tests.support.results import (
    EMULATED,
    PHONE,
    benchmark,
    card,
    counted,
    evaluation,
    measured,
    model,
)

INVALID = Flag("stable", False, "noise")


# --- Joining -----------------------------------------------------------------


def test_quality_and_latency_meet_by_the_hash_of_the_file():
    """Names do not count: two files of one name are two models."""
    fast, slow = model("aa", "net.tflite"), model("bb", "net.tflite")
    renamed = model("aa", "renamed.tflite")
    results = [
        evaluation(renamed, 0.005),
        benchmark(slow, [9000.0]),
        evaluation(slow, 0.003),
        benchmark(fast, [2000.0]),
    ]
    for order in itertools.permutations(results):
        joined = trade_offs.join(order)
        assert {(p.latency_ms, p.error) for p in joined.points} == {
            (2.0, 0.005),
            (9.0, 0.003),
        }
        assert not joined.notes


def test_benchmark_without_evaluation_is_noted():
    """It is left out of the rows, and the note says how to get the missing half."""
    known, unknown = model("aa"), model("bb", "unknown.tflite")
    joined = trade_offs.join([evaluation(known), benchmark(known), benchmark(unknown)])
    assert [row[0].model for row in joined.rows] == [known]
    (note,) = joined.notes
    assert note.startswith(
        "No gradient error is known for unknown.tflite: evaluate that very file "
    )
    assert "mmnet-deploy evaluate" in note


def test_of_many_models_without_evaluation_a_few_are_named():
    """A line, not a page."""
    files = [model(f"{number:02}", f"{number}.tflite") for number in range(28)]
    (note,) = trade_offs.join([benchmark(file) for file in files]).notes
    assert note.startswith(
        "No gradient error is known for 0.tflite, 1.tflite, 2.tflite and 25 more: "
    )
    (note,) = trade_offs.join([benchmark(file) for file in files[:2]]).notes
    assert note.startswith("No gradient error is known for 0.tflite and 1.tflite: ")


def test_evaluation_without_benchmark_gives_no_point():
    """Quality alone is not a trade-off."""
    assert trade_offs.join([evaluation(model())]) == trade_offs.Joined((), ())


@pytest.mark.parametrize(
    ("latencies", "expected"), [((9, 11, 10), 10.0), ((9, 30), 30.0), ((4, 3, 1, 2), 3.0)]
)
def test_the_middle_of_repeated_benchmarks_is_shown(latencies, expected):
    """Of an even number the slower of the two in the middle, in whatever order they are read."""
    file = model()
    repeated = [
        benchmark(file, [ms * 1000.0], created_at=f"2025-01-{day:02}T00:00:00+00:00")
        for day, ms in enumerate(latencies, 1)
    ]
    for order in itertools.permutations(repeated):
        joined = trade_offs.join([evaluation(file), *order])
        assert [point.latency_ms for point in joined.points] == [expected]
        assert joined.notes == (
            f"{len(latencies)} benchmarks with the same settings of net.tflite: "
            "the middle one is shown.",
        )


def test_the_middle_is_the_same_everywhere():
    """The chart, a comparison and a fitted profile quote the same of repeated benchmarks."""
    cost = counted(50)
    repeated = [measured(cost, ms) for ms in (9.0, 30.0, 12.0, 10.0)]
    (point,) = trade_offs.join([evaluation(cost.model), *repeated]).points
    row = next(r for r in compare(repeated, repeated).rows if r.quantity == "latency_ms")
    (fitted_ms,) = estimate.pair([cost, *repeated]).latencies_ms
    assert point.latency_ms == row.baseline == fitted_ms == 12.0


def test_an_invalid_repeat_is_shown_only_if_none_is_valid():
    """However many there are, and the note says so."""
    file = model()
    invalid = [benchmark(file, [ms * 1000.0], flags=(INVALID,)) for ms in (1, 2, 3)]
    joined = trade_offs.join([evaluation(file), *invalid, benchmark(file, [9000.0])])
    assert [(point.latency_ms, point.valid) for point in joined.points] == [(9.0, True)]
    assert joined.notes[0].endswith("the middle one that is valid is shown.")
    joined = trade_offs.join([evaluation(file), *invalid])
    assert [(point.latency_ms, point.valid) for point in joined.points] == [(2.0, False)]


def test_a_model_no_better_than_a_constant_is_never_on_the_front():
    """Its point is drawn as invalid, in measured and in estimated panels, and a note says why."""
    file, profile = model(), load_profile("snapdragon-820")
    flat = evaluation(file, pictures=(PictureScore("a", {"gradient_error": 1e-4, "mad": 0.4}),))
    flat = dataclasses.replace(flat, foreground_share=0.6)
    joined = trade_offs.join([flat, benchmark(file)])
    assert [point.valid for point in joined.points] == [False]
    assert "MAD 0.400 against 0.400" in joined.notes[0]
    engine = Engine("tflbench", "1", "xnnpack", "xnnpack")
    cost = counted(
        100, model=file, runtime_wheel_sha256=profile.runtime_wheel_sha256, engine=engine
    )
    assert [point.valid for point in trade_offs.estimates([cost, flat], profile)[0]] == [False]
    unknown = dataclasses.replace(flat, foreground_share=None)
    assert [point.valid for point in trade_offs.join([unknown, benchmark(file)]).points] == [True]


def test_repeats_of_several_settings_are_one_note():
    """With their number, and that of the settings."""
    one, other = model("aa"), model("bb", "other.tflite")
    twice = [benchmark(file) for file in (one, one, other, other, other)]
    joined = trade_offs.join([evaluation(one), evaluation(other), *twice])
    assert joined.notes == (
        "5 benchmarks of 2 models share 2 settings: the middle one of each is shown.",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"threads": 4},
        {"engine": Engine("LiteRT", "2.1", "none")},
        {"engine": Engine("LiteRT", "2.2", "xnnpack")},
        {"device": dataclasses.replace(PHONE, system="Android 15")},
        {"device": dataclasses.replace(PHONE, serial="another")},
        {"engine": Engine("LiteRT", "2.1", "xnnpack", sha256="f" * 64)},
        {"engine": Engine("LiteRT", "2.1", "xnnpack", "gpu")},
        {"cores": (6, 7), "cores_wanted": "big"},
        {"rules": PRESETS["mlperf"]},
        {"rules": RunRules(rest_max_s=60.0)},
        {"profiling": True},
        {"profile": (OperatorTime("a", "CONV_2D", 9.0),)},
        {"before": DeviceState(governors=("performance",))},
        {"cores": (7,)},
        {"engine": Engine("LiteRT", "2.1", "xnnpack", nodes=60, delegated_nodes=50)},
        {"measurement": Measurement((), (), Statistics(50, 9.0, 1.0, 3.0, 2.0, 0.1))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_benchmarks_of_other_settings_are_no_repetitions(change):
    """Another number of threads, engine, delegate, system or device is another point.

    So is one that was profiled, or with another governor. No two points have one name.
    """
    file = model()
    other = benchmark(file, created_at="2025-02-02T00:00:00+00:00", **change)
    joined = trade_offs.join([evaluation(file), benchmark(file), other])
    assert len(joined.rows) == 2
    assert not joined.notes
    assert len({(point.device, point.label) for point in joined.points}) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"engine": Engine("LiteRT", "2.1", "xnnpack", "xnnpack")},
        {"engine": Engine("LiteRT", "2.1", "xnnpack", nodes=60, delegated_nodes=60)},
        {"device": dataclasses.replace(PHONE, cores=4, max_frequencies_khz=(1, 2, 0, 0))},
        {"init_us": 5.0, "before": DeviceState(load_1min=1.0)},
    ],
    ids=str,
)
def test_benchmarks_of_the_same_settings_are_repetitions(change):
    """What was not written down earlier, cores that are off, and the state do not matter."""
    file = model()
    joined = trade_offs.join([evaluation(file), benchmark(file), benchmark(file, **change)])
    assert len(joined.rows) == 1


def test_emulated_results_stand_beside_real_ones_only_if_asked_for():
    """They are left out with a note; alone they are shown."""
    file = model()
    real, emulated = benchmark(file), benchmark(file, [7000.0], device=EMULATED)
    both = [evaluation(file), real, emulated]
    joined = trade_offs.join(both)
    assert [row[0] for row in joined.rows] == [real]
    assert joined.notes == (
        "1 emulated result left out: its time is not a phone's; --emulated shows it.",
    )
    again = benchmark(file, device=EMULATED, threads=2)
    assert (
        "2 emulated results left out: their times are" in trade_offs.join([*both, again]).notes[0]
    )
    points = {point.emulated: point for point in trade_offs.join(both, emulated=True).points}
    assert points[False].device.startswith("Pixel 6, 1 thread")
    assert points[True].device.startswith("Pixel 6 (emulated), 1 thread")
    alone = trade_offs.join([evaluation(file), emulated])
    assert [point.emulated for point in alone.points] == [True]
    assert not alone.notes


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"data": "others"}, "others/test"),
        ({"split": "train"}, "portraits/train"),
        ({"height_px": 400}, "400×600"),
        ({"height_px": None, "width_px": None}, "native size"),
        ({"gradient_error_definition": "Rhemann"}, "Rhemann"),
        ({"upsample": "guided"}, "600, guided mattes"),
        ({"pictures": evaluation(model()).pictures * 2}, r"\(2 pictures\)"),
    ],
)
def test_qualities_that_cannot_be_compared_are_refused(change, shown):
    """Other data, split, size, definition or pictures do not mix; the message shows both."""
    one, other = model("aa"), model("bb")
    results = [evaluation(one), evaluation(other, **change), benchmark(one), benchmark(other)]
    with pytest.raises(ResultError, match=f"not comparable: .*{shown}") as error:
        trade_offs.join(results)
    assert "portraits/test (1 pictures) at 800×600" in str(error.value)


def test_the_newest_evaluation_of_a_model_counts():
    """A repeated evaluation replaces the older one, whichever is read first, and is noted."""
    file = model()
    old = dataclasses.replace(evaluation(file, 0.009), created_at="2026-01-01T00:00:00+00:00")
    new = dataclasses.replace(evaluation(file, 0.004), created_at="2026-01-02T00:00:00+00:00")
    for order in ([old, new], [new, old]):
        joined = trade_offs.join([*order, benchmark(file)])
        assert joined.points[0].error == 0.004
        assert any("older evaluation" in note for note in joined.notes)


def test_a_quick_benchmark_does_not_replace_a_long_one():
    """Benchmarks under different rules are different points."""
    file = model()
    quick = dataclasses.replace(benchmark(file), rules=RunRules(min_runs=3))
    assert len(trade_offs.join([evaluation(file), benchmark(file), quick]).points) == 2


# --- Points ------------------------------------------------------------------


def test_points_have_the_units_of_the_chart():
    """Milliseconds, a plain gradient error, parameters and what it was measured on."""
    file = model(described=card(title="MMNet"))
    slow = Flag("stable", False, "noise")
    joined = trade_offs.join(
        [
            evaluation(file),
            benchmark(file, [3000.0, 1000.0, 2000.0] * 2, flags=(slow,), threads=2),
        ]
    )
    (point,) = joined.points
    assert (point.latency_low_ms, point.latency_ms, point.latency_high_ms) == (1.0, 2.0, 3.0)
    assert point.error == pytest.approx(0.004)
    assert (point.family, point.parameters, point.valid) == ("MMNet", 1234, False)
    assert point.device == "Pixel 6, 2 threads, LiteRT 2.1 xnnpack"


def test_a_file_without_a_description_has_what_was_counted_in_it():
    """Its marker has a size, and a published network its family."""
    counted_ = dataclasses.replace(model(described=None), parameters=106_401)
    # A benchmark of an earlier version counted nothing; the evaluation of the file does.
    known = dataclasses.replace(counted_, sha256=published.NETWORKS[0].sha256)
    uncounted = dataclasses.replace(known, parameters=None)
    records = [evaluation(counted_), benchmark(counted_), evaluation(known), benchmark(uncounted)]
    points = trade_offs.join(records).points
    assert {(p.family, p.parameters) for p in points} == {
        (trade_offs.OTHER_FAMILY, 106_401), ("MediaPipe Selfie", 106_401),
    }  # fmt: skip


def test_a_point_says_what_is_quoted():
    """The 90th percentile where the rules ask for it, the mean where there is no more."""
    file = model()
    samples = tuple(map(float, range(1000, 12_000, 1000)))
    p90 = benchmark(file, samples, rules=PRESETS["mlperf"])
    (point,) = trade_offs.join([evaluation(file), p90]).points
    assert (point.statistic, point.latency_ms) == ("p90", pytest.approx(10.0))
    given_ = Statistics(50, 9.0, 1000.0, 3000.0, 2000.0, 100.0)
    mean = benchmark(file, measurement=Measurement((), (), given_))
    (point,) = trade_offs.join([evaluation(file), mean]).points
    assert (point.statistic, point.latency_ms) == ("mean", 2.0)
    assert 1.0 < point.latency_low_ms < 2.0 < point.latency_high_ms < 3.0


# --- Estimates ---------------------------------------------------------------


def test_counts_are_estimates_in_a_panel_of_their_own():
    """A counted model with a quality is a point, marked as estimated; others are explained."""
    profile = load_profile("snapdragon-820")
    first, int8, lone = model("aa"), model("bb"), model("cc")
    known = {
        "runtime_wheel_sha256": profile.runtime_wheel_sha256,
        "engine": Engine("tflbench", "1", "xnnpack", "xnnpack"),
    }
    costs = [counted(100, model=first, **known), counted(100, model=lone, **known)]
    costs.append(counted(100, model=int8, precision="int8", **known))
    points, notes = trade_offs.estimates([*costs, evaluation(first), evaluation(int8)], profile)
    (point,) = points
    assert point.source == "estimated" and "estimated" in point.device
    assert point.latency_ms == pytest.approx(100 * profile.slope_ms_per_million)
    assert point.latency_low_ms < point.latency_ms < point.latency_high_ms
    (note,) = notes
    assert "precision float32, not int8" in note


def test_a_newer_count_under_other_conditions_hides_no_estimate():
    """The newest of those that the profile knows counts, and one of nothing is explained."""
    profile = load_profile("snapdragon-820")
    file = model("aa")
    known = {"runtime_wheel_sha256": profile.runtime_wheel_sha256, "model": file}
    engine = Engine("tflbench", "1", "xnnpack", "xnnpack")
    usual = counted(100, engine=engine, **known)
    later = {"created_at": "2026-01-01T00:00:00+00:00"}
    other = counted(900, engine=Engine("tflbench", "1", "none", "none"), **later, **known)
    ((point,), notes) = trade_offs.estimates([other, usual, evaluation(file)], profile)
    assert point.latency_ms == pytest.approx(100 * profile.slope_ms_per_million) and not notes
    nothing = counted(0, engine=engine, **known)
    points, (note,) = trade_offs.estimates([nothing, evaluation(file)], profile)
    assert not points and "its count of instructions is 0" in note
