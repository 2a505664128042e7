"""What surrounds a person in a composed picture."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import ROOT, scripts

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def scene():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")
        return scripts.load("tools/scene.py")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """One photograph, blue all over."""
    path = tmp_path_factory.mktemp("photos") / "blue.png"
    cv2.imwrite(str(path), np.full((300, 400, 3), (200, 0, 0), np.uint8))
    return [path]


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_a_thing_in_front_hides_the_person_from_one_edge_on(scene, photos, seed):
    """Its colour and its part of the matte are the same share of each pixel, at most 0.36 deep."""
    size = scene.SIZE
    red = np.zeros((size, size, 3), np.float32)
    red[..., 0] = 1
    picture, matte = scene.in_front(
        red, np.ones((size, size), np.float32), photos, np.random.default_rng(seed)
    )
    cover = 1 - matte
    np.testing.assert_allclose(picture[..., 0], matte, atol=1e-6)
    # The photograph is at most 1.4 times as bright as it is, and half as bright at least.
    shown = cover > 0.01
    if shown.any():
        blue = picture[shown, 2] / cover[shown]
        assert blue.min() >= 0.5 * 200 / 255 - 1e-3 and blue.max() <= 1.001
    deep = 0.36 * size
    rows, columns = np.nonzero(shown)
    assert (
        (rows >= size - deep).all() or (columns < deep).all() or (columns >= size - deep).all()
    ), "not along one edge"


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_a_part_of_a_photograph_has_no_dark_rim(scene, seed):
    """Also where it ends at an edge of the photograph."""
    white = np.full((300, 400, 3), 255, np.uint8)
    assert scene.crop_of(white, np.random.default_rng(seed), least=0.9).min() > 0.999


def test_some_pictures_have_a_thing_in_front(scene, photos):
    """As many as the share says; in the others, the matte is the person's."""
    size = scene.SIZE
    fore, matte = np.ones((size, size, 3), np.float32), np.ones((size, size), np.float32)
    changed = sum(
        not np.array_equal(matte, scene.before(fore, matte, 0, photos, np.random.default_rng(i))[1])
        for i in range(200)
    )
    assert abs(changed / 200 - scene.IN_FRONT_SHARE) < 0.1


def test_a_camera_takes_some_pictures_in_little_light_and_some_without_colours(scene):
    """Values stay in 0 … 255, and the matte is the same but for blur."""
    size = scene.SIZE
    picture = np.full((size, size, 3), (0.8, 0.5, 0.3), np.float32)
    matte = np.ones((size, size), np.float32)
    taken = [scene.camera(picture, matte, np.random.default_rng(i)) for i in range(200)]
    assert all((alpha == 255).all() for _, alpha in taken)
    means = np.array([image.mean(axis=(0, 1)) for image, _ in taken])
    dim = (means.mean(axis=1) < 255 * 0.8 * 0.533).mean()
    grey = (np.ptp(means, axis=1) < 12).mean()
    assert 0.05 < dim < 0.35 and abs(grey - scene.GREY_SHARE) < 0.08
