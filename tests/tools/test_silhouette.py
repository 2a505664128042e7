"""Where portraits are cut and clothes begin, told from a matte alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import scripts

SIZE = 128


@pytest.fixture(scope="module")
def silhouette():
    return scripts.load("tools/silhouette.py")


def _standing(neck, width=20):
    """A head from row 20, a neck of 12 rows, and shoulders down to the lower edge."""
    matte = np.zeros((SIZE, SIZE), np.float32)
    matte[20 : 20 + neck, 64 - 2 * width : 64 + 2 * width] = 1
    matte[20 + neck : 32 + neck, 64 - width : 64 + width] = 1
    matte[32 + neck :, 10:118] = 1
    return matte


@pytest.mark.parametrize(
    ("neck", "width"), [(16, 8), (24, 20), (24, 10), (32, 20), (36, 20), (44, 20)]
)
def test_clothes_begin_at_the_neck(silhouette, neck, width):
    """The narrowest rows between head and shoulders, of portraits and of whole figures."""
    assert 20 + neck <= silhouette.neck(_standing(neck, width)) < 32 + neck


def test_without_a_neck_clothes_are_low(silhouette):
    """Hair, a hood or nobody: less than half of the person is dressed, or nothing."""
    block = np.zeros((SIZE, SIZE), np.float32)
    block[20:, 30:90] = 1
    assert silhouette.neck(block) >= 20 + (SIZE - 20) // 2
    assert silhouette.neck(np.zeros_like(block)) == SIZE


@given(st.integers(0, 2**32 - 1))
def test_boxes_lie_in_the_picture(silhouette, seed):
    """Of drawn persons always, of photographed ones once they are moved inside."""
    matte = _standing(30)
    left, top, width, height = silhouette.box_of_drawn(matte, np.random.default_rng(seed))
    assert left >= 0 and top >= 0 and left + width <= SIZE and top + height <= SIZE
    assert 0.49 * SIZE <= height <= SIZE and width <= height
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    photographed = (255 * matte).astype(np.uint8)
    box = silhouette.box_of_person(photographed, np.random.default_rng(seed))
    left, top, width, height = silhouette.inside(box, picture)
    assert left >= 0 and top >= 0 and left + width <= SIZE + 1e-9 and top + height <= SIZE + 1e-9
    assert width / height == pytest.approx(box[2] / box[3])


@given(st.integers(0, 2**32 - 1), st.sampled_from(["left", "right", "top", "bottom", "both"]))
def test_a_person_ends_only_where_the_picture_does(silhouette, seed, edge):
    """A box passes no edge that the person touches, and may pass the others."""
    matte = np.zeros((SIZE, SIZE), np.uint8)
    matte[40:90, 40:90] = 255
    if edge in ("left", "both"):
        matte[60:70, :50] = 255
    if edge in ("right", "both"):
        matte[60:70, 50:] = 255
    if edge in ("top", "bottom"):
        matte[slice(0, 50) if edge == "top" else slice(50, SIZE), 60:70] = 255
    rng = np.random.default_rng(seed)
    box = np.concatenate([rng.uniform(-60, 60, 2), rng.uniform(40, 200, 2)])
    left, top, width, height = silhouette.within(box, matte)
    assert width / height == pytest.approx(box[2] / box[3])
    assert left >= 0 or edge not in ("left", "both")
    assert left + width <= SIZE + 1e-9 or edge not in ("right", "both")
    assert top >= 0 or edge != "top"
    assert top + height <= SIZE + 1e-9 or edge != "bottom"
    if edge != "both":
        assert (width, height) == (box[2], box[3])  # moved, not shrunk
    turned = silhouette.within(box, matte, 10.0)
    corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]) * turned[2:] / 2
    angle = np.radians(10)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    low, high = (f(turned[:2] + turned[2:] / 2 + corners @ turn, axis=0) for f in (np.min, np.max))
    assert low[0] >= -1e-9 or edge not in ("left", "both")
    assert high[0] <= SIZE + 1e-9 or edge not in ("right", "both")
    assert low[1] >= -1e-9 or edge != "top"
    assert high[1] <= SIZE + 1e-9 or edge != "bottom"
    free = silhouette.within(box, np.zeros((SIZE, SIZE), np.uint8))
    assert (free == box).all()


def test_some_heads_are_cut_off(silhouette):
    """About as many as HEADLESS_SHARE, of persons between whose hands there is nothing, too."""
    matte = np.zeros((SIZE, SIZE), np.uint8)
    matte[20:40, 50:80] = matte[100:, 50:80] = 255
    boxes = [silhouette.box_of_person(matte, np.random.default_rng(seed)) for seed in range(1000)]
    cut = np.mean([box[1] > 30 for box in boxes])
    assert silhouette.HEADLESS_SHARE / 2 < cut < 2 * silhouette.HEADLESS_SHARE
    assert np.isfinite(boxes).all()
