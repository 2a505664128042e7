"""What `evaluate` prints and leaves behind besides stored results."""

import csv
import json
import os
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from mmnet_deploy.charts.sheets import contact_sheet
from mmnet_deploy.cli.measure.evaluation_text import print_comparison
from mmnet_deploy.evaluation import significance
from mmnet_deploy.files import sha256
from mmnet_deploy.mattes import metrics
from mmnet_deploy.portraits import dataset, pictures
from mmnet_deploy.results.record_json import from_json
from mmnet_deploy.results.records import PictureScore
from tests.support import results
from tests.support.datasets import copies_of_one


@pytest.fixture
def evaluate(call, portraits):
    """Run `evaluate` on the shared data set."""
    return lambda *words: call("evaluate", *words, "--data", portraits, "--eval-size", "48x40")


def _scores(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


# --- Metrics -----------------------------------------------------------------


def test_the_table_shows_the_chosen_metrics_with_intervals(evaluate, tiny_models):
    """Several models side by side, each mean with the ends of its interval below."""
    files = [tiny_models["float32"], tiny_models["int8"]]
    result = evaluate(
        *files, "--metric", "connectivity,mad", "--metric", "mad", "--per-image", "a.csv"
    )
    assert result.exit_code == 0, result.output
    assert "MAD" in result.stdout
    assert "connectivity (×10³)" in result.stdout
    assert "gradient" not in result.stdout
    rows = _scores("a.csv")
    for path in files:
        values = [float(row["mad"]) for row in rows if row["model"] == path.name]
        interval = significance.mean_interval(values)
        assert f"{np.mean(values):.4f}" in result.stdout
        assert f"{interval.low:.4f}…{interval.high:.4f}" in result.stdout


def test_a_matte_of_one_value_stands_below_the_models(evaluate, tiny_models):
    """Its scores by the same metrics, and on how many pictures each model is better."""
    files = [tiny_models["float32"], tiny_models["int8"]]
    result = evaluate(*files, "--per-image", "a.csv")
    rows = _scores("a.csv")
    (row,) = (line for line in result.stdout.splitlines() if "a matte of one value  " in line)
    ours = [float(row["constant_gradient_error"]) for row in rows if row["model"] == files[0].name]
    assert row.split()[5] == f"{1000 * np.mean(ours):.3f}" and len(row.split()) == 10
    for path in files:
        better = sum(
            float(row["gradient_error"]) < float(row["constant_gradient_error"])
            for row in rows
            if row["model"] == path.name
        )
        line = f"{path.name} is better than a matte of one value on {better} of 4 pictures, by"
        assert line in result.stdout
    content = json.loads(evaluate(*files, "--compare", "--json").stdout)
    assert set(content["better_than_constant"]) == {"first", "second"}
    assert content["metrics"]["gradient_error"]["constant"] == pytest.approx(np.mean(ours))
    assert "pictures, by" not in evaluate(files[0], "--metric", "mad").stdout


def test_stored_results_hold_the_default_metrics_too(evaluate, tiny_models, tmp_path):
    """The chart needs the gradient error, whatever the table was to show."""
    result = evaluate(tiny_models["int8"], "--metric", "rhemann_gradient", "-o", "out")
    assert result.exit_code == 0, result.output
    (path,) = (tmp_path / "out").glob("*.json")
    names = list(from_json(path.read_text()).scores)
    assert names == [*(metric.name for metric in metrics.named()), "rhemann_gradient"]
    assert from_json(path.read_text()).options == ()


def test_results_of_both_enlargements_stand_side_by_side(
    evaluate, call, one_line, tiny_models, tmp_path
):
    """Each in a file of its own; a chart of both is refused, and the list says which is which."""
    for way in ("guided", "bilinear"):
        result = evaluate(tiny_models["int8"], "--upsample", way, "-o", "results")
        assert result.exit_code == 0, result.output
        assert ("guided mattes" in result.stdout) == (way == "guided")
    assert len(list(tmp_path.glob("results/*.json"))) == 2
    listed = call("results", "list", "results")
    assert "40 guided" in listed.stdout
    one_line(evaluate(tiny_models["int8"], "--upsample", "cubic"), 2, "one of guided, bilinear")


def test_what_the_masks_were_said_to_mean_is_stored(evaluate, tiny_models, tmp_path):
    """The report's command repeats it; what does not change the scores is left out."""
    words = ("--mask-values", "0,rest", "--threads", "1", "--per-image", "a.csv", "-o", "out")
    result = evaluate(tiny_models["int8"], *words)
    assert result.exit_code == 0, result.output
    (path,) = (tmp_path / "out").glob("*.json")
    assert from_json(path.read_text()).options == ("--mask-values", "0,rest")


# --- Two models --------------------------------------------------------------


def test_two_models_are_compared_picture_by_picture(evaluate, tiny_models):
    """Difference, interval and p-value are those of the scores of every picture."""
    files = [tiny_models["float32"], tiny_models["int8"]]
    result = evaluate(*files, "--compare", "--per-image", "a.csv", "--metric", "mad")
    assert result.exit_code == 0, result.output
    rows = _scores("a.csv")
    first, second = ([float(r["mad"]) for r in rows if r["model"] == f.name] for f in files)
    expected = significance.compare(first, second)
    assert f"{files[1].name} against {files[0].name}" in result.stdout
    assert f"{expected.p_value:.3f}" in result.stdout
    assert f"{100 * expected.difference / np.mean(first):+.2f} %" in result.stdout
    content = json.loads(evaluate(*files, "--compare", "--json", "--metric", "mad").stdout)
    found = content["metrics"]["mad"]
    assert found["difference"] == pytest.approx(expected.difference)
    assert found["p_value"] == expected.p_value
    assert found["interval"]["low"] == pytest.approx(expected.interval.low)


def test_a_model_does_not_differ_from_itself(evaluate, tiny_models):
    """The same file twice: equal by every metric, p = 1."""
    result = evaluate(tiny_models["int8"], tiny_models["int8"], "--compare")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("equal") == 5
    assert result.stdout.count("1.000") >= 5


@pytest.mark.parametrize(
    ("shift", "noise", "count", "verdict"),
    [
        (0.01, 0.1, 40, "tied"),
        (0.2, 0.1, 40, "worse"),
        (-0.2, 0.1, 40, "better"),
        (0.2, 0.0, 1, "tied"),
        (0.0, 0.0, 40, "equal"),
    ],
)
def test_a_difference_within_its_interval_is_a_tie(capsys, shift, noise, count, verdict):
    """However the means differ by their digits, and whatever a single picture says."""
    first = np.random.default_rng(1).uniform(0.01, 0.02, count)
    second = first * (1 + shift + np.random.default_rng(2).normal(0, noise, count))
    both = [
        results.evaluation(
            results.model(name, f"{name}.tflite"),
            pictures=tuple(PictureScore(f"{n}", {"mad": mad}) for n, mad in enumerate(scores)),
        )
        for name, scores in (("aa", first.tolist()), ("bb", second.tolist()))
    ]
    wanted = metrics.named(["mad"])
    found = {"mad": significance.compare(*(result.values("mad") for result in both))}
    print_comparison(*both, found, wanted)
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "MAD" in line]
    assert row.split()[-1] == verdict


