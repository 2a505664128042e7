"""Evaluation: every picture is scored against its own mask, at the stated size."""

import itertools
import math
import shutil
import threading
import time
import weakref
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmnet_deploy import parallel
from mmnet_deploy.errors import DataError, ModelFileError
from mmnet_deploy.evaluation import scoring
from mmnet_deploy.mattes import matting, metrics
from mmnet_deploy.mattes.enlargement import enlarged
from mmnet_deploy.portraits import dataset, pictures, synthetic
from mmnet_deploy.results.records import PictureScore
from mmnet_deploy.tflite.card import ModelFile
from tests.support.datasets import copies_of_one
from tests.support.results import evaluation, model

MODEL = ModelFile("model.tflite", "0" * 64, 1)


def _model(predict):
    return matting.Matting(MODEL, "none", prepare=lambda image: image, infer=predict)


def _evaluate(predict, root, **options):
    return scoring.evaluate(_model(predict), root, "test", **options)


@pytest.fixture
def truth_of(portraits):
    """The mask of a picture, found by its pixels."""
    by_pixels = {}
    for pair in dataset.find_pairs(portraits, "test"):
        image, mask = dataset.read_pair(pair)
        by_pixels[image.tobytes()] = mask
    return lambda image: by_pixels[image.tobytes()].astype(np.float32) / 255


def test_a_perfect_matte_has_no_error(portraits, truth_of):
    """The mask itself scores zero error and full overlap on every picture."""
    result = _evaluate(truth_of, portraits)
    assert [picture.scores["mean_iou"] for picture in result.pictures] == [1.0] * 4
    assert result.scores["gradient_error"] == pytest.approx(0, abs=1e-6)
    assert result.scores["mad"] == 0


def test_scores_belong_to_their_pictures(portraits, truth_of):
    """Names are in order, and each score is that of its own picture."""
    result = _evaluate(lambda image: 1 - truth_of(image), portraits, size=None)
    pairs = dataset.find_pairs(portraits, "test")
    assert [picture.name for picture in result.pictures] == [pair.name for pair in pairs]
    for picture, pair in zip(result.pictures, pairs, strict=True):
        truth = pictures.read_mask(pair.mask).astype(np.float32) / 255
        assert picture.scores["mad"] == pytest.approx(metrics.mad(1 - truth, truth), abs=1e-6)


def test_mattes_are_compared_at_800_by_600_by_default(portraits):
    """Matte and mask are resized bilinearly to the published size before the metrics."""
    matte = np.random.default_rng(0).random((32, 32), np.float32)
    result = _evaluate(lambda image: matte, portraits)
    assert (result.height_px, result.width_px) == (800, 600)
    mask = pictures.read_mask(dataset.find_pairs(portraits, "test")[0].mask)
    alpha = cv2.resize(matte, (600, 800))
    truth = cv2.resize(mask.astype(np.float32) / 255, (600, 800))
    assert result.pictures[0].scores["gradient_error"] == pytest.approx(
        metrics.gradient_error(alpha, truth), rel=1e-5
    )


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_matte_of_one_value_is_noted(portraits, truth_of, value):
    """However small its gradient error is; one that knows most of the picture is not."""
    constant = _evaluate(lambda image: np.full((32, 32), value, np.float32), portraits)
    assert constant.beaten_by_constant
    assert constant.note.startswith(
        "model.tflite is no better than a matte of one value everywhere: "
    )
    some = _evaluate(lambda image: 0.4 * value + 0.6 * truth_of(image), portraits)
    assert some.note == "" and not some.beaten_by_constant


def test_a_perfect_matte_of_nothing_is_not_noted(tmp_path):
    """Where every mask is empty, no constant matte can be told from a good one."""
    synthetic.write_dataset(tmp_path, count=10, size=48, seed=0)
    for pair in dataset.find_pairs(tmp_path, "test"):
        cv2.imwrite(str(pair.mask), np.zeros((48, 48), np.uint8))
    assert not _evaluate(lambda image: np.zeros((32, 32), np.float32), tmp_path).beaten_by_constant


@pytest.mark.parametrize(("share", "value"), [(0.2, 0.0), (0.7, 1.0)])
def test_a_matte_of_one_value_is_scored_beside_the_model(tmp_path, share, value):
    """Empty or full, whichever has the smaller MAD; its gradient error is that of any value."""
    synthetic.write_dataset(tmp_path, count=10, size=48, seed=0)
    pairs = dataset.find_pairs(tmp_path, "test")
    for number, pair in enumerate(pairs):
        mask = np.zeros((48, 48), np.uint8)
        mask[: round(48 * share) + number] = 255
        cv2.imwrite(str(pair.mask), cv2.blur(mask, (3, 3)))
    wanted = metrics.named(["rhemann_gradient", *(metric.name for metric in metrics.named())])
    result = _evaluate(
        lambda image: np.full((8, 8), value, np.float32), tmp_path, size=(60, 50), wanted=wanted
    )
    assert result.constant_value == value
    assert result.constant_scores == pytest.approx(result.scores, rel=1e-5)
    half = _evaluate(lambda image: np.full((8, 8), 0.5, np.float32), tmp_path, size=(60, 50))
    assert half.constant_scores["gradient_error"] == pytest.approx(half.scores["gradient_error"])
    assert half.constant_scores["mad"] == pytest.approx(result.scores["mad"])


