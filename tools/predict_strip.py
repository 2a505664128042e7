"""Draw the strip of the README by the commands of the product, from synthetic portraits.

    python tools/predict_strip.py

Writes docs/predict.png: a portrait; part of its matte, enlarged bilinearly and guided by the
picture; the person before another background. The first use downloads MediaPipe's network.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from mmnet_deploy.portraits import synthetic

TARGET = Path(__file__).parents[1] / "docs" / "predict.png"
MODEL = "mediapipe:selfie"
SIZE, SHOWN, GAP = 1024, 256, 6

PORTRAITS = ((57, 160, 20, "#3a6ea5"), (240, 540, 110, "blur"))
"""Number of the portrait, left and top of the part that is shown large, and a background."""

PART = 320


def made(source: Path, *words: str) -> np.ndarray:
    """What `mmnet-deploy predict` makes of a picture with these words, BGR."""
    target = source.with_name("made.png")
    command = [sys.executable, "-m", "mmnet_deploy", "predict", MODEL, str(source), *words]
    subprocess.run([*command, "-o", str(target)], check=True)
    return cv2.imread(str(target))


def shown(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, (SHOWN, SHOWN), interpolation=cv2.INTER_AREA)


def row(folder: Path, number: int, left: int, top: int, background: str) -> np.ndarray:
    image, _ = synthetic.portrait(0, number, SIZE)
    source = folder / f"{number}.png"
    cv2.imwrite(str(source), image[..., ::-1])
    part = np.s_[top : top + PART, left : left + PART]
    pictures = (
        image[..., ::-1],
        image[part][..., ::-1],
        made(source, "--upsample", "bilinear")[part],
        made(source, "--upsample", "guided")[part],
        made(source, "--background", background),
    )
    gap = np.full((SHOWN, GAP, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (shown(picture), gap)]
    return np.hstack(parts[:-1])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(Path(folder), *portrait) for portrait in PORTRAITS]
    gap = np.full((GAP, rows[0].shape[1], 3), 255, np.uint8)
    strip = np.vstack([rows[0], gap, rows[1]])
    cv2.imwrite(str(TARGET), strip, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