# --- Every picture -----------------------------------------------------------


def test_per_image_scores_as_csv_and_parquet_are_the_same(evaluate, tiny_models, portraits):
    """One row per model and picture, in order, plain numbers."""
    files = [tiny_models["float32"], tiny_models["int8"]]
    for name in ("a.csv", "a.parquet"):
        assert evaluate(*files, "--per-image", name).exit_code == 0
    table, other = pd.read_csv("a.csv", dtype={"picture": str}), pd.read_parquet("a.parquet")
    names = [pair.name for pair in dataset.find_pairs(portraits, "test")]
    assert table["picture"].tolist() == 2 * names
    assert table["model"].unique().tolist() == [path.name for path in files]
    expected = ["model", "model_sha256", "picture", *(m.name for m in metrics.named())]
    expected.append("constant_gradient_error")
    assert table.columns.tolist() == other.columns.tolist() == expected
    numbers = table.columns[3:]
    assert np.allclose(table[numbers], other[numbers], rtol=1e-9, atol=0)


def test_without_pyarrow_the_pip_command_is_shown(evaluate, one_line, monkeypatch, tiny_models):
    """A .parquet file is refused in one line before anything is computed."""
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pyarrow" else real(name)
    )
    result = evaluate(tiny_models["int8"], "--per-image", "a.parquet")
    one_line(result, 1, "pip install pyarrow", ".csv")
    assert "Evaluating" not in result.stderr


