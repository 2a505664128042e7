"""What is read of a video: upright frames at their times, colours, damage."""

import re
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mmnet_deploy.errors import DataError
from mmnet_deploy.prediction.video import reader
from mmnet_deploy.prediction.video.frames import Frame, Sound
from tests.support import videos

# Kr and Kb of ITU-R BT.601-7, BT.709-6 and BT.2020-2.
SHARES = {6: (0.299, 0.114), 1: (0.2126, 0.0722), 9: (0.2627, 0.0593)}


def _read(path):
    with reader.opened(path) as film:
        items = [item for item in film if isinstance(item, Frame)]
        return film.facts, items, film.damage


def _rgb(planes, matrix, full):
    """Red, green and blue of brightness and two differences, by the recommendations."""
    red, blue = SHARES[matrix]
    luma, *chroma = (float(plane) for plane in planes)
    luma = luma / 255 if full else (luma - 16) / 219
    chroma = [(value - 128) / (255 if full else 224) for value in chroma]
    r = luma + 2 * (1 - red) * chroma[1]
    b = luma + 2 * (1 - blue) * chroma[0]
    g = (luma - red * r - blue * b) / (1 - red - blue)
    return np.array([r, g, b]) * 255


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", sorted(SHARES))
def test_colours_are_those_that_the_file_says(tmp_path, matrix, full):
    """Every matrix, of limited and full range, gives the colour that was filmed."""
    planes = np.full((72, 64), 128, np.uint8)
    planes[:48], planes[48:60], planes[60:] = 140, 100, 170
    videos.write_video(tmp_path / "a.mp4", [planes] * 2, matrix=matrix, full=full)
    _, frames, damage = _read(tmp_path / "a.mp4")
    wanted = _rgb((140, 100, 170), matrix, full)
    assert np.abs(frames[0].image[20, 20] - wanted).max() <= 2.5
    assert not damage


