"""Evaluation: every picture is scored against its own mask, at the stated size."""

import cv2
import numpy as np
import pytest

from mmnet_deploy import data, evaluation, metrics, synthetic
from mmnet_deploy.errors import DataError, ModelFileError
from mmnet_deploy.records import ModelFile

MODEL = ModelFile("model.tflite", "0" * 64, 1)


def _evaluate(predict, root, **options):
    return evaluation.evaluate(predict, MODEL, "none", root, "test", **options)


@pytest.fixture
def truth_of(portraits):
    """The mask of a picture, found by its pixels."""
    by_pixels = {}
    for pair in data.find_pairs(portraits, "test"):
        image, mask = data.read_pair(pair)
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
    pairs = data.find_pairs(portraits, "test")
    assert [picture.name for picture in result.pictures] == [pair.name for pair in pairs]
    for picture, pair in zip(result.pictures, pairs, strict=True):
        truth = data.read_mask(pair.mask).astype(np.float32) / 255
        assert picture.scores["mad"] == pytest.approx(metrics.mad(1 - truth, truth), abs=1e-6)


def test_mattes_are_compared_at_800_by_600_by_default(portraits):
    """Matte and mask are resized bilinearly to the published size before the metrics."""
    matte = np.random.default_rng(0).random((32, 32), np.float32)
    result = _evaluate(lambda image: matte, portraits)
    assert (result.height_px, result.width_px) == (800, 600)
    mask = data.read_mask(data.find_pairs(portraits, "test")[0].mask)
    alpha = cv2.resize(matte, (600, 800))
    truth = cv2.resize(mask.astype(np.float32) / 255, (600, 800))
    assert result.pictures[0].scores["gradient_error"] == pytest.approx(
        metrics.gradient_error(alpha, truth), rel=1e-5
    )


def test_the_mean_is_over_pictures(portraits):
    """A mean score is the plain mean of the pictures' scores."""
    result = _evaluate(lambda image: np.zeros((32, 32), np.float32), portraits)
    each = [picture.scores["mad"] for picture in result.pictures]
    assert result.scores["mad"] == pytest.approx(np.mean(each))


def test_a_picture_that_cannot_be_read_ends_the_evaluation(tmp_path, portraits):
    """A corrupt file is an error that names it, not a score that leaves it out."""
    root = tmp_path / "data"
    for split in ("image", "mask"):
        folder = root / "test" / split
        folder.mkdir(parents=True)
        for path in (portraits / "test" / split).iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
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
