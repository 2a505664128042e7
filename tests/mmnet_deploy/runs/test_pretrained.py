"""The bundled networks: whatever takes a run takes them by name."""

import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mmnet_deploy.networks import network
from mmnet_deploy.portraits import synthetic
from mmnet_deploy.runs import pretrained
from mmnet_deploy.runs.run import Run
from mmnet_deploy.training.session import Session
from tests.support import bundled

MOST_BYTES = 1_500_000


def test_they_are_small_and_belong_to_nobody():
    """All of them together are under 1.5 MB; they know no folder and no picture."""
    folders = [pretrained.run_folder(name) for name in pretrained.names()]
    files = [path for folder in folders for path in folder.rglob("*")]
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    own = {"best.keras", "config.json", "recipe.toml", "sources.json"}
    assert {path.name for path in files} == own
    for folder in folders:
        config = Run(folder).read_config()
        for path in (config.data, config.initial_weights, config.backgrounds, config.teacher):
            assert not path
        assert not config.unlabelled and "/" not in config.imported_from


def test_every_source_of_the_weights_is_named_with_its_licence():
    """A teacher and a network that the weights began with are among them."""
    for name in pretrained.names():
        folder = pretrained.run_folder(name)
        sources = pretrained.sources(folder)
        assert all(source.name and source.use and source.licence for source in sources)
        config = Run(folder).read_config()
        if config.teacher_name or config.imported_from:
            assert "MediaPipe Selfie Segmentation" in {source.name for source in sources}
        licences = pretrained.licence(folder).split(" AND ")
        assert set(licences) == {"Apache-2.0", *(source.licence for source in sources)}


@pytest.mark.parametrize("name", pretrained.names())
def test_each_is_the_operating_point_that_it_is_called_after(name):
    """Family, width multiplier and input size are those of its name."""
    config = Run(pretrained.run_folder(name)).read_config()
    family, *width, size = name.split("-")
    assert config.family == family
    assert config.width_multiplier == (float(width[0]) if width else None)
    with zipfile.ZipFile(pretrained.run_folder(name) / "best.keras") as archive:
        stored = json.loads(archive.read("config.json"))["config"]
    assert stored["layers"][0]["config"]["batch_shape"] == [None, int(size), int(size), 3]
    assert config.input_size == int(size)


def test_they_find_people(call):
    """Each mattes synthetic portraits, as large as the smallest network's input."""
    synthetic.write_dataset(Path("data"), count=20, size=128, seed=18)
    names = [f"{pretrained.PREFIX}{name}" for name in pretrained.names()]
    result = call("evaluate", *names, "--data", "data", "-o", "r")
    assert result.exit_code == 0, result.output
    from mmnet_deploy.results import store

    records = store.load([Path("r")])
    assert {record.model.name for record in records} == {
        f"{name}/best.keras" for name in pretrained.names()
    }
    assert min(record.scores["mean_iou"] for record in records) > 0.85


def test_one_is_converted(call, one_line, portraits, tiny_run, tmp_path, monkeypatch):
    """It converts on pictures that are given, and asks for them if not."""
    folder = bundled.with_weights_of(tiny_run, tmp_path / "bundled", "tiny-1.0-32")
    monkeypatch.setattr(pretrained, "_FOLDER", folder)
    words = ("convert", "pretrained:tiny-1.0-32", "--precision", "int8", "-o", "files")
    one_line(call(*words), 2, "`representative` must name a data set", "bundled without")
    converted = call(*words, "--representative", portraits, "--calibration-samples", 2)
    assert converted.exit_code == 0, converted.output
    assert Path("files/tiny-1.0-32-int8.tflite").is_file()


def test_a_training_begins_with_one(call, portraits, monkeypatch):
    """What is stored before the first step are its weights, layer by layer."""

    def interrupt(session, number, stream):
        raise KeyboardInterrupt

    # Compiling the step of the real network is the longest part, and no matter here.
    monkeypatch.setattr(Session, "epoch", interrupt)
    source = "pretrained:mmnet-0.5-128"
    trained = call(
        "train", "mmnet-0.5-128", "--data", portraits, "--out", "run", "--init-from", source,
        "--epochs", 1, "--steps-per-epoch", 1, "--batch-size", 2,
    )  # fmt: skip
    assert trained.exit_code == 130, trained.output
    taken, layers = re.search(r"(\d+) of (\d+) layers taken", trained.stderr).groups()
    # The auxiliary heads, which only training has, are new.
    assert int(layers) - int(taken) <= 2
    model = network.load(pretrained.run_folder("mmnet-0.5-128")).model
    with np.load(Run(Path("run")).state) as state:
        stored = [state[name] for name in state if name.startswith("weights.")]
    for weights in model.get_weights():
        assert any(np.array_equal(weights, found) for found in stored)


def test_an_unknown_name_is_one_line(call, one_line, portraits):
    """The names that there are are listed."""
    result = call("evaluate", "pretrained:mmnet-9", "--data", portraits)
    one_line(result, 2, "must be followed by one of mmnet-0.5-128", "Received: mmnet-9")


def test_a_run_on_a_part_converts_on_that_part(call, portraits, tmp_path):
    """Without --representative the pictures are those of the splits that were trained on."""
    shutil.copytree(portraits / "train", tmp_path / "all" / "one" / "train")
    trained = call(
        "train", "tiny-1.0-32", "--data", "all", "--split", "one/train", "--out", "run",
        "--epochs", 1, "--steps-per-epoch", 1, "--batch-size", 2,
    )  # fmt: skip
    assert trained.exit_code == 0, trained.output
    converted = call("convert", "run", "--precision", "int8", "-o", "files")
    assert converted.exit_code == 0, converted.output
    assert call("convert", "run", "-o", "f2", "--representative", "all/one").exit_code == 0