@pytest.mark.parametrize(("height", "matrix"), [(48, 6), (720, 1)])
def test_colours_without_a_word_are_guessed_by_the_size(tmp_path, height, matrix):
    """High definition is BT.709, all else BT.601, as players do it."""
    planes = np.full((height * 3 // 2, 64), 140, np.uint8)
    planes[height : height * 5 // 4], planes[height * 5 // 4 :] = 100, 170
    videos.write_video(tmp_path / "a.mp4", [planes])
    facts, frames, _ = _read(tmp_path / "a.mp4")
    assert facts.colours.matrix == matrix
    assert np.abs(frames[0].image[20, 20] - _rgb((140, 100, 170), matrix, False)).max() <= 2.5


@pytest.mark.parametrize(
    ("turn", "shown"),
    [
        ((1, 0, 0, 1), lambda a: a),
        ((0, 1, -1, 0), lambda a: np.rot90(a, -1)),
        ((-1, 0, 0, -1), lambda a: np.rot90(a, 2)),
        ((0, -1, 1, 0), lambda a: np.rot90(a)),
        ((-1, 0, 0, 1), lambda a: a[:, ::-1]),
        ((1, 0, 0, -1), lambda a: a[::-1]),
        ((0, 1, 1, 0), lambda a: a.transpose(1, 0, 2)),
    ],
)
def test_frames_are_upright(tmp_path, turn, shown):
    """Turned and mirrored as the track's header says, with the pixels' aspect turned along."""
    image = np.full((48, 64, 3), 40, np.uint8)
    image[:16, :32] = 220
    videos.write_video(tmp_path / "a.mp4", [image] * 2, aspect=Fraction(4, 3), turn=turn)
    facts, frames, _ = _read(tmp_path / "a.mp4")
    wanted = shown(image)
    assert (facts.height, facts.width) == wanted.shape[:2]
    assert facts.aspect == (Fraction(3, 4) if turn[0] == 0 else Fraction(4, 3))
    assert np.abs(frames[1].image.astype(int) - wanted).max() <= 4


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_video_that_is_whole_is_not_called_damaged(tmp_path, name):
    """Uneven times, sound that is longer, and a last frame that is shown for long are no damage."""
    times = [0, 10, 50, 400, 900, 901, 1500]
    videos.write_video(tmp_path / name, videos.growing(7), times=times, sound="aac")
    facts, frames, damage = _read(tmp_path / name)
    found = [float(frame.time * facts.time_base) for frame in frames]
    # Some versions of FFmpeg let the sound begin a little earlier.
    assert np.array(found) - found[0] == pytest.approx(np.array(times) / 1000, abs=1e-3)
    assert not damage


def _cut(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def _overwrite(path):
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = b"\x5a" * 3000
    path.write_bytes(content)


def _erase(path):
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(3000)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "codec", "harm", "message"),
    [
        ("a.mp4", "libx264", _cut, r"breaks off after \d\.\d of 2.0 s"),
        ("a.mkv", "libx264", _cut, r"breaks off after \d\.\d of 2.0 s"),
        ("a.avi", "mjpeg", _cut, "cannot be decoded"),
        ("a.mp4", "libx264", _overwrite, "cannot be decoded"),
        ("a.mkv", "libx264", _erase, "decoded in part only"),
    ],
)
def test_damage_is_found_and_the_rest_is_read(tmp_path, name, codec, harm, message):
    """A file that was cut off, or overwritten in the middle."""
    path = videos.write_video(
        tmp_path / name, videos.noise(), codec, options={"movflags": "faststart"},
        pixels="yuvj420p" if codec == "mjpeg" else "yuv420p",
    )  # fmt: skip
    harm(path)
    _, frames, damage = _read(path)
    assert 15 <= len(frames) <= 50
    assert len(frames) < 50 or harm == _erase
    assert re.search(message, damage), damage


def _sound_only(path):
    with av.open(str(path), "w") as container:
        track = container.add_stream("aac", rate=48_000, layout="mono")
        container.mux(track.encode(videos.tone(0, 9600)))
        container.mux(track.encode(None))


def _huge(path):
    """A video of JPEG pictures whose headers say 16,000 × 16,000."""
    picture = bytearray(cv2.imencode(".jpg", np.zeros((32, 32, 3), np.uint8))[1].tobytes())
    size = picture.index(b"\xff\xc0") + 5
    picture[size : size + 4] = (16_000).to_bytes(2, "big") * 2
    with av.open(str(path), "w", format="avi") as container:
        video = container.add_stream("mjpeg", rate=25)
        video.width = video.height = 16_000
        video.pix_fmt = "yuvj420p"
        packet = av.Packet(bytes(picture))
        packet.stream, packet.time_base = video, Fraction(1, 25)
        packet.pts = packet.dts = 0
        container.mux(packet)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b""), "it is empty"),
        (lambda path: path.write_bytes(b"no video"), "it is none"),
        (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99)), r"is a picture \(PNG\)"),
        (lambda path: _cut(videos.write_video(path, videos.noise())), "index is missing"),
        (lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"), "it is none"),
        (_sound_only, "holds sound only"),
        (_huge, "16000×16000 pixels; at most"),
    ],
    ids=["empty", "words", "picture", "no index", "playlist", "sound", "huge"],
)
def test_what_is_no_video_is_one_line(tmp_path, make, message):
    """Said when it is opened, with the reason; a playlist does not make FFmpeg read other files."""
    path = tmp_path / "a.mp4"
    make(path)
    with pytest.raises(DataError, match=message), reader.opened(path):
        pass


def test_names_with_a_colon_are_files(tmp_path, monkeypatch):
    """What stands before a colon is no protocol of a network."""
    monkeypatch.chdir(tmp_path)
    videos.write_video(Path("a.mp4"), videos.growing(2)).rename("12:30 call.mp4")
    assert len(_read(Path("12:30 call.mp4"))[1]) == 2


