"""Latency from a count: the fit, its interval, profile files, and what is refused."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from android_benchmark import Flag
from mmnet_deploy.errors import ResultError, UsageError
from mmnet_deploy.results import estimate, store
from mmnet_deploy.results.record_json import to_json
from tests.support.results import COUNTING_ENGINE, PAIRS, counted, fitted, measured

# --- Fit and estimate --------------------------------------------------------


@given(
    st.floats(0.01, 10),
    st.lists(st.floats(1, 1000), min_size=3, max_size=40, unique_by=round),
)
def test_a_proportional_phone_is_found(price, millions):
    """Where latency is proportional to the count, the slope is found and nothing is left over."""
    profile = fitted([(count, price * round(count * 1e6) / 1e6) for count in millions])
    assert profile.slope_ms_per_million == pytest.approx(price, rel=1e-4)
    assert profile.left_out_worst < 1e-6 and profile.interval_factor == 1.001
    middle = counted(sorted(millions)[len(millions) // 2])
    found = estimate.estimate(middle, profile)
    assert found.latency_ms == pytest.approx(price * middle.counts.total / 1e6, rel=1e-4)
    assert found.low_ms <= found.latency_ms <= found.high_ms


def test_interval_is_that_of_a_further_model():
    """The interval follows from Student's t and the spread of the logarithms, by hand."""
    profile = fitted(PAIRS)
    logs = [math.log(ms / millions) for millions, ms in PAIRS]
    mean = sum(logs) / 4
    spread = math.sqrt(sum((value - mean) ** 2 for value in logs) / 3)
    assert profile.slope_ms_per_million == pytest.approx(math.exp(mean), rel=1e-5)
    factor = math.exp(3.182 * spread * math.sqrt(1.25))
    assert profile.interval_factor == pytest.approx(factor, rel=1e-4)
    found = estimate.estimate(counted(100), profile)
    assert found.high_ms / found.latency_ms == pytest.approx(factor, rel=1e-4)
    assert found.note == "" and found.profile == "Phone"


def test_the_interval_of_many_points_is_not_too_narrow():
    """With 40 models, the quantile is that of 39 degrees of freedom."""
    pairs = [
        (50 + 5 * number, (50 + 5 * number) * (1.1 if number % 2 else 0.9)) for number in range(40)
    ]
    spread = np.std(np.log([ms / millions for millions, ms in pairs]), ddof=1)
    factor = math.exp(stats.t.ppf(0.975, 39) * spread * math.sqrt(1 + 1 / 40))
    assert fitted(pairs).interval_factor == pytest.approx(factor, rel=2e-4)


def test_left_out_points_are_predicted_from_the_others():
    """Each error is that of a fit without the point itself."""
    counts, times = [millions * 1e6 for millions, _ in PAIRS], [ms for _, ms in PAIRS]
    errors = estimate.left_out_errors(counts, times)
    rest = estimate.slope(counts[1:], times[1:])
    assert errors[0] == pytest.approx(rest * 50 / 32 - 1)
    assert fitted(PAIRS).left_out_worst == pytest.approx(max(map(abs, errors)), rel=1e-3)


@pytest.mark.parametrize(
    ("millions", "words"), [(40, "interval widened"), (399, "interval widened"), (50, "")]
)
def test_outside_the_fitted_range_the_interval_is_wider(millions, words):
    """Up to a factor of two outside, the factor is squared, and the reason given."""
    profile = fitted(PAIRS)
    found = estimate.estimate(counted(millions), profile)
    power = 2 if words else 1
    assert found.high_ms / found.latency_ms == pytest.approx(profile.interval_factor**power)
    assert words in found.note


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (counted(0), "count of instructions is 0"),
        (counted(-5), "count of instructions is -5000000"),
        (counted(24), "factor of 2.1"),
        (counted(500), "factor of 2.5"),
        (counted(100, precision="int8"), "precision float32, not int8"),
        (counted(100, computes_in="float16"), "not float32 computed in float16"),
        (
            counted(100, precision="float16", computes_in="float32"),
            "not float16 computed in float32",
        ),
        (
            counted(100, engine=dataclasses.replace(COUNTING_ENGINE, delegate="none")),
            "xnnpack, not none",
        ),
        (counted(100, cpu="cortex-a76", identity="Cortex-A76"), "not cortex-a76 as Cortex-A76"),
        (counted(100, runtime="ai-edge-litert==1.5.0"), "not ai-edge-litert==1.5.0"),
        (counted(100, runtime_wheel_sha256="v" * 64), "runtime wheel"),
    ],
)
def test_what_the_profile_does_not_know_is_refused(cost, words):
    """Other sizes, precisions, delegates, cores and runtimes get no estimate, but a reason."""
    with pytest.raises(estimate.NoEstimateError) as caught:
        estimate.estimate(cost, fitted(PAIRS))
    assert words in str(caught.value)


