"""Two sets of results side by side, as a person and as a build server reads them."""

import dataclasses
import json

import numpy as np
import pytest

from android_benchmark import (
    PRESETS,
    DeviceFacts,
    DeviceState,
    Engine,
    Flag,
    Measurement,
    RunRules,
    Statistics,
)
from mmnet_deploy.results import store
from mmnet_deploy.results.compare import compare
from mmnet_deploy.results.records import PictureScore
from mmnet_deploy.tflite.card import ModelCard, ModelFile
from tests.support.results import benchmark, counted, evaluation

PHONE = DeviceFacts("1A2B", "Pixel 6", "Tensor", 8, "Android 14", build="google/a")
CARD = ModelCard("mmnet", "MMNet", 1.0, 256, 256, "int8", 1234, "", "", "")
OLD = ModelFile("net.tflite", "aa", 100_000, CARD)
REBUILT = ModelFile("net.tflite", "bb", 100_000, CARD)


def samples(seed, middle=1000.0, count=200):
    """Latencies with noise of 1 %."""
    noise = np.random.default_rng(seed).normal(0, 0.01, count)
    return Measurement((), tuple((middle * np.exp(noise)).tolist()))


def latency(model=OLD, middle=1000.0, seed=0, **changes):
    """A benchmark on the phone."""
    fields = {
        "device": PHONE,
        "engine": Engine("tflbench", "2", "xnnpack", sha256="e" * 64),
        "measurement": samples(seed, middle),
        "cores": (6, 7),
        "cores_wanted": "big",
        "peak_memory_bytes": 50_000_000,
    }
    return benchmark(model, **(fields | changes))


def quality(model=OLD, factor=1.0, **changes):
    """The scores of 50 pictures."""
    rng = np.random.default_rng(5)
    pictures = tuple(
        PictureScore(
            f"p{i}",
            {"gradient_error": factor * e, "mad": 2 * factor * e, "mean_iou": 1 - factor * e},
        )
        for i, e in enumerate(rng.uniform(0.002, 0.02, 50).tolist())
    )
    return evaluation(model, **({"pictures": pictures} | changes))


def cost(model, total, **changes):
    """A count of instructions."""
    return counted(total / 1e6, model=model, **changes)


def only(comparison, quantity):
    """The one row of a quantity."""
    (row,) = [row for row in comparison.rows if row.quantity == quantity]
    return row


# --- Verdicts ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("middle", "verdict"), [(1050, "worse"), (950, "better"), (1000, "same"), (1005, "same")]
)
def test_a_rebuilt_model_is_the_same_model(middle, verdict):
    """Name and operating point match it, its hash may differ; noise has no verdict."""
    row = only(compare([latency()], [latency(REBUILT, middle, seed=1)]), "latency_ms")
    assert (row.verdict, row.reason) == (verdict, "")
    assert row.change.relative == pytest.approx(middle / 1000 - 1, abs=0.004)
    assert (row.baseline, row.new) == pytest.approx((1, middle / 1000), rel=0.003)
    assert row.setting == "Pixel 6, 1 thread, xnnpack, big cores"


@pytest.mark.parametrize(("factor", "verdict"), [(1.02, "worse"), (0.98, "better"), (1.0, "same")])
def test_quality_is_compared_picture_by_picture(factor, verdict):
    """A change on every picture is one, however much pictures differ; IoU is better high."""
    comparison = compare([quality()], [quality(REBUILT, factor)])
    for name in ("gradient_error", "mad", "mean_iou"):
        row = only(comparison, name)
        same = name == "mean_iou" and abs(row.change.relative) < 0.001
        assert row.verdict == ("same" if same else verdict)
    assert only(comparison, "gradient_error").change.relative == pytest.approx(factor - 1)


def test_sizes_and_counts_are_exact():
    """One byte in ten thousand is a change, with no interval."""
    before = [quality(), cost(OLD, 1_000_000)]
    larger = dataclasses.replace(REBUILT, size_bytes=100_200)
    comparison = compare(before, [quality(larger), cost(larger, 1_006_000)], {"cost": 0.005})
    size, count = only(comparison, "size_bytes"), only(comparison, "instructions")
    assert (size.verdict, size.change.relative) == ("worse", pytest.approx(0.002))
    assert (count.verdict, count.exceeded) == ("worse", 0.005)
    assert count.setting == "cortex-a57 as MSM8996, xnnpack"


