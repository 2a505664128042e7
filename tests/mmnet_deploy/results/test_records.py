"""Records and their JSON: nothing is lost, nothing damaged gets through."""

import dataclasses
import json

import pytest
from hypothesis import given, settings

from android_benchmark import (
    DeviceFacts,
    DeviceState,
    Engine,
    Flag,
    InstructionCounts,
    Measurement,
    RunRules,
    Statistics,
)
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results import record_json
from mmnet_deploy.results.records import (
    Benchmark,
    PictureScore,
)
from mmnet_deploy.tflite.card import (
    ModelCard,
    ModelFile,
    card_from_json,
    card_to_json,
    size_label,
)
from tests.support.any_record import METRICS, cards, results
from tests.support.results import benchmark, card, counted, model, with_constant

_MAPPINGS = ("versions", "scores", "constant", "temperatures_c", "libraries")
"""Fields whose names are data."""


def _with_more_fields(value):
    """The same JSON with an unknown field in every object that is a record."""
    if isinstance(value, list):
        return [_with_more_fields(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: item if key in _MAPPINGS else _with_more_fields(item) for key, item in value.items()
    } | {"of_another_version": [1, {"x": None}]}


# --- Round trips -------------------------------------------------------------


@given(results)
@settings(deadline=None)
def test_results_survive_json(record):
    """What is read back equals what was written, types of the parts included."""
    again = record_json.from_json(record_json.to_json(record))
    assert again == record
    assert type(again) is type(record)


@given(cards)
@settings(deadline=None)
def test_cards_survive_json(card):
    """A model's description is read back as it was."""
    assert card_from_json(card_to_json(card)) == card


@given(results)
@settings(deadline=None)
def test_lists_come_back_as_tuples(record):
    """Records that were read can be compared and hashed as those that were made."""
    again = record_json.from_json(record_json.to_json(record))
    parts = [again, again.model, again.model.card]
    if isinstance(again, Benchmark):
        parts += [again.measurement, again.before, again.after]
        assert hash(again.device) == hash(record.device)
    for part in filter(None, parts):
        assert not any(
            isinstance(getattr(part, field.name), list) for field in dataclasses.fields(part)
        )


@given(results)
@settings(deadline=None)
def test_unknown_fields_are_ignored(record):
    """A result of the same schema with more fields, anywhere, can be read."""
    more = json.dumps(_with_more_fields(json.loads(record_json.to_json(record))))
    assert record_json.from_json(more) == record


@given(cards)
@settings(deadline=None)
def test_unknown_fields_of_a_card_are_ignored(card):
    """The same holds for the description inside a model."""
    more = json.dumps(_with_more_fields(json.loads(card_to_json(card))))
    assert card_from_json(more) == card


def test_equal_cards_are_equal_bytes():
    """The order in which versions were collected does not show in the file."""
    card = ModelCard("mmnet", "MMNet", 1.0, 256, 256, "int8", 1, "a", "b", "c")
    one = dataclasses.replace(card, versions={"keras": "3", "numpy": "2"})
    other = dataclasses.replace(card, versions={"numpy": "2", "keras": "3"})
    assert card_to_json(one) == card_to_json(other)


def test_a_card_of_the_first_form_is_read():
    """Version 1 knew one input size for height and width."""
    card = ModelCard("mmnet", "MMNet", 1.0, 128, 128, "int8", 1, "a", "b", "c")
    content = json.loads(card_to_json(card))
    del content["height_px"], content["width_px"]
    old = json.dumps(content | {"schema_version": 1, "input_size": 128})
    assert card_from_json(old) == card


@pytest.mark.parametrize(("height", "width", "label"), [(256, 256, "256"), (144, 256, "144x256")])
def test_the_size_of_an_input_in_a_name(height, width, label):
    """A square is named by its side, else height comes first."""
    assert size_label(height, width) == label


# --- The form ----------------------------------------------------------------


def test_mean_scores_stand_at_the_top_as_plain_numbers(evaluation):
    """Other tools find the means of the metrics without knowing the rest of the form."""
    content = json.loads(record_json.to_json(evaluation))
    assert {name: content[name] for name in METRICS} == pytest.approx(
        {"gradient_error": 0.003, "mad": 0.02, "sad": 5.0, "mse": 0.2, "mean_iou": 0.75}
    )
    assert all(type(content[name]) is float for name in METRICS)
    assert content["kind"] == "evaluation"
    assert content["schema_version"] == record_json.SCHEMA_VERSION


def test_those_of_a_matte_of_one_value_stand_beside_them(evaluation):
    """Its means, and on how many pictures the model is better; without them nothing is claimed."""
    content = json.loads(record_json.to_json(evaluation))
    assert (content["constant_scores"], content["better_than_constant"]) == ({}, None)
    known = with_constant(evaluation, gradient_error=0.003, mad=0.2)
    assert record_json.from_json(record_json.to_json(known)) == known
    content = json.loads(record_json.to_json(known))
    assert content["constant_scores"] == pytest.approx({"gradient_error": 0.003, "mad": 0.2})
    assert content["better_than_constant"] == 1


def test_means_are_derived_and_not_believed(evaluation):
    """A mean that was changed in the file has no effect: the pictures' scores count."""
    content = json.loads(record_json.to_json(evaluation)) | {"gradient_error": 0.0}
    assert record_json.from_json(json.dumps(content)).scores["gradient_error"] == pytest.approx(
        0.003
    )


def test_evaluation_names_its_gradient_error(evaluation):
    """The definition travels with the number."""
    assert "sigma=1.4" in json.loads(record_json.to_json(evaluation))["gradient_error_definition"]


def test_any_file_name_can_be_stored(evaluation):
    """Of a name that is no valid text, as file systems allow, the odd bytes are written out."""
    odd = dataclasses.replace(evaluation.model, name="\udcff é \u2028 \U0001f600.tflite")
    text = record_json.to_json(dataclasses.replace(evaluation, model=odd))
    assert text.isascii()
    assert text.endswith("}\n")
    assert record_json.from_json(text).model.name == "\\udcff é \u2028 \U0001f600.tflite"


@pytest.mark.parametrize("half", ["\ud800", "\udcff", "x\udfff", "\udc00\ud800"])
@pytest.mark.parametrize("text_of", ["portraits", "ab12", "LiteRT"])
def test_text_that_no_table_can_hold_is_refused(evaluation, half, text_of):
    """Half of a surrogate pair that another program wrote is damage, in any field."""
    text = record_json.to_json(evaluation).replace(text_of, json.dumps(half)[1:-1])
    with pytest.raises(ResultError, match="no Unicode"):
        record_json.from_json(text)


def test_a_whole_surrogate_pair_is_read(evaluation):
    """JSON writes signs beyond the first plane as two halves."""
    smile = dataclasses.replace(evaluation.model, name="\U0001f600")
    text = record_json.to_json(dataclasses.replace(evaluation, model=smile))
    assert r"\ud83d\ude00" in text
    assert record_json.from_json(text).model == smile


@pytest.mark.parametrize(
    "change",
    [
        {"measurement": Measurement((), (-1.0,))},
        {"measurement": Measurement((-0.5,), (1.0,))},
        {"measurement": Measurement((), (1.0, 1e300))},
        {"measurement": Measurement((), ())},
        {"measurement": Measurement((), (), Statistics(3, 1.0, -1.0, 1.0, 1.0, 0.1))},
        {"measurement": Measurement((), (), Statistics(-3, 1.0, 1.0, 1.0, 1.0, 0.1))},
    ],
)
def test_impossible_times_are_refused(change):
    """A benchmark has samples, and no time is negative or longer than months."""
    text = record_json.to_json(dataclasses.replace(benchmark(model()), **change))
    with pytest.raises(ResultError, match=r"impossible time|no sample"):
        record_json.from_json(text)


@pytest.mark.parametrize(
    "scores", [{"mad": -0.1}, {"mad": 1e300}, {"Mad": 0.1}, {"=1": 0.1}, {"model": 0.1}]
)
def test_impossible_scores_are_refused(evaluation, scores):
    """A score is no negative number, and its name can stand over a column."""
    text = record_json.to_json(
        dataclasses.replace(evaluation, pictures=(PictureScore("a", scores),))
    )
    with pytest.raises(ResultError, match=r"impossible mad|usable name"):
        record_json.from_json(text)


@pytest.mark.parametrize("change", [{"parameters": -1}, {"macs": -1}])
def test_negative_costs_of_a_model_are_refused(evaluation, change):
    """Whether they stand in its description or were counted: a marker has a size."""
    plain = ModelFile("a.tflite", "a" * 64, 1, **change)
    described = ModelFile("a.tflite", "a" * 64, 1, dataclasses.replace(card(), **change))
    for file in (plain, described):
        with pytest.raises(ResultError, match="impossible number"):
            record_json.from_json(record_json.to_json(dataclasses.replace(evaluation, model=file)))


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 2**64, -(2**63) - 1])
def test_whole_numbers_that_no_table_can_hold_are_refused(evaluation, number):
    """They have 64 bits with their sign."""
    odd = dataclasses.replace(evaluation.model, size_bytes=number)
    with pytest.raises(ResultError, match="damaged"):
        record_json.from_json(record_json.to_json(dataclasses.replace(evaluation, model=odd)))