def test_fits_that_mean_nothing_are_refused():
    """Too few models, other conditions among them, and latencies of zero are one line each."""
    with pytest.raises(ResultError, match=r"at least 3 models\. Received: 2"):
        fitted(PAIRS[:2])
    with pytest.raises(ResultError, match="above 0 ms"):
        fitted((*PAIRS, (100, 0.0)))
    with pytest.raises(ResultError, match=r"counts above 0\. Received: 0 of net1"):
        fitted((PAIRS[0], (0, 60), *PAIRS[2:]))
    costs = [counted(50, "a"), counted(60, "b"), counted(70, "c", qemu_version="8.0")]
    with pytest.raises(ResultError, match=r"a.tflite and c.tflite differ in qemu \(7\.2; 8\.0\)"):
        estimate.fit(costs, [1.0, 2.0, 3.0], "Phone", "a test")


# --- Profile files -----------------------------------------------------------


def test_profiles_survive_their_file(tmp_path):
    """What is written as TOML is read back equal, whatever the names hold."""
    odd = 'A "phone" \\ 1', "é\n\t𝛼\x00\x7f", "\u2028\U000e0001"
    for name in odd:
        profile = dataclasses.replace(fitted(PAIRS), name=name, source=name)
        path = estimate.save_profile(profile, tmp_path / "phone.toml")
        assert estimate.load_profile(path) == profile


def test_bytes_that_are_no_text_do_not_spoil_a_profile(tmp_path):
    """A name with such a byte is written with the sign for what is unknown."""
    profile = dataclasses.replace(fitted(PAIRS), name="phone \udcff")
    path = estimate.save_profile(profile, tmp_path / "phone.toml")
    assert estimate.load_profile(path).name == "phone \ufffd"


def test_the_shipped_profile_is_sound():
    """The Snapdragon 820 loads, and predicts its own points well enough to be of use."""
    profile = estimate.load_profile(estimate.DEFAULT)
    assert profile.precision == "float32" and profile.points >= 5
    assert 0 < profile.left_out_mean < profile.left_out_worst < 0.2


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(estimate.LatencyProfile)])
def test_a_missing_field_is_named(tmp_path, field):
    """A profile that lacks a field is refused with the field's name."""
    path = estimate.save_profile(fitted(PAIRS), tmp_path / "phone.toml")
    lines = [line for line in path.read_text().splitlines() if not line.startswith(f"{field} =")]
    path.write_text("\n".join(lines))
    with pytest.raises(ResultError, match=f"phone.toml is no profile: .*missing.*`{field}`"):
        estimate.load_profile(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("slope_ms_per_million = ", "slope_ms_per_million = -", "must be above 0. Received: -"),
        (
            "slope_ms_per_million = ",
            "slope_ms_per_million = nan #",
            "finite number, got `nan` - at `$.slope",
        ),
        ("interval_factor = ", "interval_factor = 0.9 #", "must be above 1. Received: 0.9"),
        ("points = ", 'points = "4" #', "Expected `int`, got `str` - at `$.points`"),
        ("name = ", "name = 4 #", "Expected `str`, got `int` - at `$.name`"),
        ("least_instructions = ", "least_instructions = 0 #", "must be above 0"),
        ("most_instructions = ", "most_instructions = 5 #", "must be above"),
        ("format = 1", "format = 2", "`format` must be 1. Received: 2"),
        ("format = 1", "", "`format` must be 1. Received: nothing"),
        ("format = 1", "format = ", "is no TOML file"),
        ("format = 1", "format = true", "`format` must be 1. Received: True"),
        ("format = 1", "format = 1.0", "`format` must be 1. Received: 1.0"),
        ("format = 1", "format = 0x" + "f" * 9000, "Received: a value too long to show"),
        ("format = 1", "format = " + "[" * 9000, "is no TOML file: Nested too deeply"),
        ("points = ", "points = " + "9" * 5000 + " #", "is no TOML file"),
        ("points = ", "points = " + "9" * 30 + " #", "64 bits - at `$.points`"),
        ("points = ", "points = 4.0 #", "Expected `int`, got `float` - at `$.points`"),
        ("interval_factor = ", "interval_factor = inf #", "got `inf` - at `$.interval_factor`"),
        ("interval_factor = ", "interval_factor = true #", "Expected `float`, got `bool`"),
        ("left_out_mean = ", "left_out_mean = -nan #", "got `nan` - at `$.left_out_mean`"),
        ("name = ", "name = 2025-01-01 #", "Expected `str`"),
        ("name = ", 'name = "twice"\nname = ', "is no TOML file"),
    ],
)
def test_a_senseless_profile_is_refused(tmp_path, old, new, words):
    """A negative slope, a wrong type or a damaged file is one line that says which."""
    path = estimate.save_profile(fitted(PAIRS), tmp_path / "phone.toml")
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ResultError) as caught:
        estimate.load_profile(path)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_an_unknown_profile_lists_those_that_there_are(tmp_path):
    """Neither a name nor a file: the names are told."""
    with pytest.raises(UsageError, match=r"snapdragon-820.*Received: pixel"):
        estimate.load_profile("pixel")


# --- From stored results -----------------------------------------------------