# --- The worst pictures ------------------------------------------------------


def test_the_worst_pictures_are_drawn(evaluate, tiny_models, tmp_path, monkeypatch):
    """The sheet has the pictures with the highest errors, worst first, with their scores."""
    drawn = []
    real = contact_sheet.draw

    def draw(entries, path, **words):
        drawn.extend(entries)
        return real(entries, path, **words)

    monkeypatch.setattr(contact_sheet, "draw", draw)
    result = evaluate(
        tiny_models["int8"], "--sheet", "worst.png", "--worst", 3, "--metric", "mse",
        "--metric", "mad", "--per-image", "a.csv",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    rows = sorted(_scores("a.csv"), key=lambda row: -float(row["mse"]))
    assert [entry.name for entry in drawn] == [row["picture"] for row in rows[:3]]
    assert [entry.score for entry in drawn] == [f"MSE {float(r['mse']):.4f}" for r in rows[:3]]
    for entry in drawn:
        assert entry.image.shape[:2] == entry.mask.shape == entry.matte.shape
    height, width, _ = cv2.imread("worst.png").shape
    assert height > width > 500


def test_the_worst_by_iou_are_the_lowest(evaluate, tiny_models, tmp_path):
    """Where more is better, the worst have the least; JSON has the interval of the mean."""
    from mmnet_deploy.evaluation import worst

    result = evaluate(tiny_models["int8"], "--json")
    record = from_json(result.stdout)
    interval = significance.mean_interval(record.values("mean_iou"))
    assert json.loads(result.stdout)["intervals"]["mean_iou"]["low"] == pytest.approx(interval.low)
    found = worst(record, metrics.METRICS["mean_iou"], 2)
    values = sorted(record.values("mean_iou"))
    assert [picture.scores["mean_iou"] for picture in found] == values[:2]


# --- Saved mattes ------------------------------------------------------------


def test_mattes_are_saved_at_the_size_of_the_pictures(evaluate, tiny_models, portraits):
    """A saved matte scores as the model does: it is the model's, for every picture."""
    result = evaluate(tiny_models["float32"], "--save", "mattes", "--per-image", "a.csv")
    assert result.exit_code == 0, result.output
    pairs = dataset.find_pairs(portraits, "test")
    assert sorted(os.listdir("mattes")) == [f"{pair.name}.png" for pair in pairs]
    for pair, row in zip(pairs, _scores("a.csv"), strict=True):
        matte, mask = cv2.imread(f"mattes/{pair.name}.png", -1), pictures.read_mask(pair.mask)
        assert matte.shape == mask.shape
        both = metrics.at_one_size(matte.astype(np.float32) / 255, mask, (48, 40))
        assert metrics.mad(*both) == pytest.approx(float(row["mad"]), abs=0.01)


def test_several_models_save_into_folders_of_their_own(evaluate, tiny_models):
    """Pictures of one name do not overwrite each other."""
    files = [tiny_models["float32"], tiny_models["int8"]]
    result = evaluate(*files, "--save", "out", "--save-kind", "mask")
    assert result.exit_code == 0, result.output
    assert sorted(os.listdir("out")) == sorted(path.stem for path in files)


# --- Bad input ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--metric", "psnr"), 2, "`metric` must be one of gradient_error, "),
        (("--metric", "mad,"), 2, "names with commas between and no blanks"),
        (("--per-image", "a.txt"), 2, "The table's file must end in .csv or .parquet"),
        (("--per-image", "file/a.csv"), 1, "Cannot write to the folder file"),
        (("--sheet", "a.jpg"), 2, "must end in .svg, .png or .pdf"),
        (("--sheet", "a.png", "--worst", "0"), 2, "`worst` must be 1 … 60"),
        (("--worst", "3"), 2, "`--worst` needs --sheet"),
        (("--save", "file"), 1, "Cannot write to the folder file"),
        (("--save", "out", "--save-kind", "cutout"), 2, "`save_kind` must be one of matte, mask"),
        (("--compare",), 2, "`--compare` takes two models. Received: 1"),
    ],
)
def test_what_cannot_be_is_one_line(
    one_line, evaluate, tmp_path, tiny_models, words, code, message
):
    """The rule and what was received, before a picture is read; nothing is left behind."""
    (tmp_path / "file").write_text("in the way")
    one_line(evaluate(tiny_models["int8"], *words), code, message)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("side", ["image", "mask"])
