"""Synthetic clips: one person who moves, and mattes that fit every frame."""

import itertools

import numpy as np
import pytest

from mmnet_deploy.errors import UsageError
from mmnet_deploy.portraits.synthetic.clip import clip


def test_a_clip_is_the_same_every_time_and_moves():
    """The same bytes; noise and edges change from frame to frame, by little."""
    frames, again = list(clip(1, 2, 64, 4)), list(clip(1, 2, 64, 4))
    for (picture, alpha), (picture_again, alpha_again) in zip(frames, again, strict=True):
        assert np.array_equal(picture, picture_again)
        assert np.array_equal(alpha, alpha_again)
    changes = [
        np.abs(later[1].astype(float) - earlier[1]).mean() / 255
        for earlier, later in itertools.pairwise(frames)
    ]
    assert all(0 < change < 0.02 for change in changes)
    assert frames[0][0].shape == (64, 64, 3)
    assert 0.1 < (frames[0][1] > 127).mean() < 0.95


def test_strands_stay_strands(tmp_path):
    """What moves is the person, and not a new drawing: far frames differ more than near ones."""
    alphas = [alpha.astype(float) for _, alpha in clip(1, 3, 64, 13)]
    near = np.abs(alphas[1] - alphas[0]).mean()
    assert near < np.abs(alphas[12] - alphas[0]).mean()


@pytest.mark.parametrize("numbers", [(-1, 0, 64, 4), (0, -1, 64, 4), (0, 0, 8, 4), (0, 0, 64, 0)])
def test_numbers_that_cannot_be_are_refused(numbers):
    """As for single portraits."""
    with pytest.raises(UsageError, match="must be at least"):
        next(clip(*numbers))