def test_peak_memory_has_a_margin():
    """Some pages more are no change, ten percent are."""
    for bytes_, verdict in ((51_000_000, "same"), (55_000_000, "worse")):
        new = latency(REBUILT, peak_memory_bytes=bytes_)
        assert only(compare([latency()], [new]), "peak_memory_bytes").verdict == verdict


@pytest.mark.parametrize(("runs", "verdict"), [(50, "not comparable"), (200, "worse")])
def test_a_90th_percentile_that_few_runs_do_not_bound_is_not_compared(runs, verdict):
    """However far apart the numbers are; the reason says how many runs are wanted."""
    both = [
        latency(file, middle, seed=seed, rules=PRESETS["mlperf"], measurement=samples(
            seed, middle, runs
        ))
        for file, middle, seed in ((OLD, 1000, 0), (REBUILT, 1500, 1))
    ]  # fmt: skip
    row = only(compare(both[:1], both[1:]), "latency_ms")
    assert row.verdict == verdict
    assert ("50 runs, at least 90 wanted" in row.reason) == (runs == 50)


def test_one_picture_is_no_evidence():
    """Its score may be anything for the next picture."""
    both = [quality(pictures=quality().pictures[:1]), quality(REBUILT, 2.0)]
    both[1] = dataclasses.replace(both[1], pictures=both[1].pictures[:1])
    row = only(compare(both[:1], both[1:]), "gradient_error")
    assert (row.verdict, row.reason) == ("not comparable", "1 picture, at least 2 wanted")


def test_repeats_are_used():
    """Runs that differ by more than they do within widen the interval."""
    middles = (980, 1000, 1020, 990)
    base = [latency(middle=m, seed=i) for i, m in enumerate(middles)]
    new = [latency(REBUILT, middle=1.02 * m, seed=9 + i) for i, m in enumerate(middles)]
    row = only(compare(base, new), "latency_ms")
    assert row.verdict == "same"
    assert row.change.high - row.change.low > 0.05
    assert only(compare(base[:1], new[:1]), "latency_ms").verdict == "worse"


# --- What is not comparable --------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"threads": 2}, "threads 1 → 2"),
        ({"device": dataclasses.replace(PHONE, build="google/b")}, "build google/a → google/b"),
        ({"device": dataclasses.replace(PHONE, serial="3C")}, "serial 1A2B → 3C"),
        (
            {"engine": Engine("tflbench", "2", "xnnpack", sha256="f" * 64)},
            "engine hash eeeeeeee → ffffffff",
        ),
        (
            {"engine": Engine("tflbench", "2", "none", "gpu", sha256="e" * 64)},
            "requested delegate xnnpack → gpu; delegate xnnpack → none",
        ),
        ({"cores_wanted": "little"}, "requested cores big → little"),
        ({"cores": (7,)}, "cores 6,7 → 7"),
        ({"profiling": True}, "profiling off → on"),
        ({"before": DeviceState(governors=("performance",))}, "governor unknown → performance"),
        ({"measurement": samples(0, count=7)}, "7 runs, at least 8 wanted"),
        ({"rules": PRESETS["mlperf"]}, "rules ≥50 runs → mlperf"),
        (
            {"measurement": Measurement((), (), Statistics(99, 1.0, 1.0, 2.0, 1.0, 0.1))},
            "statistic median → mean",
        ),
        ({"measurement": samples(0, count=3)}, "3 runs"),
        ({"flags": (Flag("throttled", True, "hot", wanted=False),)}, "are invalid: throttled: hot"),
    ],
)
def test_what_differs_is_never_compared_silently(changes, reason):
    """The row has both numbers and says what differs."""
    row = only(compare([latency()], [latency(REBUILT, **changes)]), "latency_ms")
    assert (row.verdict, row.change) == ("not comparable", None)
    assert reason in row.reason
    assert None not in (row.baseline, row.new)


@pytest.mark.parametrize("name", ["pictures (old)", "rules x; rule details y", "a → b; threads"])
def test_names_are_not_taken_for_reasons(name):
    """Whatever a name holds, every difference is in the reason, and none that is not there."""
    row = only(compare([quality()], [quality(REBUILT, data=name)]), "gradient_error")
    assert row.reason == f"data portraits/test → {name}/test"
    device = dataclasses.replace(PHONE, model=name)
    row = only(compare([latency()], [latency(REBUILT, device=device, threads=2)]), "latency_ms")
    assert row.reason == f"device Pixel 6 → {name}; threads 1 → 2"


