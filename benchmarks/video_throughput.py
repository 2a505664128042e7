"""How fast `predict` mattes a 720p video, as a share of what bare inference allows.

    python benchmarks/video_throughput.py [--model FILE] [--rounds 7] [--frames 150] [--ways ...]

A synthetic portrait that moves before a wider room, 1280×720, H.264 with sound. In every round,
for each way of writing, bare inference first: `Matting.matte` of decoded frames back to back,
which is reducing a frame to the network's input and inference, with as many threads as cores.
Then the whole command's work, with half as many threads for inference, as the command has it:
reading, inference, smoothing, enlarging, painting, H.264. A ratio
is of two neighbours in time, and the table has the median over the rounds.

Besides, the processor time of each stage per frame, all threads together, which a busy computer
changes least: no pipeline is faster than their sum divided by the cores.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from mmnet_deploy.downloads import published
from mmnet_deploy.mattes.matting import Matting, open_model
from mmnet_deploy.parallel import usable_cores
from mmnet_deploy.portraits.synthetic.clip import clip
from mmnet_deploy.prediction.backgrounds import background
from mmnet_deploy.prediction.painting import Painter
from mmnet_deploy.prediction.video import reader
from mmnet_deploy.prediction.video.frames import Frame
from mmnet_deploy.prediction.video.smoothing import Smoother
from mmnet_deploy.prediction.video.video import Options, predict_video
from mmnet_deploy.prediction.video.writer import VideoWriter

HEIGHT, WIDTH, RATE = 720, 1280, 25
DRAWN, SIDE = 24, 360

WAYS = {
    "matte, bilinear": ("matte", None, "bilinear"),
    "matte, guided": ("matte", None, "guided"),
    "background, bilinear": ("background", "#00b140", "bilinear"),
    "background, guided": ("background", "#00b140", "guided"),
    "cut-out in .webm, guided": ("cut-out", None, "guided"),
}


def film(path: Path, count: int) -> Path:
    """A video of `count` frames, forwards and backwards through those that are drawn."""
    drawn = []
    for picture, _ in clip(7, 3, SIDE, DRAWN):
        wide = cv2.copyMakeBorder(picture, 0, 0, 140, 140, cv2.BORDER_REFLECT_101)
        drawn.append(cv2.resize(wide, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))
    order = [*range(DRAWN), *range(DRAWN - 2, 0, -1)]
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"crf": "20"})
        video.height, video.width, video.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        track = container.add_stream("aac", rate=48_000, layout="mono")
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(drawn[order[number % len(order)]], "rgb24")
            container.mux(video.encode(frame))
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.int16), "s16", "mono")
            sound.sample_rate, sound.pts = 48_000, 1920 * number
            sound.time_base = Fraction(1, 48_000)
            container.mux(track.encode(sound))
        container.mux(video.encode(None))
        container.mux(track.encode(None))
    return path


def frames_of(path: Path, count: int) -> list[Frame]:
    """The first frames, decoded."""
    with reader.opened(path) as opened:
        frames = (item for item in opened if isinstance(item, Frame))
        return [frame for frame, _ in zip(frames, range(count), strict=False)]


def painter_for(way: str) -> Painter:
    """What paints in one of the `WAYS`."""
    kind, behind, upsample = WAYS[way]
    return Painter(kind, background(behind) if behind else None, upsample)


def bare(model: Matting, frames: list[Frame], count: int) -> float:
    """Frames per second of inference alone."""
    begin = time.perf_counter()
    for number in range(count):
        model.matte(frames[number % len(frames)].image)
    return count / (time.perf_counter() - begin)


def whole(model: Matting, source: Path, target: Path, way: str) -> float:
    """Frames per second from file to file."""
    begin = time.perf_counter()
    with reader.opened(source) as opened:
        done = predict_video(model, opened, target, painter_for(way), Options(smooth=True))
    return done.frames / (time.perf_counter() - begin)


def processor_ms(function: Callable[[], object], count: int) -> float:
    """Processor time per frame in ms, of all threads."""
    begin = time.process_time()
    function()
    return (time.process_time() - begin) / count * 1000


def stages(model: Matting, source: Path, folder: Path) -> dict[str, float]:
    """Processor time of each stage per frame, in ms."""
    frames = frames_of(source, 50)
    count = len(frames)
    ready = [model.prepare(frame.image) for frame in frames]
    mattes = [model.infer(one) for one in ready]
    smoother = Smoother()
    with reader.opened(source) as opened:
        facts = dataclasses.replace(opened.facts, tracks=())

    def each(function: Callable) -> float:
        return processor_ms(
            lambda: [function(*both) for both in zip(frames, mattes, strict=True)], count
        )

    times = {
        "decode, to RGB": processor_ms(lambda: frames_of(source, count), count),
        "reduce to the input": each(lambda frame, _: model.prepare(frame.image)),
        "inference": processor_ms(lambda: [model.infer(one) for one in ready], count),
        "smooth": each(lambda frame, matte: smoother.smooth(frame.image, matte)),
    }
    for way in WAYS:
        painter = painter_for(way)
        painted = [painter.paint(f.image, m) for f, m in zip(frames, mattes, strict=True)]
        times[f"paint: {way}"] = each(lambda frame, matte, p=painter: p.paint(frame.image, matte))
        suffix = ".webm" if painter.kind == "cut-out" else ".mp4"

        def encode(painted=painted, suffix=suffix) -> None:
            with (folder / f"encoded{suffix}").open("w+b") as file:
                writer = VideoWriter(file, suffix, facts, lambda line: None, False)
                for picture, frame in zip(painted, frames, strict=True):
                    writer.write(picture, frame)
                writer.close()

        times[f"encode: {way}"] = processor_ms(encode, count)
    return times


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="default: mediapipe:selfie")
    parser.add_argument("--rounds", type=int, default=7, help="0: the stages alone")
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    wanted = parser.parse_args()
    path = wanted.model or published.have(published.named("selfie"))
    model, beside = open_model(path), open_model(path, max(1, usable_cores() // 2))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = film(folder / "film.mp4", wanted.frames)
        frames = frames_of(source, 50)
        ratios: dict[str, list[float]] = {way: [] for way in WAYS}
        speeds: dict[str, list[float]] = {way: [] for way in WAYS}
        alone: list[float] = []
        for _ in range(wanted.rounds):
            for way in wanted.ways:
                suffix = ".webm" if way.startswith("cut-out") else ".mp4"
                alone.append(bare(model, frames, wanted.frames))
                speeds[way].append(whole(beside, source, folder / f"out{suffix}", way))
                ratios[way].append(speeds[way][-1] / alone[-1])
        print(
            f"{path.name}, {usable_cores()} cores, {wanted.rounds} rounds of {wanted.frames} frames"
        )
        if alone:
            print(f"bare inference: {statistics.median(alone):.0f} frames/s")
        print("| written | frames/s | of bare inference | largest |")
        for way in wanted.ways if alone else ():
            print(
                f"| {way} | {statistics.median(speeds[way]):.0f} | "
                f"{statistics.median(ratios[way]):.2f} | {max(ratios[way]):.2f} |"
            )
        print("| stage | processor time, ms a frame |")
        for stage, spent in stages(model, source, folder).items():
            print(f"| {stage} | {spent:.2f} |")


if __name__ == "__main__":
    main()
