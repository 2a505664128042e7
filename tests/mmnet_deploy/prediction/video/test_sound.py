"""Tracks of sound on their way into another file."""

import av
import pytest
from av.stream import Disposition

from mmnet_deploy.prediction.video import reader
from mmnet_deploy.prediction.video.frames import Sound
from mmnet_deploy.prediction.video.sound import Track
from tests.support import videos


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_tracks_keep_their_languages_and_which_is_played(tmp_path, matted, suffix):
    """The second of two tracks is the one that players begin with."""
    video = videos.write_video(tmp_path / "one.mp4", videos.growing(), sound="aac")
    source = tmp_path / "two.mp4"
    with av.open(str(video)) as read, av.open(str(source), "w") as written:
        picture, sound = read.streams.video[0], read.streams.audio[0]
        streams = [written.add_stream_from_template(it) for it in (picture, sound, sound)]
        for stream, language in zip(streams[1:], ("deu", "fra"), strict=True):
            stream.metadata["language"] = language
        streams[1].disposition, streams[2].disposition = Disposition(0), Disposition.default
        for place, stream in ((0, picture), (1, sound), (2, sound)):
            read.seek(0)
            for packet in read.demux(stream):
                if packet.size:
                    packet.stream = streams[place]
                    written.mux(packet)
    matted(source, tmp_path / f"out{suffix}")
    with av.open(str(tmp_path / f"out{suffix}")) as made:
        found = [
            (it.language, bool(it.disposition & Disposition.default)) for it in made.streams.audio
        ]
    assert found == [("deu", False), ("fra", True)]


class _Picky:
    """A container that refuses one packet, as FFmpeg does a damaged one."""

    def __init__(self, container, error):
        self._container = container
        self._error = error
        self._count = 0

    def add_stream_from_template(self, template):
        return self._container.add_stream_from_template(template)

    def mux(self, packet):
        self._count += 1
        if self._count in (2, 4):
            raise self._error
        self._container.mux(packet)


def _copy(source, target, error):
    lines = []
    with reader.opened(source) as film, av.open(str(target), "w") as container:
        track = Track(_Picky(container, error), film.facts.tracks[0], ".mp4", lines.append)
        for item in film:
            if isinstance(item, Sound):
                track.write(item.packet)
    return lines


def test_a_damaged_piece_of_sound_is_a_gap_and_told_once(tmp_path):
    """The rest of the sound is copied."""
    source = videos.write_video(tmp_path / "in.mp4", videos.growing(), sound="aac")
    error = av.error.InvalidDataError(1, "Invalid data found")
    assert _copy(source, tmp_path / "out.mp4", error) == [
        "The sound (aac) is damaged: pieces of it are left out (Invalid data found)."
    ]
    with av.open(str(source)) as before, av.open(str(tmp_path / "out.mp4")) as after:
        counts = [
            sum(packet.size > 0 for packet in it.demux(it.streams.audio[0]))
            for it in (before, after)
        ]
    assert counts[0] - counts[1] == 2


def test_a_disk_that_is_full_is_no_damage_of_the_sound(tmp_path):
    """PyAV raises its own error, of which the file's is the context."""
    source = videos.write_video(tmp_path / "in.mp4", videos.growing(), sound="aac")
    error = av.error.InvalidDataError(1, "Invalid data found")
    error.__cause__ = OSError(28, "No space left on device")
    with pytest.raises(av.error.InvalidDataError):
        _copy(source, tmp_path / "out.mp4", error)


def test_a_track_without_any_sound_is_left_out(tmp_path, matted):
    """As of a recording that was cut off before its sound began."""
    source = videos.write_video(tmp_path / "in.ts", videos.noise(5), sound="aac")
    content = source.read_bytes()
    packets = [content[place : place + 188] for place in range(0, len(content), 188)]
    # The table of tracks stays; MPEG-TS numbers the sound after the video.
    kept = [it for it in packets if int.from_bytes(it[1:3], "big") & 0x1FFF != 0x101]
    source.write_bytes(b"".join(kept))
    lines, done = matted(source, tmp_path / "out.mp4")
    assert done.frames == 5
    assert len(lines) == 1 and "left out" in lines[0]
    assert not videos.read_video(tmp_path / "out.mp4").sounds