def test_rules_that_differ_in_their_name_have_no_further_details():
    """Those of one name do."""
    fewer, mlperf = RunRules(min_runs=7), PRESETS["mlperf"]
    row = only(compare([latency()], [latency(REBUILT, rules=mlperf)]), "latency_ms")
    assert "rule details" not in row.reason
    resting = dataclasses.replace(fewer, rest_max_s=60.0)
    both = [latency(rules=fewer)], [latency(REBUILT, rules=resting)]
    assert only(compare(*both), "latency_ms").reason.startswith("rule details RunRules(")


def test_emulated_times_are_not_compared():
    """Their quality and size are."""
    phone = dataclasses.replace(PHONE, emulated=True)
    comparison = compare(
        [latency(device=phone), quality()], [latency(REBUILT, device=phone), quality(REBUILT)]
    )
    assert "emulation" in only(comparison, "latency_ms").reason
    assert only(comparison, "gradient_error").verdict == "same"
    assert only(comparison, "size_bytes").verdict == "same"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data_sha256": "e" * 64}, "masks dddddddd → eeeeeeee"),
        ({"height_px": None, "width_px": None}, "size 800×600 → native"),
        ({"split": "val"}, "data portraits/test → portraits/val"),
        ({"pictures": quality().pictures[1:]}, "other pictures"),
        ({"gradient_error_definition": "another"}, "→ another"),
        ({"upsample": "guided"}, "upsample bilinear → guided"),
    ],
)
def test_qualities_of_other_pictures_are_not_compared(changes, reason):
    """What differs is said."""
    row = only(compare([quality()], [quality(REBUILT, **changes)]), "gradient_error")
    assert (row.verdict, row.change) == ("not comparable", None)
    assert reason in row.reason and len(row.reason) < 400


def test_counts_under_other_conditions_are_not_compared():
    """Another emulator counts otherwise."""
    row = only(compare([cost(OLD, 10)], [cost(REBUILT, 10, qemu_version="8.0")]), "instructions")
    assert (row.verdict, row.reason) == ("not comparable", "qemu 7.2 → 8.0")


def test_models_on_one_side_are_listed():
    """A model that is gone, or new, is no regression and is not forgotten."""
    other = ModelFile("other.tflite", "cc", 5)
    comparison = compare([latency(), quality()], [latency(other)])
    reasons = {(row.model, row.quantity): row.reason for row in comparison.rows}
    assert reasons["net.tflite", "latency_ms"] == "only in the baseline"
    assert reasons["net.tflite", "gradient_error"] == "only in the baseline"
    assert reasons["other.tflite", "latency_ms"] == "only in the new results"
    assert all(row.verdict == "not comparable" for row in comparison.rows)


def test_another_operating_point_of_the_same_name_is_another_model():
    """A file that was converted to another size is not compared with the former."""
    small = dataclasses.replace(REBUILT, card=dataclasses.replace(CARD, height_px=128))
    comparison = compare([latency()], [latency(small)])
    assert {row.verdict for row in comparison.rows} == {"not comparable"}


def test_a_setting_meets_its_equal_and_not_its_neighbour():
    """With several threads on both sides, each is compared with its own."""
    both = [[latency(m, 1000 / t, threads=t) for t in (1, 2, 4)] for m in (OLD, REBUILT)]
    rows = [r for r in compare(*both).rows if r.quantity == "latency_ms"]
    assert [row.verdict for row in rows] == ["same"] * 3


def test_the_newest_file_of_a_name_counts():
    """An older build in the same folder is left out, and a note says so."""
    newer = latency(REBUILT, 2000, created_at="2025-02-01T00:00:00+00:00")
    comparison = compare([latency()], [latency(), newer])
    assert only(comparison, "latency_ms").verdict == "worse"
    assert "1 older file of that name in the new results" in comparison.notes[0]


def test_invalid_repeats_give_way_to_valid_ones():
    """A result that broke its rules is used by nobody if there is another."""
    broken = latency(REBUILT, 5000, flags=(Flag("stable", False, "noise"),))
    row = only(compare([latency()], [broken, latency(REBUILT, seed=1)]), "latency_ms")
    assert (row.verdict, row.new) == ("same", pytest.approx(1.0, rel=0.01))


# --- The command -------------------------------------------------------------


@pytest.fixture
def gate(call, tmp_path):
    """Run the command on two sets of results."""

    def run(baseline, new, *options):
        for name, results in (("old", baseline), ("new", new)):
            for result in results:
                store.save(result, tmp_path / name)
        return call("compare", "old", "new", *options)

    return run


