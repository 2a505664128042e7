"""The demo: trained with a network of seconds, and with a bundled one."""

import csv
import json
import os

import pytest
from click.testing import CliRunner

import android_benchmark
from android_benchmark import Flag
from mmnet_deploy.cli import cli
from mmnet_deploy.cli import demo as module
from mmnet_deploy.results import store
from mmnet_deploy.results.records import Benchmark, Evaluation
from mmnet_deploy.runs import pretrained
from mmnet_deploy.runs.run import Run
from mmnet_deploy.tflite import interpreter
from tests.support import results
from tests.support.int8 import quick_int8


@pytest.fixture(scope="module")
def quick():
    """Short runs for the benchmarks of the demo."""
    with pytest.MonkeyPatch.context() as patch:
        presets = android_benchmark.PRESETS
        patch.setattr(android_benchmark, "PRESETS", {**presets, "default": presets["quick"]})
        yield


@pytest.fixture(scope="module")
def demo(quick, tmp_path_factory):
    """The folder that a demo with the tiny network left, and what it said."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    options = ["--count", "20", "--epochs", "1", "--input-size", "32", "--width-multiplier", "1.0"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FAMILY", "tiny")
        patch.setattr(module, "STEPS_PER_EPOCH", 4)
        result = CliRunner().invoke(cli, ["demo", "-o", str(folder), *options])
    assert result.exit_code == 0, result.output
    return folder, result


@pytest.fixture(scope="module")
def bundled(quick, tmp_path_factory):
    """The same of a demo with the smallest bundled network, and its name."""
    first = pretrained.names()[:1]
    folder = tmp_path_factory.mktemp("bundled") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrained, "names", lambda: first)
        quick_int8(patch)
        options = ["--pretrained", "--count", "12"]
        result = CliRunner().invoke(cli, ["demo", "-o", str(folder), *options])
    assert result.exit_code == 0, result.output
    return folder, result, first[0]


def test_the_demo_leaves_models_results_and_charts(demo):
    """Everything that the README promises is in one folder."""
    folder, _ = demo
    names = [f"tiny-1.0-32-{precision}.tflite" for precision in ("float16", "float32", "int8")]
    assert sorted(os.listdir(folder / "models")) == names
    records = store.load([folder / "results"])
    assert sum(isinstance(record, Evaluation) for record in records) == 4
    assert sum(isinstance(record, Benchmark) for record in records) == 3
    assert (folder / "pareto.svg").read_bytes().startswith(b"<?xml")
    assert (folder / "pareto.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<title>The demo of mmnet-deploy</title>" in page
    assert all(name in page for name in names)
    with (folder / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["model"] for row in rows) == names
    assert all(float(row["latency_ms"]) > 0 for row in rows)


def test_the_demo_says_what_its_numbers_are_not(demo):
    """The summary is on standard output, the reservation in plain words."""
    _, result = demo
    assert "tiny-1.0-32-int8.tflite" in result.stdout
    assert "run/best.keras" in result.stdout
    assert "report.html" in result.stderr
    assert "synthetic" in result.stderr
    assert "latency is this computer's" in result.stderr


def test_mmnet_runs_wholly_delegated(bundled):
    """Every precision of the real network is one XNNPACK partition, and nothing beside it."""
    folder, _, _ = bundled
    for path in (folder / "models").iterdir():
        model = interpreter.TFLiteModel(path)
        operators = model._interpreter._get_ops_details()
        assert [op["op_name"] for op in operators].count("DELEGATE") == 1
        assert not [op for op in operators if "SPACE_TO_BATCH" in op["op_name"]]


def test_a_demo_replaces_an_earlier_one_and_nothing_else(demo, monkeypatch):
    """The folder of a demo may be used again; files that others put there stay."""
    folder, _ = demo
    (folder / "notes.txt").write_text("mine")
    config = json.loads(Run(folder / "run").config_file.read_text())
    assert (config["width_multiplier"], config["steps_per_epoch"]) == (1.0, 4)
    module._prepare(folder)
    assert sorted(os.listdir(folder)) == sorted(
        [module.MARK, "notes.txt", "pareto.png", "pareto.svg", "report.html", "results.csv"]
    )


def test_a_demo_with_bundled_networks_trains_nothing(bundled):
    """Every one of them is converted, evaluated and measured; there is no run."""
    folder, result, name = bundled
    assert f"{name}-int8.tflite" in result.stdout
    assert not (folder / "run").exists()
    assert sum(isinstance(r, Evaluation) for r in store.load([folder / "results"])) == 4


def test_options_of_a_training_do_not_go_with_bundled_networks(tmp_path):
    """Nothing is written, and the line says what there is."""
    options = ["demo", "--pretrained", "--epochs", "3", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(cli, options)
    assert result.exit_code == 2
    assert "--epochs must be left out with --pretrained" in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_summary_says_what_is_wrong_as_everything_else_does(capsys):
    """A rule that is kept when it does not hold is not told the wrong way round."""
    file = results.model()
    flags = (
        Flag("fell_back", True, "gpu was asked for", wanted=False),
        Flag("stable", False, "noise"),
    )
    module._summarise([results.benchmark(file, flags=flags), results.evaluation(file)])
    out = " ".join(capsys.readouterr().out.split())
    assert "fell back; not stable" in out and "not fell" not in out