def test_pictures_on_which_a_model_beats_a_matte_of_one_value_are_counted(portraits, truth_of):
    """By the gradient error: the truth on all, the inverse on none; unknown without the metric."""
    assert _evaluate(truth_of, portraits).better_than_constant == 4
    assert _evaluate(lambda image: 1 - truth_of(image), portraits).better_than_constant == 0
    mad_only = _evaluate(truth_of, portraits, wanted=metrics.named(["mad"]))
    assert mad_only.better_than_constant is None
    assert list(mad_only.constant_scores) == ["mad"]


def test_the_mean_is_over_pictures(portraits):
    """A mean score is the plain mean of the pictures' scores."""
    result = _evaluate(lambda image: np.zeros((32, 32), np.float32), portraits)
    each = [picture.scores["mad"] for picture in result.pictures]
    assert result.scores["mad"] == pytest.approx(np.mean(each))


def test_guided_mattes_are_compared_at_the_size_of_the_pictures(tmp_path, portraits):
    """As `predict` would save them; the result says so, and the scores are others."""
    pair = dataset.find_pairs(portraits, "test")[0]
    image, mask = dataset.read_pair(pair)
    small = cv2.resize(mask / np.float32(255), (24, 24), interpolation=cv2.INTER_AREA)
    for place, path in (("image", pair.image), ("mask", pair.mask)):
        (tmp_path / "test" / place).mkdir(parents=True)
        shutil.copy(path, tmp_path / "test" / place / path.name)
    guided, bilinear = (
        _evaluate(lambda _: small, tmp_path, upsample=way) for way in ("guided", "bilinear")
    )
    assert (guided.upsample, bilinear.upsample) == ("guided", "bilinear")
    both = metrics.at_one_size(enlarged(small, image), mask, metrics.PUBLISHED_SIZE)
    assert guided.scores["gradient_error"] == pytest.approx(metrics.gradient_error(*both))
    assert guided.scores["gradient_error"] < bilinear.scores["gradient_error"]
    assert "guided" in guided.size_name and "guided" not in bilinear.size_name


def test_flicker_of_guided_mattes_is_of_both_frames(tmp_path, portraits):
    """The frame before is enlarged in the same way: of equal frames, there is none."""
    pair = dataset.find_pairs(portraits, "test")[0]
    for place, path in (("image", pair.image), ("mask", pair.mask)):
        (tmp_path / "test" / place).mkdir(parents=True)
        for number in (1, 2):
            shutil.copy(path, tmp_path / "test" / place / f"clip-{number}{path.suffix}")
    matte = np.random.default_rng(0).random((24, 24), np.float32)
    options = {"upsample": "guided", "wanted": metrics.named(["dtssd"])}
    assert _evaluate(lambda _: matte, tmp_path, **options).scores["dtssd"] == 0


def test_a_picture_that_cannot_be_read_ends_the_evaluation(tmp_path, portraits):
    """A corrupt file is an error that names it, not a score that leaves it out."""
    root = Path(shutil.copytree(portraits, tmp_path / "data"))
    broken = sorted((root / "test" / "image").iterdir())[2]
    broken.write_bytes(broken.read_bytes()[:100])
    with pytest.raises(DataError, match=f"{broken.name}: is truncated"):
        _evaluate(lambda image: np.zeros((32, 32), np.float32), root)


def test_a_matte_that_is_not_finite_is_an_error(portraits):
    """A damaged network is not scored as if it were a bad one."""
    matte = np.full((32, 32), np.nan, np.float32)
    with pytest.raises(ModelFileError, match="no finite matte"):
        _evaluate(lambda image: matte, portraits)


def test_other_masks_are_another_data_set(tmp_path, portraits, truth_of):
    """Two data sets of the same folder name are told apart by their masks."""
    synthetic.write_dataset(tmp_path / portraits.name, count=20, size=48, seed=4)
    flat = np.zeros((32, 32), np.float32)
    one = _evaluate(truth_of, portraits)
    assert one.data_sha256 == _evaluate(lambda image: flat, portraits).data_sha256
    other = _evaluate(lambda image: flat, tmp_path / portraits.name)
    assert other.data == one.data
    assert other.data_sha256 != one.data_sha256


def test_only_the_chosen_metrics_are_computed(portraits, truth_of):
    """Scores are those that were asked for, in the order of the registry."""
    wanted = metrics.named(["connectivity", "mad"])
    result = _evaluate(truth_of, portraits, wanted=wanted)
    assert list(result.scores) == ["mad", "connectivity"]
    assert result.scores == {"mad": 0, "connectivity": 0}


