"""What smoothing does to flicker and to moving edges, on synthetic clips whose mattes are exact.

    python benchmarks/smoothing.py [--model FILE ...] [--clips 12] [--frames 25] [--size 320]

Each clip is drawn (`portraits.synthetic.clip`: a person who sways, turns and nods, swinging hair,
a camera on a stand or in a hand, sensor noise), compressed by H.264 at CRF 26 and decoded, and
its mattes are enlarged as `predict` does it. Measured, each as the mean over the clips:

    dtSSD   root of the mean square, over a frame's pixels, of the change of the matte since the
            frame before less the true change; mean over the frames (Erofeev, Gitman, Vatolin,
            Fedorov and Wang 2015, "Perceptually Motivated Benchmark for Video Matting", BMVC).
    still   the same over the pixels that are not near a moving edge: flicker.
    edges   mean absolute error near moving edges: where the true matte changed by more than 0.1
            since the frame before, and two pixels around.
    MAD     mean absolute error of all pixels.

All times 100. `plain` is the same filter without its guard against motion. The seed is not the
one with which the filter's constants were chosen (77).
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np

from mmnet_deploy.downloads import published
from mmnet_deploy.mattes.enlargement import enlarged
from mmnet_deploy.mattes.matting import open_model
from mmnet_deploy.portraits.synthetic.clip import clip
from mmnet_deploy.prediction.video.smoothing import KEPT, Smoother

SEED = 2015
MOVING = 0.1
NAMES = ("dtSSD", "still", "edges", "MAD")


def compressed(frames: list[np.ndarray]) -> list[np.ndarray]:
    """What is left of frames after H.264."""
    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=25, options={"crf": "26"})
        video.height, video.width = frames[0].shape[:2]
        for frame in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(video.encode(None))
    content.seek(0)
    with av.open(content) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


class Plain:
    """The recursive filter without a guard."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None

    def smooth(self, image: np.ndarray, matte: np.ndarray) -> np.ndarray:
        """See `Smoother`."""
        if self._before is not None:
            matte = matte + np.float32(KEPT) * (self._before - matte)
        self._before = matte
        return matte


class Off:
    """No filter."""

    def smooth(self, image: np.ndarray, matte: np.ndarray) -> np.ndarray:
        """See `Smoother`."""
        return matte


WAYS: dict[str, Callable] = {"--no-smooth": Off, "--smooth": Smoother, "plain": Plain}


def measures(mattes: np.ndarray, truth: np.ndarray) -> list[float]:
    """The four measures of a clip, both float32 (frames, h, w)."""
    true_change = np.diff(truth, axis=0)
    wrong = np.square(np.diff(mattes, axis=0) - true_change)
    near = np.stack(
        [
            cv2.dilate((np.abs(change) > MOVING).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            for change in true_change
        ]
    )
    error = np.abs(mattes - truth)
    return [
        float(np.sqrt(wrong.mean(axis=(1, 2))).mean()) * 100,
        float(np.sqrt(wrong[~near].mean())) * 100,
        float(error[1:][near].mean()) * 100,
        float(error.mean()) * 100,
    ]


def main() -> None:
    """Print a table per model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, nargs="*", default=[])
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--frames", type=int, default=25)
    parser.add_argument("--size", type=int, default=320)
    wanted = parser.parse_args()
    paths = wanted.model or [
        published.have(published.named(name)) for name in ("selfie", "selfie-landscape")
    ]
    models = {path.stem: open_model(path, threads=1) for path in paths}
    found: dict[tuple[str, str], list[list[float]]] = {}
    for index in range(wanted.clips):
        drawn = list(clip(SEED, index, wanted.size, wanted.frames))
        frames = compressed([picture for picture, _ in drawn])
        truth = np.stack([alpha for _, alpha in drawn]).astype(np.float32) / 255
        for name, model in models.items():
            raw = [model.matte(frame) for frame in frames]
            for way, filter_of in WAYS.items():
                smoother = filter_of()
                mattes = [
                    enlarged(smoother.smooth(frame, matte), frame)
                    for frame, matte in zip(frames, raw, strict=True)
                ]
                found.setdefault((name, way), []).append(measures(np.stack(mattes), truth))
    for name in models:
        print(f"{name}, {wanted.clips} clips of {wanted.frames} frames, {wanted.size} pixels wide")
        print(f"| | {' | '.join(NAMES)} | clips with less dtSSD | with less error at edges |")
        without = np.array(found[name, "--no-smooth"])
        for way in WAYS:
            values = np.array(found[name, way])
            better = (values < without).sum(axis=0)
            cells = [
                f"{value:.2f} ({value / base - 1:+.1%})" if way != "--no-smooth" else f"{value:.2f}"
                for value, base in zip(values.mean(axis=0), without.mean(axis=0), strict=True)
            ]
            counts = f"{better[0]} | {better[2]}" if way != "--no-smooth" else " | "
            print(f"| `{way}` | {' | '.join(cells)} | {counts} |")


if __name__ == "__main__":
    main()
