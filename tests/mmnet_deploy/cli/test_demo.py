"""The demo with the real network, at its smallest: the slowest test, about a minute."""

import csv
import json
import os

import pytest
from click.testing import CliRunner

from mmnet_deploy.cli import cli
from mmnet_deploy.results import store
from mmnet_deploy.results.records import Benchmark, Evaluation
from mmnet_deploy.runs.run import Run
from mmnet_deploy.tflite import interpreter


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder that a small demo left, and what it said."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    options = ["--count", "40", "--epochs", "1", "--input-size", "32"]
    result = CliRunner().invoke(cli, ["demo", "-o", str(folder), *options])
    assert result.exit_code == 0, result.output
    return folder, result


def test_the_demo_leaves_models_results_and_charts(demo):
    """Everything that the README promises is in one folder."""
    folder, _ = demo
    names = [f"mmnet-0.5-32-{precision}.tflite" for precision in ("float16", "float32", "int8")]
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
    assert "mmnet-0.5-32-int8.tflite" in result.stdout
    assert "run/best.keras" in result.stdout
    assert "report.html" in result.stderr
    assert "synthetic" in result.stderr
    assert "latency is this computer's" in result.stderr


def test_mmnet_runs_wholly_delegated(demo):
    """Every precision of the real network is one XNNPACK partition, and nothing beside it."""
    folder, _ = demo
    for path in (folder / "models").iterdir():
        model = interpreter.TFLiteModel(path)
        operators = model._interpreter._get_ops_details()
        assert [op["op_name"] for op in operators].count("DELEGATE") == 1
        assert not [op for op in operators if "SPACE_TO_BATCH" in op["op_name"]]


def test_a_demo_replaces_an_earlier_one_and_nothing_else(demo, monkeypatch):
    """The folder of a demo may be used again; files that others put there stay."""
    from mmnet_deploy.cli import demo as module

    folder, _ = demo
    (folder / "notes.txt").write_text("mine")
    config = json.loads(Run(folder / "run").config_file.read_text())
    assert config["width_multiplier"] == 0.5
    module._prepare(folder)
    assert sorted(os.listdir(folder)) == sorted(
        [module.MARK, "notes.txt", "pareto.png", "pareto.svg", "report.html", "results.csv"]
    )


def test_a_demo_with_networks_that_come_along_trains_nothing(tmp_path, monkeypatch):
    """Every one of them is converted, evaluated and measured; there is no run."""
    from mmnet_deploy.runs import pretrained

    first = pretrained.names()[:1]
    monkeypatch.setattr(pretrained, "names", lambda: first)
    folder = tmp_path / "out"
    result = CliRunner().invoke(cli, ["demo", "--pretrained", "--count", "12", "-o", str(folder)])
    assert result.exit_code == 0, result.output
    assert f"{first[0]}-int8.tflite" in result.stdout
    assert not (folder / "run").exists()
    assert sum(isinstance(r, Evaluation) for r in store.load([folder / "results"])) == 4


def test_options_of_a_training_do_not_go_with_networks_that_come_along(tmp_path):
    """Nothing is written, and the line says what there is."""
    options = ["demo", "--pretrained", "--epochs", "3", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(cli, options)
    assert result.exit_code == 2
    assert "--epochs must be left out with --pretrained" in result.stderr
    assert not (tmp_path / "out").exists()
