"""A video behind the person, and a camera."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mmnet_deploy.errors import DataError, UsageError
from mmnet_deploy.prediction.video import camera, film
from tests.support import videos

IMAGE = np.zeros((30, 40, 3), np.uint8)
ALPHA = np.zeros((30, 40), np.float32)


def _grey(path, levels, times):
    frames = [np.full((48, 64, 3), level, np.uint8) for level in levels]
    return videos.write_video(path, frames, times=times)


def test_a_background_runs_at_its_own_times_and_begins_again(tmp_path):
    """Whoever asks gets what it shows then, also slightly out of order and after its end."""
    path = _grey(tmp_path / "a.mp4", [40, 100, 160, 220], [0, 40, 80, 400])
    with film.opened(path) as behind:
        for time_s, level in [
            (0.0, 40), (0.06, 100), (0.2, 160), (0.06, 100), (0.41, 220), (0.45, 40), (1.29, 220),
        ]:  # fmt: skip
            seen = behind.behind(IMAGE, ALPHA, time_s)
            assert seen.shape == IMAGE.shape
            assert abs(int(seen[10, 10, 0]) - level) <= 3, time_s


def test_a_damaged_background_repeats_what_can_be_read(tmp_path):
    """And says that it is damaged."""
    path = videos.write_video(tmp_path / "a.mp4", videos.noise(), options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    lines = []
    with film.opened(path, lines.append) as behind:
        begin = behind.behind(IMAGE, ALPHA, 0.0).copy()
        behind.behind(IMAGE, ALPHA, 1.6)
        assert not np.array_equal(behind.behind(IMAGE, ALPHA, 1.8), begin)
    (line,) = lines
    assert "breaks off" in line


def test_a_camera_gives_frames_at_the_times_at_which_they_come(tmp_path):
    """Upright RGB; when there are no more, it says so."""
    blue = np.zeros((48, 64, 3), np.uint8)
    blue[..., 2] = 255
    path = videos.write_video(tmp_path / "a.avi", [blue] * 4, "mjpeg", pixels="yuvj420p")
    opened = camera.CameraReader(0, cv2.VideoCapture(str(path)))
    frames = list(opened)
    times = [frame.time for frame in frames]
    assert len(frames) == 3
    assert times == sorted(set(times))
    assert np.abs(frames[0].image[20, 20].astype(int) - (0, 0, 255)).max() <= 5
    assert "no more frames" in opened.damage


def test_a_camera_that_is_not_there_is_one_line(tmp_path, monkeypatch):
    """It names those that are; what only begins as a camera's name is refused."""
    monkeypatch.chdir(tmp_path)
    assert camera.number_of(Path("camera:7")) == 7
    assert camera.number_of(Path("folder/camera:7")) is None
    with pytest.raises(DataError, match="There is no camera 97"), camera.opened(97):
        pass
    with pytest.raises(UsageError, match="such as camera:0"):
        camera.number_of(Path("camera:front"))
    Path("camera:7").touch()
    assert camera.number_of(Path("camera:7")) is None
