"""Networks by name on the command line: listed, trained, converted, or refused in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmnet_deploy.runs import pretrained
from mmnet_deploy.runs.run import Run
from mmnet_deploy.tflite.card import describe

SHORT = ("--epochs", 3, "--steps-per-epoch", 1, "--batch-size", 2)


def test_the_list_has_every_operating_point(call):
    """Name, parameters, multiply-adds and whether the paper has it, as a table and as JSON."""
    listed = json.loads(call("models", "--json").stdout)
    points = [point for point in listed if "family" in point]
    assert {point["name"] for point in points} >= {"mmnet-1.0-256", "md8-0.35-128", "ldn-fb-128"}
    (mmnet,) = [point for point in points if point["name"] == "mmnet-1.0-256"]
    assert mmnet == {
        "name": "mmnet-1.0-256", "family": "mmnet", "title": "MMNet", "width_multiplier": 1.0,
        "input_size": 256, "output_stride": 16, "parameters": 199258, "macs": 327503872,
        "published": True, "pretrained": True,
    }  # fmt: skip
    table = call("models").stdout
    for point in points:
        (line,) = [line for line in table.splitlines() if line.split()[:1] == [point["name"]]]
        assert f"{point['parameters']:,}" in line
        assert ("published" in line) == point["published"]
        assert ("bundled" in line) == point["pretrained"]
    assert {point["family"] for point in points} == {
        "ldn-fb", "lean-unet", "md16", "md8", "mmnet",
    }  # fmt: skip


def test_the_list_has_the_bundled_networks_with_their_licences(call):
    """Each is named as commands take it, with the licence of every source of its weights."""
    listed = json.loads(call("models", "--json").stdout)
    bundled = {one["name"]: one for one in listed if one["name"].startswith("pretrained:")}
    assert set(bundled) == {f"pretrained:{name}" for name in pretrained.names()}
    table = call("models").stdout
    for name, one in bundled.items():
        assert one["sources"]
        assert all(source["licence"] in one["licence"] for source in one["sources"])
        (line,) = [line for line in table.splitlines() if line.split()[:1] == [name]]
        assert one["licence"] in line


def test_the_list_has_the_published_networks(call):
    """With their sizes, costs, licence and origin, and whether they are to be downloaded."""
    listed = json.loads(call("models", "--json").stdout)
    (selfie, landscape) = [one for one in listed if one["name"].startswith("mediapipe:")]
    assert (selfie["licence"], selfie["parameters"]) == ("Apache-2.0", 106_401)
    assert (landscape["input_height_px"], landscape["input_width_px"]) == (144, 256)
    (line,) = [line for line in call("models").stdout.splitlines() if landscape["name"] in line]
    for word in ("144×256", "106,401", "33", "Apache-2.0", landscape["origin"]):
        assert word in line


def test_the_list_needs_no_keras():
    """It is there on a base installation, at once."""
    script = (
        "import sys\n"
        "from mmnet_deploy.cli import cli\n"
        "cli(['models', '--json'], standalone_mode=False)\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'matplotlib', 'cv2', 'numpy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)


def test_an_operating_point_is_trained_by_name(call, portraits):
    """The name is width multiplier and input size as well; the run and the file say so."""
    trained = call("train", "tiny-1.0-32", "--data", portraits, "--out", "run", *SHORT)
    assert trained.exit_code == 0, trained.output
    assert "Training tiny-1.0-32" in trained.stderr
    config = Run(Path("run")).read_config()
    assert (config.family, config.width_multiplier, config.input_size) == ("tiny", 1.0, 32)
    again = call(
        "train", "tiny-1.0-32", "--data", portraits, "--out", "run", "--resume", *SHORT[2:]
    )
    assert again.exit_code == 0, again.output


def test_a_family_without_widths_goes_all_the_way(call, one_line, portraits):
    """LDN+FB trains in its three stages, converts, and its files have names without a width."""
    trained = call("train", "ldn-fb-32", "--data", portraits, "--out", "run", *SHORT)
    assert trained.exit_code == 0, trained.output
    for line in ("segmentation: epochs 1 to 1", "feathering: epochs 2 to 2", "both blocks: epochs"):
        assert line in trained.stderr
    converted = call("convert", "run", "--precision", "int8", "-o", "files")
    assert converted.exit_code == 0, converted.output
    assert os.listdir("files") == ["ldn-fb-32-int8.tflite"]
    card = describe(Path("files/ldn-fb-32-int8.tflite")).card
    assert card is not None
    assert (card.family, card.title, card.width_multiplier) == ("ldn-fb", "LDN+FB", None)
    assert "LDN+FB" in call("inspect", "files/ldn-fb-32-int8.tflite").stdout
    evaluated = call(
        "evaluate", "run", "files/ldn-fb-32-int8.tflite", "--data", portraits, "-o", "results"
    )
    assert evaluated.exit_code == 0, evaluated.output
    benched = call(
        "bench", "files/ldn-fb-32-int8.tflite",
        "--device", "host", "--threads", 1, "--min-duration", 0.01, "-o", "results",
    )  # fmt: skip
    assert benched.exit_code == 0, benched.output
    assert call("plot", "results", "-o", "chart.svg").exit_code == 0
    longer = call("train", "ldn-fb-32", "--data", portraits, "--out", "run", "--resume",
                  "--epochs", 9)  # fmt: skip
    one_line(longer, 2, "`epochs` must be 3", "Received: 9")


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        (("mnet-1.0-256",), ("nearest: mmnet-1.0-256", "Received: mnet-1.0-256")),
        (("resnet",), ("must be one of ldn-fb, lean-unet, md16, md8, mmnet", "Received: resnet")),
        (("mmnet-0.6-256",), ("`width_multiplier` must be one of 0.5, 0.75, 1.0, 1.4", "0.6")),
        (("md8-0.5-100",), ("`input_size` must be a positive multiple of 8", "Received: 100")),
        (("ldn-fb", "--width-multiplier", "1.0"), ("must be left out: LDN+FB", "Received: 1.0")),
        (
            ("mmnet-1.0-256", "--width-multiplier", "0.5"),
            ("`width_multiplier` must be 1.0, as mmnet-1.0-256 says", "Received: 0.5"),
        ),
        (
            ("mmnet-1.0-256", "--input-size", "128"),
            ("`input_size` must be 256, as mmnet-1.0-256 says", "Received: 128"),
        ),
        (("ldn-fb-128", "--epochs", "2"), ("`epochs` must be at least 3", "Received: 2")),
    ],
)
def test_impossible_networks_are_one_line(call, one_line, portraits, tmp_path, words, messages):
    """The rule and what was received are said, and nothing is left behind."""
    result = call("train", *words, "--data", portraits, "--out", "run")
    one_line(result, 2, *messages)
    assert not os.listdir(tmp_path)


def test_initial_weights_that_do_not_fit_are_one_line(call, one_line, portraits, tmp_path):
    """An absent file, a foreign file and another network's weights are told apart."""
    import keras

    (tmp_path / "notes.h5").write_text("hello")
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save("other.keras")
    for name, words in (
        ("none.h5", "There is no file"),
        ("notes.h5", "cannot be read"),
        ("other.keras", "has weights of another network: 0 of 4 layers agree"),
    ):
        result = call(
            "train", "tiny-1.0-32", "--init-from", name, "--data", portraits, "--out", "run"
        )
        one_line(result, 1, words, name)
    assert not (tmp_path / "run").exists()
