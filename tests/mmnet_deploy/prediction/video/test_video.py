"""From a video to a video: frames, times, sound, transparency, and what ends it early."""

import os
import resource
from fractions import Fraction

import numpy as np
import pytest

from mmnet_deploy.errors import DataError, OutputError, UsageError
from mmnet_deploy.portraits import pictures
from mmnet_deploy.prediction.video import reader
from mmnet_deploy.prediction.video.frames import Frame
from mmnet_deploy.prediction.video.video import check_target
from mmnet_deploy.prediction.video.writer import VideoWriter
from tests.mmnet_deploy.prediction.video.conftest import BRIGHT
from tests.support import videos

TIMES = [0, 10, 50, 60, 200, 230, 500, 510, 900, 901]


@pytest.mark.parametrize(
    ("suffix", "codec", "sound"),
    [(".mp4", "h264", "aac"), (".mov", "h264", "aac"), (".webm", "vp9", "opus")],
)
def test_frames_keep_their_times_and_the_video_its_sound(tmp_path, matted, suffix, codec, sound):
    """Uneven times stay, to the millisecond; sound is copied, or encoded anew and said so."""
    source = videos.write_video(
        tmp_path / "in.mp4", videos.growing(), times=TIMES, sound="aac", aspect=Fraction(4, 3)
    )
    lines, done = matted(source, tmp_path / f"out{suffix}")
    seen = videos.read_video(tmp_path / f"out{suffix}")
    assert seen.codec == codec
    assert done.frames == len(seen.frames) == 10
    assert seen.times == pytest.approx(np.array(TIMES) / 1000, abs=1e-3)
    # PyAV cannot tell WebM of pixels that are not square, so they are made square.
    shape = (48, 85) if suffix == ".webm" else (48, 64)
    assert {frame.shape[:2] for frame in seen.frames} == {shape}
    assert seen.aspect == (1 if suffix == ".webm" else Fraction(4, 3))
    assert (seen.matrix, seen.range) == (6, 1)
    for number, frame in enumerate(seen.frames):
        bright = (frame[..., 0] > 127).mean(axis=0).round()
        assert abs(bright.sum() * 64 / shape[1] - (16 + 2 * number)) <= 1
        assert frame[:, :14].min() >= 250
        assert frame[:, -14:].max() <= 5
    ((name, length),) = seen.sounds
    assert (name, length) == (sound, pytest.approx(0.4, abs=0.05))
    assert [("encoded anew as Opus" in line) for line in lines] == [True] * (suffix == ".webm")
    assert sorted(os.listdir(tmp_path)) == ["in.mp4", f"out{suffix}"]


def test_sound_in_a_codec_that_players_do_not_take_is_encoded_anew(tmp_path, matted):
    """It is said in a line, and is as long as it was."""
    source = videos.write_video(tmp_path / "in.mkv", videos.growing(), sound="pcm_s16le")
    lines, _ = matted(source, tmp_path / "out.mp4")
    assert lines == ["The sound (pcm_s16le) is encoded anew as AAC, since .mp4 does not take it."]
    assert videos.read_video(tmp_path / "out.mp4").sounds == [("aac", pytest.approx(0.4, abs=0.05))]


def test_sound_is_copied_whatever_its_decoder_is_called(tmp_path, matted):
    """FFmpeg's decoder of MP3 is called mp3float."""
    source = videos.write_video(tmp_path / "in.mkv", videos.growing(), sound="mp3")
    lines, _ = matted(source, tmp_path / "out.mp4")
    assert not lines
    assert videos.read_video(tmp_path / "out.mp4").sounds[0][0] in ("mp3", "mp3float")


@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_colours_are_written_as_they_were_read(tmp_path, matted, matrix):
    """Through RGB and back, with the video's own matrix, said in the file."""
    planes = np.full((72, 64), 128, np.uint8)
    planes[:48], planes[48:60], planes[60:] = 140, 100, 170
    source = videos.write_video(tmp_path / "in.mp4", [planes] * 3, matrix=matrix)
    white = np.ones((48, 64), np.float32)
    model = BRIGHT.__class__(BRIGHT.file, "none", lambda image: image, lambda image: white)
    matted(source, tmp_path / "out.mp4", "under-matte", model=model)
    seen = videos.read_video(tmp_path / "out.mp4", "yuv420p")
    assert (seen.matrix, seen.range) == (matrix, 1)
    assert np.abs(seen.frames[1].astype(int) - planes).max() <= 3


def test_odd_sides_are_made_even_where_the_codec_needs_it(tmp_path, matted):
    """H.264 gets one more row and column, and the user a line; VP9 needs none."""
    frames = videos.growing(3, 47, 63)
    source = videos.write_video(tmp_path / "in.mkv", frames, "ffv1", pixels="yuv444p")
    lines, _ = matted(source, tmp_path / "out.mp4")
    assert videos.read_video(tmp_path / "out.mp4").frames[0].shape == (48, 64, 3)
    assert lines == [
        "63×47 is written as 64×48, by repeating the last row or column: H.264 needs even sides."
    ]
    lines, _ = matted(source, tmp_path / "out.webm")
    assert videos.read_video(tmp_path / "out.webm").frames[0].shape == (47, 63, 3)
    assert not lines


def test_a_cut_out_is_transparent_in_webm(tmp_path, matted):
    """Alpha of VP9 is the matte, colours are the person's."""
    source = videos.write_video(tmp_path / "in.mp4", videos.growing())
    matted(source, tmp_path / "out.webm", "cut-out")
    seen = videos.read_video(tmp_path / "out.webm")
    assert len(seen.alpha) == 10
    assert seen.alpha[3][:, :20].min() > 240
    assert seen.alpha[3][:, -20:].max() < 15
    assert np.abs(seen.frames[3][:, :20].astype(int) - 220).max() < 12