def test_without_limits_nothing_fails(gate):
    """The change is shown with its interval and its verdict."""
    result = gate([latency(), quality()], [latency(REBUILT, 1100, seed=1), quality(REBUILT)])
    assert result.exit_code == 0
    line = next(line for line in result.stdout.splitlines() if "latency" in line)
    assert "+9." in line or "+10." in line
    assert "worse" in line
    assert "1 worse, 5 same" in result.stderr


@pytest.mark.parametrize(
    ("middle", "limit", "code"), [(1100, "5%", 1), (1040, "5%", 0), (1060, "0.02", 1)]
)
def test_a_limit_exceeded_beyond_noise_fails(gate, middle, limit, code):
    """A change within the limit passes, though it is worse."""
    result = gate([latency()], [latency(REBUILT, middle, seed=1)], "--max-latency-increase", limit)
    assert result.exit_code == code
    assert ("worse, by more than" in result.stdout) == bool(code)


@pytest.mark.parametrize(
    ("option", "model", "factor"),
    [
        ("--max-error-increase", REBUILT, 1.05),
        ("--max-size-increase", dataclasses.replace(REBUILT, size_bytes=105_000), 1.0),
    ],
)
def test_other_limits_fail_alike(gate, option, model, factor):
    """Gradient error and size have their own."""
    before, after = [quality()], [quality(model, factor)]
    assert gate(before, after, option, "2%").exit_code == 1
    assert gate(before, after, option, "6%").exit_code == 0


def test_a_limit_that_nothing_can_be_held_to_fails(gate):
    """A gate that compares nothing does not pass."""
    new = [latency(REBUILT, threads=2), quality(REBUILT)]
    result = gate([latency(), quality()], new, "--max-latency-increase", "5%")
    assert result.exit_code == 1
    assert "`--max-latency-increase` was not checked" in result.stderr


def test_strict_fails_for_what_is_not_comparable(gate):
    """One row is enough."""
    both = [latency()], [latency(REBUILT), latency(REBUILT, threads=2)]
    assert gate(*both, "--max-latency-increase", "5%").exit_code == 0
    assert gate(*both, "--strict").exit_code == 1


def test_json_has_every_row(gate):
    """Shares are plain numbers."""
    result = gate(
        [latency()], [latency(REBUILT, 1100, seed=1)], "--json", "--max-latency-increase", "5%"
    )
    content = json.loads(result.stdout)
    assert (content["exceeded"], content["limits"]) == (1, {"latency": 0.05})
    row = next(row for row in content["rows"] if row["quantity"] == "latency_ms")
    assert 0.08 < row["change"]["low"] < row["change"]["relative"] < row["change"]["high"] < 0.12


def test_markdown_is_a_table_that_no_name_can_break(gate, tmp_path):
    """Names that are Markdown, HTML or mentions stay text; what did not change is folded."""
    name = "a|b<script>alert(1)</script>`@all` [x](http://e) #1.tflite"
    models = [dataclasses.replace(model, name=name) for model in (OLD, REBUILT)]
    before = [latency(models[0]), quality(models[0])]
    after = [latency(models[1], 1100, seed=1), quality(models[1])]
    gate(before, after, "--markdown", "deep/c.md", "--max-latency-increase", "5%")
    text = (tmp_path / "deep" / "c.md").read_text()
    assert text.startswith("### mmnet-deploy compare: 1 regression\n")
    assert "<details><summary>5 without a change" in text
    for sign in ("<script", "`@", "[x]", " #1", "a|b"):
        assert sign not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in rows} == {8}


@pytest.mark.parametrize("share", ["five", "-1%", "5%%", "inf", "nan%"])
def test_impossible_limits_are_one_line(one_line, call, share):
    """The form is said before anything is read."""
    result = call("compare", "old", "new", "--max-latency-increase", share)
    one_line(result, 2, "`--max-latency-increase` must be a share such as 2%", f"Received: {share}")


def test_missing_results_are_one_line(one_line, call, tmp_path):
    """The side that is missing is named."""
    store.save(latency(), tmp_path / "new")
    one_line(call("compare", "old", "new"), 1, "old: cannot be read")


def test_a_change_of_what_is_computed_in_is_said():
    """A file that was converted again with half precision allowed is faster for that reason."""
    before = [cost(OLD, 10_000_000, computes_in="float32")]
    after = [cost(REBUILT, 6_000_000, computes_in="float16")]
    row = only(compare(before, after), "instructions")
    assert row.setting.endswith(", in float32 → float16") and row.verdict == "better"
    assert "→" not in only(compare(before, before), "instructions").setting
    unknown = [cost(REBUILT, 6_000_000)]
    assert "→" not in only(compare(before, unknown), "instructions").setting
