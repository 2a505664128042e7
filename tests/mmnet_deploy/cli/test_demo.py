"""The demo: trained with a network of seconds, and with a bundled one."""

import csv
import json
import os

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import android_benchmark
from android_benchmark import Flag
from mmnet_deploy.cli import cli
from mmnet_deploy.cli.demo import command, ending, pictures, shown, stages
from mmnet_deploy.networks import resizing
from mmnet_deploy.portraits import synthetic
from mmnet_deploy.results import store, trade_offs
from mmnet_deploy.results.records import Benchmark, Evaluation
from mmnet_deploy.runs import pretrained
from mmnet_deploy.runs.run import Run
from mmnet_deploy.tflite import interpreter
from mmnet_deploy.tflite.card import describe
from tests.conftest import tiny_config
from tests.support import results
from tests.support.int8 import quick_int8


@pytest.fixture(scope="module")
def quick():
    """Short runs for the benchmarks of the demo."""
    with pytest.MonkeyPatch.context() as patch:
        presets = android_benchmark.PRESETS
        patch.setattr(android_benchmark, "PRESETS", {**presets, "default": presets["quick"]})
        patch.setattr(stages, "TRIES", 1)
        yield


@pytest.fixture(scope="module")
def demo(quick, tiny_run, tmp_path_factory):
    """The folder that a demo with tiny networks left, and what it said."""
    root = tmp_path_factory.mktemp("demo")
    bundled = Run(root / "bundled" / "tiny-1.0-64")
    resizing.resize(Run(tiny_run), 64, bundled)
    source = {"name": "a data set", "use": "its pictures", "licence": "MIT"}
    (bundled.folder / pretrained.SOURCES).write_text(json.dumps([source]))
    folder = root / "out"
    options = ["--count", "20", "--epochs", "1", "--input-size", "32", "--width-multiplier", "1.0"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrained, "_FOLDER", root / "bundled")
        patch.setattr(command, "FAMILY", "tiny")
        patch.setattr(command, "STEPS_PER_EPOCH", 4)
        patch.setattr(stages, "INT8_MULTIPLY_ADDS", 0)
        result = CliRunner().invoke(cli, ["demo", "-o", str(folder), *options])
    assert result.exit_code == 0, result.output
    return folder, result


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    """A portrait, twice as wide as high, stored lying on its side with the note to turn it."""
    picture, _ = synthetic.portrait(1, 0, 128)
    path = tmp_path_factory.mktemp("own") / "me $x$.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(np.repeat(picture, 2, axis=1))).save(path, exif=exif)
    return path


@pytest.fixture(scope="module")
def bundled(quick, photograph, tmp_path_factory):
    """The same of a demo with the smallest bundled network and a photograph, and its name."""
    first = pretrained.names()[:1]
    folder = tmp_path_factory.mktemp("bundled") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrained, "names", lambda: first)
        patch.setattr(shown, "PARTS", ())
        quick_int8(patch)
        options = ["--pretrained", "--count", "12", "--picture", str(photograph)]
        result = CliRunner().invoke(cli, ["demo", "-o", str(folder), *options])
    assert result.exit_code == 0, result.output
    return folder, result, first[0]