def test_no_black_stains_the_edge_of_a_cut_out(tmp_path, matted):
    """Beside the person, where nothing is seen, the person's colours go on."""
    frames = [np.full((48, 64, 3), 20, np.uint8) for _ in range(4)]
    for frame in frames:
        frame[:, :33] = (220, 60, 40)
    source = videos.write_video(tmp_path / "in.mp4", frames)
    matted(source, tmp_path / "out.webm", "cut-out")
    edge = videos.read_video(tmp_path / "out.webm").frames[2][8:40, 28:32].astype(float)
    assert np.abs(edge - (220, 60, 40)).mean() < 5
    assert videos.read_video(tmp_path / "out.webm").frames[2][20, 40, 0] > 150


def test_a_cut_out_is_a_folder_of_png_files(tmp_path, matted):
    """Numbered, transparent, with square pixels, and the time of each in a table."""
    source = videos.write_video(
        tmp_path / "in.mp4", videos.growing(3), times=[0, 40, 300], sound="aac",
        aspect=Fraction(2, 1),
    )  # fmt: skip
    lines, _ = matted(source, tmp_path / "out", "cut-out")
    assert lines == ["The sound is left out: PNG files have none."]
    names = sorted(name for name in os.listdir(tmp_path / "out") if not name.startswith("."))
    assert names == ["000001.png", "000002.png", "000003.png", "times.csv"]
    picture = pictures.decode(tmp_path / "out" / "000002.png", colour=False)
    assert picture.shape == (48, 128, 4)
    assert (tmp_path / "out" / "times.csv").read_text() == (
        "file,time_s\n000001.png,0.000000\n000002.png,0.040000\n000003.png,0.300000\n"
    )
    with pytest.raises(UsageError, match="must be new or empty"):
        check_target(tmp_path / "out", "cut-out")


def test_of_a_damaged_video_the_rest_is_kept(tmp_path, matted):
    """It plays, and the error says how much of it there is."""
    source = videos.write_video(
        tmp_path / "in.mp4", videos.noise(), options={"movflags": "faststart"}
    )
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    with pytest.raises(DataError, match=r"breaks off .*(\d\d) of about 50 frames are in") as told:
        matted(source, tmp_path / "out.mp4")
    count = len(videos.read_video(tmp_path / "out.mp4").frames)
    assert f" {count} of about 50 frames" in str(told.value)


@pytest.mark.parametrize("name", ["out.mp4", "out.webm", "out/000001.png"])
def test_a_full_disk_leaves_what_was_there(tmp_path, matted, name):
    """An older video stays; nothing half-written does."""
    source = videos.write_video(tmp_path / "in.mp4", videos.noise(10))
    target = tmp_path / name.partition("/")[0]
    if target.suffix:
        target.write_bytes(b"an older one")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
    try:
        with pytest.raises(OutputError, match=rf"Cannot write .*{name}: File too large"):
            matted(source, target, "side-by-side")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    if target.suffix:
        assert target.read_bytes() == b"an older one"
        assert sorted(os.listdir(tmp_path)) == ["in.mp4", target.name]


def test_an_interruption_leaves_a_video_that_plays(tmp_path, matted):
    """Ctrl-C in the middle: what came before it is complete, with its sound."""
    source = videos.write_video(tmp_path / "in.mp4", videos.growing(), sound="aac")
    left = iter([None] * 5)

    def infer(image):
        if next(left, "none") is not None:
            raise KeyboardInterrupt
        return BRIGHT.infer(image)

    model = BRIGHT.__class__(BRIGHT.file, "none", lambda image: image, infer)
    with pytest.raises(KeyboardInterrupt):
        matted(source, tmp_path / "out.mp4", model=model)
    seen = videos.read_video(tmp_path / "out.mp4")
    assert len(seen.frames) == 5
    assert seen.sounds[0][1] == pytest.approx(0.2, abs=0.1)


@pytest.mark.parametrize("stage", ["prepare", "infer"])
def test_what_a_stage_raises_ends_the_work(tmp_path, matted, stage):
    """From any thread, with the error itself, and without a file."""
    source = videos.write_video(tmp_path / "in.mp4", videos.growing())

    def broken(image):
        raise ZeroDivisionError(stage)

    stages = {"prepare": lambda image: image, "infer": BRIGHT.infer, stage: broken}
    model = BRIGHT.__class__(BRIGHT.file, "none", **stages)
    with pytest.raises(ZeroDivisionError, match=stage):
        matted(source, tmp_path / "out.mp4", model=model)
    assert os.listdir(tmp_path) == ["in.mp4"]


def test_a_part_can_be_taken(tmp_path, matted):
    """The frames and the sound of the first seconds."""
    source = videos.write_video(tmp_path / "in.mp4", videos.growing(), sound="aac")
    _, done = matted(source, tmp_path / "out.mp4", seconds=0.2)
    seen = videos.read_video(tmp_path / "out.mp4")
    assert done.frames == len(seen.frames) == 5
    assert seen.sounds[0][1] == pytest.approx(0.2, abs=0.03)


def test_what_a_format_cannot_hold_is_one_line(tmp_path):
    """FFmpeg's own refusal, with the format that refuses: here frames that go back in time."""
    source = videos.write_video(tmp_path / "in.mp4", videos.growing(3))
    with reader.opened(source) as film, (tmp_path / "out.mp4").open("w+b") as file:
        made = VideoWriter(file, ".mp4", film.facts, print, plain=True)
        with pytest.raises(OutputError, match=r"A \.mp4 file cannot hold this video: Invalid"):
            for time in (5000, 4000, 3000, 2000):
                made.write(np.zeros((48, 64), np.uint8), Frame(videos.growing(1)[0], time))
