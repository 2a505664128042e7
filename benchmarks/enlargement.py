"""What guided enlargement of mattes does to their errors, and what it costs.

    python benchmarks/enlargement.py /path/to/data [--limit 0] [--model mediapipe:selfie ...]

The folder holds data sets, each with a split `test`; synthetic portraits of 1024×1024 are drawn
besides. Prints, for each model and set, the gradient error (×10⁻³) and the MAD (×10⁻³) at 800×600
of mattes enlarged in several ways: bilinearly; as the product does; with twice its radius; with
the grey values of the picture in place of its colours; and with coefficients found at the
picture's resolution, with windows as wide. Then the CPU time per megapixel of each.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from mmnet_deploy.cli.model_options import named_network
from mmnet_deploy.mattes import enlargement, metrics
from mmnet_deploy.mattes.enlargement import enlarged
from mmnet_deploy.mattes.matting import open_model
from mmnet_deploy.portraits import dataset, synthetic


def bilinear(matte: np.ndarray, image: np.ndarray) -> np.ndarray:
    return enlarged(matte, image, "bilinear")


def wider(matte: np.ndarray, image: np.ndarray) -> np.ndarray:
    usual = enlargement.RADIUS
    enlargement.RADIUS = 2 * usual
    try:
        return enlarged(matte, image)
    finally:
        enlargement.RADIUS = usual


def grey(matte: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Three equal channels: their covariance with the matte is that of one, at ε / 3."""
    levels = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    usual = enlargement.EPSILON
    enlargement.EPSILON = 3 * usual
    try:
        return enlarged(matte, cv2.merge([levels] * 3))
    finally:
        enlargement.EPSILON = usual


def at_full_size(matte: np.ndarray, image: np.ndarray) -> np.ndarray:
    """The filter of He et al. 2013, on the bilinearly enlarged matte, windows as wide."""
    height, width = image.shape[:2]
    sides = [
        2 * max(1, round(enlargement.RADIUS * large / small)) + 1
        for large, small in zip((height, width), matte.shape, strict=True)
    ]

    def means(values: np.ndarray) -> np.ndarray:
        found = cv2.blur(values, (sides[1], sides[0]), borderType=cv2.BORDER_REFLECT)
        return found.reshape(values.shape)

    usual = enlargement._means
    enlargement._means = means
    try:
        guide = image / np.float32(255)
        factors = enlargement._coefficients(guide, bilinear(matte, image))
    finally:
        enlargement._means = usual
    return np.clip((factors[..., :3] * guide).sum(-1) + factors[..., 3], 0, 1)


WAYS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "bilinear": bilinear,
    "guided": enlarged,
    "radius 2": wider,
    "grey": grey,
    "full size": at_full_size,
}


def errors(model: str, root: Path, limit: int) -> dict[str, np.ndarray]:
    """Mean gradient error and MAD, ×10⁻³, of each way."""
    opened = open_model(named_network(model) or Path(model))
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for pair in dataset.find_pairs(root, "test")[: limit or None]:
        image, mask = dataset.read_pair(pair)
        matte = opened.matte(image)
        for name, way in WAYS.items():
            both = metrics.at_one_size(way(matte, image), mask, metrics.PUBLISHED_SIZE)
            found[name].append((metrics.gradient_error(*both), metrics.mad(*both)))
    return {name: 1e3 * np.mean(values, axis=0) for name, values in found.items()}


def ms_per_megapixel(rows: int, columns: int) -> dict[str, float]:
    """CPU time of each way on a picture of that size, the best of three; the matte is 256×256."""
    image, mask = synthetic.portrait(0, 1, 1024)
    large = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_CUBIC)
    matte = cv2.resize(mask, (256, 256), interpolation=cv2.INTER_AREA) / np.float32(255)
    found = {}
    for name, way in WAYS.items():
        if way is at_full_size and rows * columns > MOST_PIXELS_AT_FULL_SIZE:
            continue
        times = []
        for _ in range(3):
            begin = time.process_time()
            way(matte, large)
            times.append(time.process_time() - begin)
        found[name] = 1e3 * min(times) / (rows * columns / 1e6)
    return found


MOST_PIXELS_AT_FULL_SIZE = 2_000_000
"""Of 12 megapixels, coefficients for each pixel would need several gigabytes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--limit", type=int, default=0, help="pictures of each set; 0: all")
    parser.add_argument(
        "--model", nargs="+", default=["mediapipe:selfie", "pretrained:mmnet-1.0-256"]
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "synthetic"
        synthetic.write_dataset(
            drawn, count=21, size=1024, seed=9, splits={"train": 1 / 21, "test": 20 / 21}
        )
        sets = sorted(path for path in options.data.iterdir() if (path / "test").is_dir())
        print("| model | data | " + " | ".join(WAYS) + " |")
        print("|---|---|" + "---|" * len(WAYS))
        for model in options.model:
            for root in (*sets, drawn):
                found = errors(model, root, options.limit)
                cells = [f"{gradient:.3f} ({mad:.2f})" for gradient, mad in found.values()]
                print(f"| {model} | {root.name} | " + " | ".join(cells) + " |", flush=True)
    for rows, columns in ((720, 1280), (4000, 3000)):
        cells = [f"{cost:.1f}" for cost in ms_per_megapixel(rows, columns).values()]
        print(f"| ms of CPU per megapixel | {rows}×{columns} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