def test_the_demo_leaves_models_results_and_charts(demo):
    """Everything that the README promises is in one folder."""
    folder, _ = demo
    names = [
        "tiny-1.0-48-float32.tflite",
        "tiny-1.0-64-float32.tflite",
        *(f"trained-tiny-1.0-32-{kind}.tflite" for kind in ("float16", "float32", "int8")),
    ]
    assert sorted(os.listdir(folder / "models")) == names
    records = store.load([folder / "results"])
    assert sum(isinstance(record, Evaluation) for record in records) == 6
    assert sum(isinstance(record, Benchmark) for record in records) == 5
    chart = (folder / "pareto.svg").read_text(encoding="utf-8")
    assert chart.startswith("<?xml")
    assert all(words in chart for words in ("Tiny, trained here", "Gradient error", "MAD"))
    for name in ("pareto.png", "side-by-side.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<title>The demo of mmnet-deploy</title>" in page
    assert all(name in page for name in names)
    with (folder / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["model"] for row in rows) == names
    assert all(float(row["latency_ms"]) > 0 for row in rows)


def test_what_began_with_a_bundled_network_names_its_sources(demo):
    """The training has the first weights of the bundled network of its layers."""
    folder, _ = demo
    assert Run(folder / "run").read_config().initial_weights.endswith("tiny-1.0-64")
    for path in (folder / "models").iterdir():
        assert "a data set (MIT" in describe(path).card.sources


def test_the_demo_says_what_its_numbers_are_not(demo):
    """The summary is on standard output, the reservation in plain words, the picture at last."""
    _, result = demo
    assert "trained-tiny-1.0-32-int8.tflite" in result.stdout
    assert "run/best.keras" in result.stdout
    assert "report.html" in result.stderr
    assert "latency is this computer's" in result.stderr
    last = result.stderr.splitlines()[-1]
    assert "side-by-side.png: a synthetic portrait with its matte by" in last


def test_a_photograph_is_shown_upright_with_its_matte(bundled, photograph):
    """The last line names it with the network, and the sheet has a row for it."""
    folder, result, name = bundled
    last = result.stderr.splitlines()[-1]
    assert f"me $x$.jpg with its matte by pretrained:{name}" in last
    height, width = pictures.read(photograph).image.shape[:2]
    assert (height, width) == (128, 256)
    # One row would be wider than high.
    sheet = cv2.imread(str(folder / "side-by-side.png"))
    assert sheet.shape[0] > 0.5 * sheet.shape[1]


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("missing", 2, ("--picture", "not there")),
        ("folder", 2, ("--picture", "the folder")),
        ("text", 1, ("note.jpg",)),
        ("cut off", 1, ("cut.jpg",)),
    ],
)
def test_a_bad_picture_is_refused_before_anything_else(
    call, one_line, photograph, tmp_path, kind, code, words
):
    """One line, and an earlier demo stays as it was."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / command.MARK).write_text(command.ABOUT)
    (tmp_path / "out" / "report.html").write_text("an earlier one")
    (tmp_path / "note.jpg").write_text("no picture")
    (tmp_path / "cut.jpg").write_bytes(photograph.read_bytes()[:-400])
    given = {"missing": "none.jpg", "folder": "out", "text": "note.jpg", "cut off": "cut.jpg"}
    refused = call("demo", "-o", "out", "--picture", given[kind])
    one_line(refused, code, *words)
    assert (tmp_path / "out" / "report.html").read_text() == "an earlier one"
    assert not (tmp_path / "out" / "portraits").exists()


def test_large_photographs_are_reduced_and_long_ones_keep_a_pixel(tmp_path):
    """The longer side is what the sheet can show; transparency is kept."""
    picture = np.full((3, 4000, 4), 128, np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    found = pictures.read(tmp_path / "a.png")
    assert found.image.shape == (1, pictures.LONGEST_PX, 3)
    assert found.opacity.shape == (1, pictures.LONGEST_PX)


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
    command._prepare(folder)
    assert sorted(os.listdir(folder)) == sorted([command.MARK, "notes.txt"])


def test_a_demo_with_bundled_networks_trains_nothing(bundled):
    """Every one of them is converted, evaluated and measured; there is no run."""
    folder, result, name = bundled
    assert f"{name}-int8.tflite" in result.stdout
    assert not (folder / "run").exists()
    assert sum(isinstance(r, Evaluation) for r in store.load([folder / "results"])) == 2


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
    records = [results.benchmark(file, flags=flags), results.evaluation(file)]
    joined = trade_offs.join(records)
    ending.summarise(records, joined, {})
    out = " ".join(capsys.readouterr().out.split())
    assert "fell back; not stable" in out and "not fell" not in out
    assert ending.ON_FRONT not in out
    ending.summarise(records, joined, {"mad": joined.points})
    assert "front of MAD" in " ".join(capsys.readouterr().out.split())
    ending.summarise(records, joined, dict.fromkeys(ending.METRICS, joined.points))
    out = capsys.readouterr().out
    assert ending.ON_FRONT in out and "of MAD" not in out


def _config(family="mmnet", width=0.5, size=256, **changes):
    return tiny_config("data", family=family, width_multiplier=width, input_size=size, **changes)


def test_each_network_is_shown_once_at_each_size():
    """Of two sets of weights for one size, those trained nearer to it; an imported one as it is."""
    known = {
        "mmnet-0.5-128": _config(size=128),
        "mmnet-0.5-256": _config(),
        "mmnet-0.5-192": _config(size=192),
        "mmnet-1.0-256": _config(width=1.0),
        "selfie-256": _config("selfie", None, imported_from="selfie.tflite"),
    }
    own = _config(width=1.0, size=192)
    found = [(it.name, it.size) for it in shown.bundled(known, own)]
    assert found == [
        ("mmnet-0.5-128", 96),
        ("mmnet-0.5-128", None),
        ("mmnet-0.5-192", None),
        ("mmnet-0.5-256", None),
        ("mmnet-0.5-192", 144),
        ("mmnet-1.0-256", None),
        ("selfie-256", None),
    ]
    assert shown.beginning(known, "mmnet", 0.5, 96) == "mmnet-0.5-128"
    assert shown.beginning(known, "mmnet", 0.75, 96) == ""
    assert shown.for_photographs(known) == "selfie-256"
    del known["selfie-256"]
    assert shown.for_photographs(known) == "mmnet-1.0-256"