def _records():
    costs = [counted(millions, f"net{number}") for number, (millions, _) in enumerate(PAIRS)]
    return costs, [measured(cost, ms) for cost, (_, ms) in zip(costs, PAIRS, strict=True)]


def test_counts_meet_the_latencies_of_their_file(tmp_path):
    """Pairs are made by hash; invalid, emulated and foreign results are left out and told."""
    costs, benchmarks = _records()
    invalid = measured(costs[0], 999, flags=(Flag("steady", False, "throttled"),))
    emulated = measured(
        costs[0], 999, device=dataclasses.replace(invalid.device, emulated=True, serial="e")
    )
    foreign = measured(counted(10, "other"), 999)
    slower = measured(costs[0], 34)
    int8 = counted(60, "net0", "int8")
    extra = [invalid, emulated, foreign, slower, int8, measured(int8, 20)]
    for number, record in enumerate([*costs, *benchmarks, *extra]):
        (tmp_path / f"{number:02}.json").write_text(to_json(record))
    pairs = estimate.pair(store.read([tmp_path]).records)
    assert [cost.model.name for cost in pairs.costs] == [f"net{n}.tflite" for n in range(4)]
    assert pairs.latencies_ms == (34, 60, 88, 130) and pairs.device == "Pixel 6"
    assert [note.split()[0] for note in pairs.notes] == ["2", "1", "1"]


def test_results_that_cannot_be_paired_are_refused(tmp_path):
    """Two phones, no pair at all, and a file that is no result are one line each."""
    costs, benchmarks = _records()
    other = dataclasses.replace(benchmarks[1].device, serial="2c3d")
    with pytest.raises(ResultError, match="one device"):
        estimate.pair([*costs, benchmarks[0], dataclasses.replace(benchmarks[1], device=other)])
    with pytest.raises(ResultError, match="mmnet-deploy cost"):
        estimate.pair(benchmarks)
    little = dataclasses.replace(benchmarks[1], cores=(0, 1), cores_wanted="little")
    words = r"net0.tflite and net1.tflite differ in requested cores: none; little"
    with pytest.raises(ResultError, match=words):
        estimate.pair([*costs, benchmarks[0], little])


def test_profiled_latencies_are_no_part_of_a_profile():
    """Timing every operator takes time itself."""
    costs, benchmarks = _records()
    profiled = measured(costs[0], 40, profiling=True)
    pairs = estimate.pair([*costs, *benchmarks, profiled])
    assert pairs.latencies_ms == (32, 60, 88, 130)
    assert pairs.notes[0].startswith("1 benchmarks left out: invalid, emulated, profiled")


def test_a_profile_of_half_precision_is_for_half_precision():
    """Files of one precision that compute in two types do not share a price per instruction."""
    half = [counted(m, f"n{m}", computes_in="float16") for m, _ in PAIRS]
    profile = estimate.fit(half, [ms for _, ms in PAIRS], "Phone", "a test")
    assert estimate.estimate(counted(100, computes_in="float16"), profile).latency_ms > 0
    for other in ("", "float32"):
        with pytest.raises(estimate.NoEstimateError, match="not float32"):
            estimate.estimate(counted(100, computes_in=other), profile)


def _results(core="cortex-a57", computes_in="float32", on_phone="float32"):
    """Counts and benchmarks of four float16 files."""
    costs = [
        counted(m, f"n{m}", "float16", cpu=core, identity=core, computes_in=computes_in)
        for m, _ in PAIRS
    ]
    found = [measured(c, ms, computes_in=on_phone) for c, (_, ms) in zip(costs, PAIRS, strict=True)]
    return [*costs, *found]


def test_counts_of_two_cores_are_not_mixed():
    """A profile needs to know whose counts are meant; then those of the others are left out."""
    old, new = _results(), _results("cortex-a76")[:4]
    with pytest.raises(ResultError, match=r"counts of cortex-a57, cortex-a76: choose with `--cpu`"):
        estimate.pair([*old, *new])
    found = estimate.pair([*old, *new], "cortex-a57")
    assert {cost.cpu for cost in found.costs} == {"cortex-a57"} and len(found.costs) == 4
    with pytest.raises(ResultError, match=r"counts of cortex-a57\. Received: --cpu max"):
        estimate.pair(old, "max")


def test_a_phone_that_computes_in_another_type_is_left_out():
    """A count in float32 says nothing of a file that the phone computed in float16."""
    with pytest.raises(ResultError, match="4 benchmarks left out: the phone computed in another"):
        estimate.pair(_results(on_phone="float16"))
    other = measured(counted(70, "x", computes_in="float32"), 40, computes_in="float16")
    mixed = [*_results(), counted(70, "x", computes_in="float32"), other]
    found = estimate.pair(mixed)
    assert len(found.costs) == 4 and "1 benchmarks left out: the phone" in found.notes[0]
    # Results of earlier versions do not tell, and were computed as they were counted.
    assert len(estimate.pair(_results(computes_in="", on_phone="")).costs) == 4
