"""Mattes at the resolution of their pictures."""

import cv2
import numpy as np
import pytest

from mmnet_deploy.errors import UsageError
from mmnet_deploy.mattes import enlargement, metrics
from mmnet_deploy.mattes.enlargement import enlarged
from mmnet_deploy.portraits import synthetic


@pytest.fixture(scope="module")
def portrait():
    """A portrait of 384×384, its exact matte, and that matte at 96×96."""
    image, mask = synthetic.portrait(3, 1, 384)
    truth = mask.astype(np.float32) / 255
    return image, truth, cv2.resize(truth, (96, 96), interpolation=cv2.INTER_AREA)


def test_the_picture_leads_the_matte_to_its_edges(portrait):
    """The gradient error of a reduced matte falls, against the bilinear one."""
    image, truth, small = portrait
    guided, bilinear = (
        metrics.gradient_error(enlarged(small, image, way), truth) for way in ("guided", "bilinear")
    )
    assert guided < 0.85 * bilinear


def test_it_is_the_guided_filter(portrait):
    """As He et al. define it, pixel by pixel: windows, coefficients, their means."""
    image, _, small = portrait
    guide = cv2.resize(image, (96, 96), interpolation=cv2.INTER_AREA) / 255.0
    slopes, offsets = np.zeros((96, 96, 3)), np.zeros((96, 96))
    window = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]

    def around(values, row, column):
        return np.array([values[row + y, column + x] for y, x in window])

    rows, columns = range(40, 47), range(20, 60)
    for row in range(rows.start - 1, rows.stop + 1):
        for column in range(columns.start - 1, columns.stop + 1):
            colours, alphas = around(guide, row, column), around(small.astype(float), row, column)
            centred = colours - colours.mean(0)
            left = centred.T @ centred / 9 + enlargement.EPSILON * np.eye(3)
            slope = np.linalg.solve(left, centred.T @ alphas / 9)
            slopes[row, column] = slope
            offsets[row, column] = alphas.mean() - slope @ colours.mean(0)
    found = enlargement._coefficients(guide.astype(np.float32), small)
    for row in rows:
        for column in columns:
            expected = [*around(slopes, row, column).mean(0), around(offsets, row, column).mean()]
            np.testing.assert_allclose(found[row, column], expected, rtol=2e-2, atol=2e-3)


def test_strips_do_not_show(portrait, monkeypatch):
    """What is computed at a time changes nothing."""
    image, _, small = portrait
    whole = enlarged(small, image)
    monkeypatch.setattr(enlargement, "_STRIP_PIXELS", 384 * 7)
    np.testing.assert_allclose(enlarged(small, image), whole, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_a_flat_matte_stays_flat(portrait, value):
    """No pattern of the picture comes into it."""
    image, _, _ = portrait
    flat = np.full((96, 96), value, np.float32)
    np.testing.assert_allclose(enlarged(flat, image), value, atol=1e-4)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 900), (900, 1), (3, 5000), (95, 97), (96, 96), (20, 30), (97, 5)]
)
def test_any_picture_has_its_matte(portrait, shape):
    """From one pixel to a long panorama; alpha stays in 0 … 1."""
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    for way in enlargement.UPSAMPLES:
        alpha = enlarged(portrait[2], image, way)
        assert alpha.shape == shape and alpha.dtype == np.float32
        assert alpha.min() >= 0 and alpha.max() <= 1


def test_an_unknown_way_is_refused(portrait):
    """The ways are named."""
    with pytest.raises(UsageError, match=r"one of guided, bilinear. Received: nearest"):
        enlarged(portrait[2], portrait[0], "nearest")