def test_mattes_replace_no_pictures_of_the_data_set(
    one_line, call, tmp_path, portraits, tiny_models, side, linked
):
    """They have the names of the data set's files; a link to its folder is that folder too."""
    data = copies_of_one(tmp_path / "data", portraits, ["a"])
    folder = data / "test" / side
    before = {path: path.read_bytes() for path in folder.iterdir()}
    if linked:
        (tmp_path / "link").symlink_to(folder)
    target = tmp_path / "link" if linked else folder
    result = call("evaluate", tiny_models["int8"], "--data", data, "--save", target)
    one_line(result, 2, "`--save` must be no folder with the pictures or masks of a data set")
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_sheet_shows_one_model(one_line, evaluate, tiny_models):
    """Two models have no common worst pictures."""
    files = [tiny_models["float32"], tiny_models["int8"]]
    one_line(evaluate(*files, "--sheet", "a.png"), 2, "`--sheet` shows one model's mattes")


def test_a_name_that_is_no_text_is_written_all_the_same(call, tmp_path, portraits, tiny_models):
    """A file name with a foreign byte ends up in the tables with the byte written out."""
    root = copies_of_one(tmp_path / "data", portraits, [os.fsdecode(b"a\xff")])
    result = call(
        "evaluate", tiny_models["int8"], "--data", root, "--per-image", "a.csv", "--save", "out",
        "--sheet", "a.png",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert _scores("a.csv")[0]["picture"] == "a\\udcff"


def test_files_of_one_name_stay_apart(evaluate, call, tmp_path, tiny_models):
    """Two models that are both called model.tflite have folders, rows and tables of their own."""
    files = []
    for name, source in (("a", "float32"), ("b", "int8")):
        files.append(tmp_path / name / "model.tflite")
        files[-1].parent.mkdir()
        shutil.copy(tiny_models[source], files[-1])
    (tmp_path / "c").mkdir()
    files.append(tmp_path / "c" / "MODEL.tflite")
    shutil.copy(tiny_models["float16"], files[-1])
    result = evaluate(*files, "--save", "out", "--per-image", "a.csv", "-o", "results")
    hashes = [sha256(file) for file in files]
    folders = {path.name for path in (tmp_path / "out").iterdir()}
    assert folders == {"model", f"model-{hashes[1][:8]}", f"MODEL-{hashes[2][:8]}"}
    for digest in hashes:
        assert digest[:8] in result.output
    assert {row["model_sha256"] for row in _scores("a.csv")} == set(hashes)
    assert len(list((tmp_path / "results").glob("*.json"))) == 3


def test_one_file_named_twice_is_saved_once(evaluate, tmp_path, tiny_models):
    """Its mattes are the same."""
    evaluate(tiny_models["int8"], tiny_models["int8"], "--save", "out")
    assert len(list((tmp_path / "out").iterdir())) == 1