# --- Many pictures -----------------------------------------------------------


def _most_alive(root):
    """How many pictures and mattes were in memory at once, where scoring is slow."""
    lock, alive, most = threading.Lock(), 0, 0

    def change(step):
        nonlocal alive, most
        with lock:
            alive += step
            most = max(most, alive)

    def watched(array):
        array = array.copy()
        change(1)
        weakref.finalize(array, change, -1)
        return array

    def sink(pair, image, matte):
        time.sleep(0.005)

    model = matting.Matting(
        MODEL, "none", watched, lambda image: watched(image[..., 0].astype(np.float32) / 255)
    )
    scoring.evaluate(model, root, "test", size=None, sink=sink)
    assert alive == 0
    return most


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path, portraits):
    """Eight times as many pictures are no more in memory at once, however slow the rest is."""
    few, many = (
        _most_alive(copies_of_one(tmp_path / str(n), portraits, [f"{i:04}" for i in range(n)]))
        for n in (15, 120)
    )
    workers = parallel.workers(busy=1)
    with workers as (_, count):
        assert many <= 4 * count + 6
    assert many <= few + 2


def test_a_fault_ends_the_work_at_once(tmp_path, portraits):
    """What is under way is given up: no further picture is computed after an error."""
    root = copies_of_one(tmp_path, portraits, [f"{i:04}" for i in range(60)])
    seen = itertools.count()

    def predict(image):
        if next(seen) == 3:
            return np.full((8, 8), np.inf, np.float32)
        return np.zeros((8, 8), np.float32)

    with pytest.raises(ModelFileError, match=r"no finite matte of .*0003"):
        _evaluate(predict, root)
    assert next(seen) < 30


def test_opencv_has_its_threads_back(portraits, truth_of):
    """Evaluation keeps OpenCV to one thread, and only as long as it lasts."""
    before = cv2.getNumThreads()
    during = []
    _evaluate(lambda image: during.append(cv2.getNumThreads()) or truth_of(image), portraits)
    assert set(during) == {1}
    assert cv2.getNumThreads() == before


def test_pictures_that_are_too_small_are_named(tmp_path, portraits):
    """At native size a picture without room for the gradient filter is an error, no traceback."""
    root = copies_of_one(tmp_path, portraits, ["a"])
    for side in ("image", "mask"):
        (path,) = (root / "test" / side).iterdir()
        small = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[:8, :30]
        path.unlink()
        cv2.imwrite(str(path.with_suffix(".png")), small)
    with pytest.raises(DataError, match=r"a\.png: Mattes must be larger than 8 pixels"):
        _evaluate(lambda image: np.zeros((8, 30), np.float32), root, size=None)


# --- Clips -------------------------------------------------------------------


def test_clips_are_told_apart_by_their_names(tmp_path, portraits):
    """Frames differ in the number at their end; the first frame of each clip has no dtSSD."""
    names = ["a-01", "a-02", "a-03", "b", "c-01", "c-02"]
    root = copies_of_one(tmp_path, portraits, names)
    steps = itertools.count()

    def predict(image):
        return np.full((8, 8), 0.1 * next(steps), np.float32)

    result = _evaluate(predict, root, wanted=metrics.named(["mad", "dtssd"]))
    having = [picture.name for picture in result.pictures if "dtssd" in picture.scores]
    assert having == ["a-02", "a-03", "c-02"]
    # The truth stands still, and every matte is a tenth brighter than the one before.
    assert result.scores["dtssd"] == pytest.approx(0.1, rel=1e-5)
    assert result.constant_scores["dtssd"] == 0


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a-1", "a-10", "a-2"], "a-2.* leading zeros"),
        (["a", "b", "c"], "Received: a, b"),
        (["only-1"], "Received: only-1"),
    ],
)
def test_what_is_no_clip_has_no_flicker(tmp_path, portraits, names, words):
    """Names that give no order of frames are refused before anything is computed."""
    root = copies_of_one(tmp_path, portraits, names)
    with pytest.raises(DataError, match=words):
        _evaluate(None, root, wanted=metrics.named(["dtssd"]))


def test_a_score_that_is_no_number_is_the_worst():
    """NaN stands first, whatever the metric's direction; the others follow in order."""
    pictures = tuple(
        PictureScore(name, {"mad": score, "mean_iou": score})
        for name, score in [("a", 0.2), ("b", math.nan), ("c", 0.1), ("d", math.nan), ("e", 0.3)]
    )
    result = evaluation(model(), pictures=pictures)
    for metric, order in (("mad", "bdeac"), ("mean_iou", "bdcae")):
        found = scoring.worst(result, metrics.METRICS[metric], 5)
        assert "".join(picture.name for picture in found) == order
