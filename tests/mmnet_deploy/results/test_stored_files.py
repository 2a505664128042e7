"""Files that earlier versions wrote are read as they were meant.

The fixtures were written by the versions that they are of and then made neutral: names of
machines are replaced, and of the host's samples the first 60 are kept.
"""

import dataclasses
import json

import pytest

from mmnet_deploy.results import compare, latency, record_json, store, trade_offs
from mmnet_deploy.results.records import Benchmark, Cost, Evaluation
from mmnet_deploy.runs import recipe_file
from mmnet_deploy.runs.run import Run
from mmnet_deploy.training import checkpoints, history, pairs
from tests.support import FIXTURES

FOLDER = FIXTURES / "results"
FILES = sorted(FOLDER.glob("*.json"))
RUN = Run(FIXTURES / "run")


def read(name, kind):
    """A stored result of that kind."""
    (record,) = store.load([FOLDER / f"{name}.json"])
    assert isinstance(record, kind)
    return record


def test_all_are_read():
    """As a folder of results, of which none is skipped."""
    stored = store.read([FOLDER])
    assert stored.skipped == () and len(stored.records) == len(FILES) == 7


def test_a_benchmark_of_this_computer():
    """Raw samples, rules and flags."""
    result = read("host", Benchmark)
    assert (result.model.name, result.model.size_bytes) == ("tiny-1.0-32-int8.tflite", 3768)
    assert (result.model.card.precision, result.model.card.height_px) == ("int8", 32)
    assert len(result.model.card.calibration_files) == 8
    assert (result.device.serial, result.device.emulated) == ("host", False)
    assert (result.engine.name, result.engine.delegate) == ("ai-edge-litert", "xnnpack")
    assert (len(result.measurement.warmup_us), len(result.measurement.samples_us)) == (5, 60)
    assert latency.quoted(result).quoted_us == pytest.approx(10.556)
    assert (result.rules.min_runs, result.rules.min_duration_s) == (10, 0.2)
    assert not result.broken_rules


def test_a_benchmark_with_the_time_of_operators():
    """On an emulated phone: operators, cores, states, and the output compared."""
    result = read("profile", Benchmark)
    assert result.device.emulated and result.device.sdk == 26
    assert result.profiled and not result.profiling
    assert [operator.kind for operator in result.profile][-2:] == ["Sigmoid (NC)", "QUANTIZE"]
    assert sum(operator.time_us for operator in result.profile) == pytest.approx(4877.9943)
    assert (result.engine.nodes, result.engine.delegated_nodes) == (6, 4)
    assert (result.cores, result.cores_wanted) == ((2, 3), "big")
    assert (result.output_difference.elements, result.output_difference.agrees) == (1024, True)
    assert latency.quoted(result).quoted_us == pytest.approx(4898.6465)
    assert result.before.temperatures_c["tsens_tz_sensor0"] == 31.2
    assert (result.before.charging, result.before.thermal_status) == (True, None)


def test_a_benchmark_of_an_engine_without_samples():
    """Its statistics are quoted by their median."""
    result = read("statistics", Benchmark)
    found = latency.quoted(result)
    assert (result.engine.name, result.engine.version) == ("benchmark_model", "tf2.20")
    assert (found.quoted_us, found.statistic, found.runs) == (56125.0, "median", 50)
    assert (result.init_us, result.measurement.samples_us) == (20125.0, ())


def test_an_evaluation():
    """Scores of each picture, of which the means derive."""
    result = read("evaluation", Evaluation)
    assert (result.data, result.split, result.height_px, result.width_px) == (
        "portraits", "test", 800, 600,
    )  # fmt: skip
    assert [picture.name for picture in result.pictures] == ["00016", "00017", "00018", "00019"]
    assert result.scores["gradient_error"] == pytest.approx(0.004222953553407479)
    assert result.scores["mean_iou"] == pytest.approx(0.30461197916666666)
    assert result.beaten_by_constant
    assert (result.constant_scores, result.better_than_constant) == ({}, None)


def test_a_count_of_instructions():
    """Classes, operators and conditions."""
    result = read("cost", Cost)
    assert (result.counts.total, result.counts.fma) == (266_739, 94_828)
    assert sum(operator.instructions for operator in result.operators) == 266_170
    assert result.conditions["core"] == "cortex-a57 as MSM8996"
    assert result.conditions["qemu"].startswith("7.2.22")


def test_a_benchmark_of_the_first_version():
    """Its card knew squares only, and its flags held or were broken."""
    result = read("version1_benchmark", Benchmark)
    card = result.model.card
    assert (card.height_px, card.width_px, card.width_multiplier) == (128, 128, 0.75)
    assert (card.graph, card.calibration_files) == ("stock", ("a.png", "b.png"))
    assert latency.quoted(result).quoted_us == 4250.0
    assert [flag.label for flag in result.broken_rules] == ["not stable"]
    assert (result.threads, result.cores, result.device.abi) == (2, (), "")