def test_counts_whose_sum_no_table_can_hold_are_refused():
    """The sum of the classes is a column too."""
    for counts in (
        InstructionCounts(2**62, 2**62, 0, 0, 0, 0),
        InstructionCounts(9, 0, 0, 0, -1, 0),
    ):
        with pytest.raises(ResultError, match="impossible count"):
            record_json.from_json(record_json.to_json(counted(1, counts=counts)))


def test_records_cannot_be_changed(evaluation):
    """A result is frozen once it exists."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        evaluation.data = "others"


def test_broken_rules_are_the_flags_that_are_not_as_wanted():
    """A benchmark with any is invalid, one without is valid."""
    held, broken = Flag("min_runs_met", True), Flag("stable", False, "noise")
    hot = Flag("throttled", True, "hot", wanted=False)
    benchmark = Benchmark(
        model=ModelFile("a.tflite", "ab", 1),
        device=DeviceFacts("s", "m", "p", 4, "Linux"),
        engine=Engine("e", "1", "none"),
        threads=1,
        rules=RunRules(),
        measurement=Measurement((), (1.0,)),
        flags=(held, broken, hot),
        before=DeviceState(),
        after=DeviceState(),
        versions={},
        created_at="",
    )
    assert benchmark.broken_rules == (broken, hot)
    assert dataclasses.replace(benchmark, flags=(held,)).broken_rules == ()


# What version 3 added to benchmarks; all else is as version 1 had it.
_NEW = {
    "": ("cores", "cores_wanted", "init_us", "peak_memory_bytes", "profile", "output_difference"),
    "device": ("abi", "sdk", "build", "kernel", "max_frequencies_khz", "emulated"),
    "engine": ("requested", "nodes", "delegated_nodes", "partitions", "sha256"),
    "rules": ("percentile", "rest_margin_c", "rest_max_s"),
    "measurement": ("statistics",),
    "before": (
        "frequency_limits_khz",
        "thermal_status",
        "battery_percent",
        "battery_c",
        "charging",
        "screen_on",
    ),
}


@pytest.mark.parametrize("version", [1, 2])
def test_a_benchmark_of_an_earlier_form_is_read(version):
    """What it does not tell is unknown, and a flag that does not hold is broken."""
    now = Benchmark(
        model=ModelFile("a.tflite", "ab", 1),
        device=DeviceFacts("host", "this computer", "p", 4, "Linux"),
        engine=Engine("LiteRT", "2.1", "xnnpack"),
        threads=2,
        rules=RunRules(),
        measurement=Measurement((3.0,), (1.0, 2.0)),
        flags=(Flag("stable", False, "noise"), Flag("min_runs_met", True)),
        before=DeviceState(load_1min=0.5, governors=("schedutil",)),
        after=DeviceState(),
        versions={"python": "3.11"},
        created_at="2025-01-01T00:00:00+00:00",
    )
    content = json.loads(record_json.to_json(now)) | {"schema_version": version}
    for part, names in _NEW.items():
        for name in names:
            del (content[part] if part else content)[name]
    for flag in content["flags"]:
        del flag["wanted"]
    assert record_json.from_json(json.dumps(content)) == now
    assert [flag.name for flag in now.broken_rules] == ["stable"]


def test_statistics_without_a_run_are_refused():
    """They are of nothing, like no samples."""
    record = json.loads(
        record_json.to_json(
            Benchmark(
                model=ModelFile("a.tflite", "ab", 1),
                device=DeviceFacts("s", "m", "p", 4, "Android 14"),
                engine=Engine("benchmark_model", "2", "none"),
                threads=1,
                rules=RunRules(),
                measurement=Measurement((), (), Statistics(1, 1.0, 1.0, 1.0, 1.0, 0.0)),
                flags=(),
                before=DeviceState(),
                after=DeviceState(),
                versions={},
                created_at="",
            )
        )
    )
    record["measurement"]["statistics"]["count"] = 0
    with pytest.raises(ResultError, match="holds no sample"):
        record_json.from_json(json.dumps(record))