def test_times_of_avi_are_even_though_it_has_none_of_showing(tmp_path):
    """Frames that refer to later ones come in another order, in a format that has one time."""
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"bf": "2", "b-adapt": "0"})
        video.height, video.width = 48, 64
        for number, image in enumerate([*videos.growing(12), None]):
            frame = None if image is None else av.VideoFrame.from_ndarray(image, "rgb24")
            if frame is not None:
                frame.pts = number
            container.mux(video.encode(frame))
    _, frames, damage = _read(path)
    assert len(frames) == 12 and not damage
    assert set(np.diff([frame.time for frame in frames])) == {1}


def test_a_frame_that_comes_after_the_file_broke_off_has_its_time(tmp_path):
    """A decoder that is emptied hands out frames without a unit of time."""
    path = videos.write_video(tmp_path / "a.mkv", videos.growing(6))
    with reader.opened(path) as film:
        decoded = av.VideoFrame(64, 48, "yuv420p")
        decoded.pts = 5 * int(1 / film.facts.time_base)
        film._before.append(decoded)
        assert [frame.time for frame in film][1] * film.facts.time_base == 5


@pytest.mark.parametrize(
    ("name", "codec", "options", "message"),
    [
        ("a.mkv", "ffv1", {"matrix": 7}, "matrix 7"),
        ("a.mkv", "ffv1", {"matrix": 6}, ""),
        ("a.mkv", "ffv1", {"pixels": "yuva420p"}, ""),
        ("a.mkv", "ffv1", {"pixels": "yuva420p", "alpha": 100}, "transparency"),
        ("a.webm", "libvpx-vp9", {"pixels": "yuva420p", "alpha": 100}, "transparency"),
    ],
)
def test_what_is_not_read_is_said(tmp_path, name, codec, options, message):
    """A matrix that is not known, and transparency, but not that a format could hold it."""
    videos.write_video(tmp_path / name, videos.growing(2), codec, **options)
    facts, _, _ = _read(tmp_path / name)
    assert len(facts.left_out) == bool(message)
    assert all(message in line for line in facts.left_out)


@pytest.mark.parametrize(("name", "first"), [("a.mkv", 0), ("a.mkv", 5000), ("a.wmv", 0)])
def test_sound_that_goes_on_is_no_damage_of_the_pictures(tmp_path, name, first):
    """Nor is a video that begins late, whatever length the file states of itself."""
    path = tmp_path / name
    codec, sound = ("wmv2", "mp3") if name == "a.wmv" else ("libx264", "aac")
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=25)
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        track = container.add_stream(sound, rate=videos.SOUND_RATE, layout="mono")
        for number, image in enumerate(videos.growing(10)):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = first + number * 40, videos.MILLISECOND
            container.mux(video.encode(frame))
        for number in range(100):
            piece = videos.tone(number, videos.SOUND_RATE // 25)
            piece.pts += first * videos.SOUND_RATE // 1000
            container.mux(track.encode(piece))
        for stream in (video, track):
            container.mux(stream.encode(None))
    _, frames, damage = _read(path)
    assert len(frames) == 10 and not damage


@pytest.mark.parametrize("sound", [None, "mp2"])
def test_files_that_were_put_together_go_on_at_their_pace(tmp_path, sound):
    """Times begin anew with the second, which is put behind the first; that is said."""
    one = videos.write_video(tmp_path / "one.ts", videos.growing(25), sound=sound)
    path = tmp_path / "three.ts"
    path.write_bytes(3 * one.read_bytes())
    with reader.opened(path) as video:
        items = list(video)
        frames = [item.time for item in items if not isinstance(item, Sound)]
        sounds = [item.packet.dts for item in items if isinstance(item, Sound)]
        assert "times go back at 1." in video.damage
    steps = np.diff(frames) * video.facts.time_base
    assert len(frames) == 75 and 0.039 < min(steps) <= max(steps) < 0.06
    assert sounds == sorted(sounds) and bool(sounds) == bool(sound)