def test_an_evaluation_of_the_first_version():
    """It says nothing of the foreground, so nothing is said of a constant matte."""
    result = read("version1_evaluation", Evaluation)
    assert result.scores == pytest.approx(
        {"gradient_error": 0.005, "mad": 0.03, "sad": 14.4, "mse": 0.015, "mean_iou": 0.92}
    )
    assert result.foreground_share is None and result.note == ""


def test_results_of_the_first_version_meet():
    """They give the point that they gave then."""
    joined = trade_offs.join(
        [read("version1_benchmark", Benchmark), read("version1_evaluation", Evaluation)]
    )
    (point,) = joined.points
    assert (point.label, point.latency_ms, point.valid) == ("0.75*", 4.25, False)
    assert point.error == pytest.approx(0.005)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_changed_in_a_result(file):
    """Compared with itself, whatever is comparable is the same; written anew, it has all it had."""
    records = store.load([file])
    rows = compare.compare(records, records).rows
    assert {row.verdict for row in rows} <= {"same", "not comparable"}
    content = json.loads(file.read_text())
    if content["schema_version"] > 2:
        written = json.loads(record_json.to_json(*records))
        assert written.pop("schema_version") == record_json.SCHEMA_VERSION
        assert _of_old_fields(written, content) == content | {"schema_version": None}


def _of_old_fields(new, old):
    """What was stored of it then: later versions may know more of everything."""
    if isinstance(old, dict):
        return {name: _of_old_fields(new.get(name), value) for name, value in old.items()}
    if isinstance(old, list) and len(old) == len(new):
        return [_of_old_fields(*pair) for pair in zip(new, old, strict=True)]
    return new


# --- A run -------------------------------------------------------------------


def test_the_configuration_of_a_run():
    """What was trained, and how."""
    config = RUN.read_config()
    assert (config.family, config.width_multiplier, config.input_size) == ("tiny", 1.0, 32)
    assert (config.data, config.epochs, config.total_steps) == ("/data/portraits", 4, 16)
    assert (config.weight_decay, config.milestones) == (4e-7, (0.5, 0.75))
    assert (config.max_pairs, config.dropout, config.backgrounds) == (None, None, "")


def test_the_log_of_a_run():
    """One row an epoch, of which the best has the least MAD."""
    log = RUN.read_log()
    assert [row["epoch"] for row in log] == [1, 2, 3, 4]
    assert min(log, key=lambda row: row["val_mad"])["epoch"] == 1
    assert log[-1]["val_mean_iou"] == 0.435294989172907


def test_the_recipe_of_a_run():
    """It is a recipe, and that of the configuration."""
    recipe = recipe_file.read(str(RUN.recipe_file))
    assert (recipe["epochs"], recipe["optimizer"], recipe["seed"]) == (4, "adam", 1)
    assert recipe.items() <= dataclasses.asdict(RUN.read_config()).items()


def test_the_pictures_of_a_run(portraits):
    """The same pictures of the same data set validate today."""
    config = dataclasses.replace(RUN.read_config(), data=str(portraits))
    train, held_out = pairs.hold_out(
        pairs.chosen_pairs(config), config.validation_share, config.seed
    )
    now = [
        (use, pair.image)
        for use, pairs in (("train", train), ("validate", held_out))
        for pair in pairs
    ]
    lines = [line.split() for line in RUN.pictures_file.read_text().splitlines()]
    assert [(use, portraits / name) for use, name in lines] == now


LATER = tuple(
    field.name
    for field in dataclasses.fields(RUN.read_config())
    if field.name not in json.loads((RUN.folder / "config.json").read_text())
)
LATER_LINES = (*(f'"{name}":' for name in LATER), *(f"{name} =" for name in LATER))
"""Of the configuration and the recipe, for fields that the stored run does not know."""


def test_a_run_that_is_written_anew_is_the_same(tmp_path):
    """Line by line: configuration, recipe, log and scores; later fields are the only others."""
    again = Run(tmp_path)
    again.write_config(RUN.read_config())
    checkpoints.write_tables(again, history.from_log(RUN, 4))
    for name in ("config.json", "recipe.toml", "log.csv", "scores.tsv"):
        now, before = (
            [line.rstrip(",") for line in (folder / name).read_text().splitlines()]
            for folder in (tmp_path, RUN.folder)
        )
        assert [line for line in now if not line.strip().startswith(LATER_LINES)] == before
