"""Mattes that flicker less where nothing moves, and stay as they are where something does."""

import numpy as np

from mmnet_deploy.prediction.video.smoothing import KEPT, Smoother

SIZE = 64


def _room(rng):
    return rng.integers(0, 255, (SIZE, SIZE, 3)).astype(np.float32)


def test_flicker_in_a_still_picture_is_smoothed():
    """Noise of the matte goes down as that of a recursive mean does, under noise of the picture."""
    rng = np.random.default_rng(0)
    room, truth = _room(rng), np.full((SIZE, SIZE), 0.5, np.float32)
    smoother, before, raw, smooth = Smoother(), None, [], []
    for _ in range(30):
        picture = np.clip(room + rng.normal(0, 3, room.shape), 0, 255).astype(np.uint8)
        noisy = (truth + rng.normal(0, 0.1, truth.shape)).astype(np.float32)
        found = smoother.smooth(picture, noisy)
        assert found.dtype == np.float32
        if before is not None:
            raw.append(np.std(noisy - before[0]))
            smooth.append(np.std(found - before[1]))
        before = noisy, found
    # Of noise that is new in each frame, a recursive mean leaves (1 - k)·√(2 / (1 + k)) of √2.
    limit = (1 - KEPT) * np.sqrt(1 / (1 + KEPT))
    assert limit * 0.8 < np.mean(smooth[10:]) / np.mean(raw[10:]) < limit * 2


def test_nothing_trails_behind_a_moving_edge():
    """Where the picture changes the matte is the network's own; far from there it is smoothed."""
    rng = np.random.default_rng(0)
    room = _room(rng).astype(np.uint8)
    smoother = Smoother()
    mattes = []
    for left in (10, 16):
        picture, matte = room.copy(), np.zeros((SIZE, SIZE), np.float32)
        picture[:, left : left + 12] = 255
        matte[:, left : left + 12] = 1
        matte[:4, 50:] = 0.2 if left == 10 else 0.4
        mattes.append(matte)
        found = smoother.smooth(picture, matte)
    assert np.abs(found[:, 8:30] - mattes[1][:, 8:30]).max() < 0.05
    assert np.allclose(found[:4, 52:], 0.4 - KEPT * 0.2, atol=0.02)


def test_the_first_matte_and_one_of_another_size_stay():
    """There is nothing to draw them towards."""
    smoother, picture = Smoother(), np.zeros((40, 60, 3), np.uint8)
    for size in ((16, 16), (8, 8)):
        matte = np.random.default_rng(0).random(size, np.float32)
        assert np.array_equal(smoother.smooth(picture, matte), matte)
