"""Mattes of pictures and videos: each kind of output, from real files to real files."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmnet_deploy.errors import DataError, UsageError
from mmnet_deploy.mattes import prediction
from mmnet_deploy.mattes.matting import Matting
from mmnet_deploy.portraits import dataset, pictures
from mmnet_deploy.tflite.card import ModelFile

IMAGE = np.random.default_rng(0).integers(0, 255, (24, 20, 3), np.uint8)
MATTE = np.zeros((24, 20), np.float32)
MATTE[:, 10:] = 1
MATTE[0, 0] = 0.5

BRIGHT = Matting(
    ModelFile("m", "0", 1), "none", lambda image: image,
    lambda image: (image[..., 0] > 127).astype(np.float32),
)  # fmt: skip


@pytest.fixture
def video(tmp_path):
    """Ten frames whose left half is bright, the later the larger."""
    path = tmp_path / "in.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 12.5, (64, 48))
    for number in range(10):
        frame = np.full((48, 64, 3), 30, np.uint8)
        frame[:, : 16 + 2 * number] = 220
        writer.write(frame)
    writer.release()
    return path


def _frames(path):
    capture = cv2.VideoCapture(str(path))
    rate = capture.get(cv2.CAP_PROP_FPS)
    frames = []
    while True:
        there, frame = capture.read()
        if not there:
            return frames, rate
        frames.append(frame)


def test_a_cut_out_has_the_matte_as_its_transparency():
    """Colours are the picture's own, alpha is the fourth channel."""
    cut = prediction.Painter("cut-out").paint(IMAGE, MATTE)
    assert np.array_equal(cut[..., :3], IMAGE)
    assert np.array_equal(cut[..., 3], np.round(255 * MATTE))


def test_a_new_background_stands_behind_the_person():
    """Foreground is kept, background is replaced, and alpha mixes the two."""
    made = prediction.Painter("background", "#102030").paint(IMAGE, MATTE)
    assert np.array_equal(made[:, 10:], IMAGE[:, 10:])
    assert (made[1:, :10] == (0x10, 0x20, 0x30)).all()
    mixed = (IMAGE[0, 0] + np.array([0x10, 0x20, 0x30], float)) / 2
    assert np.abs(made[0, 0] - mixed).max() <= 0.5


@pytest.mark.parametrize("shape", [(24, 20), (240, 100), (10, 100), (7, 5)])
def test_a_background_covers_the_picture_undistorted(tmp_path, shape):
    """Its middle is taken, at the scale at which nothing stays free."""
    behind = np.zeros((*shape, 3), np.uint8)
    behind[:, shape[1] // 2 :] = 200
    cv2.imwrite(str(tmp_path / "b.png"), behind)
    painter = prediction.Painter("background", str(tmp_path / "b.png"))
    made = painter.paint(IMAGE, np.zeros((24, 20), np.float32))
    assert made.shape == IMAGE.shape
    assert (made[:, :6] < 100).all()
    assert (made[:, -6:] > 100).all()


@pytest.mark.parametrize(
    ("kind", "background", "message"),
    [
        ("cutout", None, "`kind` must be one of matte, "),
        ("background", None, "belong together"),
        ("matte", "#ffffff", "belong together"),
    ],
)
def test_kinds_that_cannot_be_are_refused(kind, background, message):
    """An unknown kind, a background that is missing or for nothing."""
    with pytest.raises(UsageError, match=message):
        prediction.Painter(kind, background)


def test_every_frame_of_a_video_is_matted(tmp_path, video):
    """As many frames at the same rate and size, each with its own matte."""
    target = tmp_path / "out.mp4"
    count = prediction.predict_video(BRIGHT, video, target, prediction.Painter("matte"))
    frames, rate = _frames(target)
    assert count == len(frames) == 10
    assert rate == pytest.approx(12.5)
    for number, frame in enumerate(frames):
        assert frame.shape == (48, 64, 3)
        bright = (frame[..., 0] > 127).mean(axis=0).round()
        assert abs(bright.sum() - (16 + 2 * number)) <= 1
    assert sorted(os.listdir(tmp_path)) == ["in.mp4", "out.mp4"]


def test_what_is_no_video_leaves_nothing(tmp_path):
    """A damaged file is one error, and no half-written video stays."""
    (tmp_path / "in.mp4").write_bytes(b"no video")
    with pytest.raises(DataError, match="cannot be read as a video"):
        prediction.predict_video(
            BRIGHT, tmp_path / "in.mp4", tmp_path / "out.mp4", prediction.Painter("matte")
        )
    assert os.listdir(tmp_path) == ["in.mp4"]


# --- On the command line -----------------------------------------------------


def test_pictures_folders_and_videos_are_told_apart(call, tiny_models, portraits, video):
    """One command for all three, each to what it is given a name of."""
    model, image = tiny_models["int8"], dataset.find_pairs(portraits, "test")[0].image
    folder = image.parent
    for source, target in ((image, "a/a.png"), (folder, "b"), (video, "c.mp4")):
        result = call("predict", model, source, "--kind", "side-by-side", "-o", target)
        assert result.exit_code == 0, result.output
        assert str(target) in result.stderr
    height, width, _ = pictures.read_image(image).shape
    assert pictures.read_image(Path("a/a.png")).shape == (height, 2 * width, 3)
    assert sorted(os.listdir("b")) == [f"{path.stem}.png" for path in pictures.pictures_in(folder)]
    assert len(_frames("c.mp4")[0]) == 10


@pytest.mark.parametrize(
    ("source", "target", "words", "code", "message"),
    [
        ("nowhere.jpg", "a.png", (), 1, "no file or folder nowhere.jpg"),
        ("a.png", "a.jpg", (), 2, "must end in .png"),
        ("a.png", "a.png", (), 2, "another path than the source"),
        ("in.mp4", "a.png", (), 2, "must end in .mp4"),
        ("in.mp4", "a.mp4", ("--kind", "cut-out"), 2, "no transparency"),
        ("text.png", "b.png", (), 1, "is no picture"),
        ("empty", "out", (), 1, "holds no picture"),
        ("twins", "out", (), 1, "several pictures of the stem a"),
        ("a.png", "b.png", ("--background", "#fff"), 2, "belong together"),
        ("a.png", "b.png", ("--kind", "background", "--background", "x.png"), 1, "x.png"),
        ("a.png", "text.png/b.png", (), 1, "Cannot write to the folder"),
    ],
)
def test_what_cannot_be_predicted_is_one_line(
    one_line, call, tmp_path, tiny_models, video, source, target, words, code, message
):
    """The rule and what was received; nothing new is left behind."""
    cv2.imwrite("a.png", IMAGE)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty").mkdir()
    (tmp_path / "twins").mkdir()
    for name in ("a.png", "a.jpg"):
        shutil.copy("a.png", tmp_path / "twins" / name)
    before = sorted(os.listdir(tmp_path))
    one_line(call("predict", tiny_models["int8"], source, "-o", target, *words), code, message)
    assert sorted(os.listdir(tmp_path)) == before
