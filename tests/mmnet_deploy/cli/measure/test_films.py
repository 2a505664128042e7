"""`predict` with a video: what is written where, what is said, what is refused at once."""

import dataclasses
import os
import sys
from pathlib import Path

import pytest

from mmnet_deploy.mattes import matting
from mmnet_deploy.portraits.pictures import as_png
from tests.support import videos


@pytest.fixture
def video(tmp_path):
    """Ten frames with sound."""
    return videos.write_video(tmp_path / "in.mp4", videos.growing(), sound="aac")


def test_a_video_goes_beside_nothing(call, one_line, tiny_models, video):
    """Called after the source and the kind, with sound; nothing is replaced unasked."""
    result = call("predict", tiny_models["int8"], video)
    assert result.exit_code == 0, result.output
    assert "10 frames in in-matte.mp4, " in result.stderr
    assert "10 of 10 in" in result.stderr
    seen = videos.read_video(Path("in-matte.mp4"))
    assert len(seen.frames) == 10
    assert len(seen.sounds) == 1
    one_line(call("predict", tiny_models["int8"], video), 2, "in-matte.mp4", "`--out PATH`")
    result = call("predict", tiny_models["int8"], video, "--kind", "cut-out", "--seconds", "0.1")
    assert "3 frames in in-cut-out.webm" in result.stderr


def test_an_interruption_says_how_many_frames_there_are(call, monkeypatch, tiny_models, video):
    """Exit code 130, and a file that plays."""
    opened, left = matting.open_model, iter([None] * 5)

    def opening(*arguments, **options):
        model = opened(*arguments, **options)

        def infer(ready):
            if next(left, "none") is not None:
                raise KeyboardInterrupt
            return model.infer(ready)

        return dataclasses.replace(model, infer=infer)

    monkeypatch.setattr(matting, "open_model", opening)
    result = call("predict", tiny_models["int8"], video, "-o", "out.mp4")
    assert result.exit_code == 130
    assert "Interrupted. 5 frames in out.mp4." in result.stderr
    assert len(videos.read_video(Path("out.mp4")).frames) == 5


def test_without_pyav_a_video_is_refused(call, one_line, monkeypatch, tiny_models, video):
    """In one line that says what to install."""
    monkeypatch.setitem(sys.modules, "av", None)
    one_line(call("predict", tiny_models["int8"], video, "-o", "out.mp4"), 1, "[video]")


@pytest.mark.parametrize(
    ("source", "words", "code", "message"),
    [
        ("in.mp4", ("-o", "a.png"), 2, "must end in .mp4, .mov, .webm, or be a folder"),
        ("in.mp4", ("-o", "in.mp4"), 2, "another path than the source"),
        ("in.mp4", ("-o", "a.mov", "--kind", "cut-out"), 2, "needs transparency"),
        ("in.mp4", ("-o", ".mp4"), 2, "needs a name before its ending"),
        ("in.mp4", ("-o", "full"), 2, "must be new or empty"),
        ("in.mp4", ("-o", "full/plain"), 1, "plain is not a folder"),
        ("in.mp4", ("-o", "a.mp4", "--threads", "0"), 2, "`threads` must be 1"),
        ("in.mp4", ("-o", "a.mp4", "--seconds", "-1"), 2, "`--seconds` must be above 0"),
        ("in.mp4", ("-o", "a.mp4", "--seconds", "nan"), 2, "`--seconds` must be above 0"),
        ("text.mp4", ("-o", "a.mp4"), 1, "cannot be read as a video"),
        ("camera:97", ("-o", "a.mp4"), 1, "There is no camera 97"),
        ("camera:x", ("-o", "a.mp4"), 2, "such as camera:0"),
        ("full/a.png", ("-o", "b.png", "--smooth"), 2, "is for videos and cameras"),
        ("full/a.png", ("-o", "b.png", "--seconds", "2"), 2, "is for videos and cameras"),
    ],
)
def test_what_cannot_be_is_one_line(
    one_line, call, tmp_path, tiny_models, video, source, words, code, message
):
    """The rule and what was received; nothing new is left behind."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.png").touch()
    (tmp_path / "full" / "plain").touch()
    (tmp_path / "text.mp4").write_text("no video")
    one_line(call("predict", tiny_models["int8"], source, *words), code, message)
    assert sorted(os.listdir(tmp_path)) == ["full", "in.mp4", "text.mp4"]


def test_videos_in_a_folder_are_named_and_the_pictures_done(call, tiny_models, video, tmp_path):
    """A folder is one of pictures; nothing in it is passed over in silence."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    video.rename(folder / "a.mp4")
    (folder / "b.png").write_bytes(as_png(videos.growing(1)[0]))
    result = call("predict", tiny_models["int8"], folder, "-o", "made")
    assert result.exit_code == 0, result.output
    assert "Videos in " in result.stderr and "left out (1): give them one by one" in result.stderr
    assert os.listdir("made") == ["b.png"]
