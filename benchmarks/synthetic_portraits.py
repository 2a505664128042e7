"""What synthetic portraits cost, and what a network that was trained on real people makes of them.

    python benchmarks/synthetic_portraits.py [--count 200] [--size 256] [--seed 0]
        [--model mediapipe:selfie] [--backgrounds FOLDER] [--persons SPLIT]

Draws portraits on one core, files included, and prints seconds and the ratio to encoding the same
pictures as PNG, which is work of a well-known library. The aim is under 20 s for 200 pairs of
256×256.

Then a model mattes `--count` portraits: gradient error (×10⁻³), MAD and mean IoU at 800×600,
beside the gradient error of a matte of one value, by distance and other traits. The same persons
are set before a wall of one colour and, with `--backgrounds`, before real pictures, so that the
difficulty of the drawn backgrounds can be told from that of the persons: plain walls alone would
raise the score without any realism. `--persons` sets the persons of a split with mattes before the
same, such as those of `tools/render_persons.py`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from mmnet_deploy.cli.model_options import named_network
from mmnet_deploy.mattes import metrics
from mmnet_deploy.mattes.matting import Matting, open_model
from mmnet_deploy.portraits import dataset, foreground, pictures, synthetic
from mmnet_deploy.portraits.synthetic.camera import photograph
from mmnet_deploy.portraits.synthetic.people.person import Person, sample_person
from mmnet_deploy.portraits.synthetic.scene import compose

Scores = tuple[float, float, float, float]


def measure_speed(count: int, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter(), time.process_time()
        synthetic.write_dataset(Path(folder), count=count, size=size, seed=0)
        drawing_s, cpu_s = time.perf_counter() - begin[0], time.process_time() - begin[1]
        drawn = [cv2.imread(str(path)) for path in sorted(Path(folder).rglob("image/*.png"))]
    begin_s = time.process_time()
    for picture in drawn:
        cv2.imencode(".png", picture)
    encoding_s = time.process_time() - begin_s
    print(f"{count} pairs of {size}×{size}: {drawing_s:.1f} s on one core, {cpu_s:.1f} s of it CPU")
    print(f"{cpu_s / encoding_s:.1f} times what OpenCV takes to encode the pictures as PNG")
    print("aim: under 20 s for 200 pairs of 256×256\n")


def square(path: Path, size: int) -> np.ndarray:
    """The middle of a picture, float32 (size, size, 3), 0..1."""
    picture = pictures.read_image(path)
    side = min(picture.shape[:2])
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    middle = picture[top : top + side, left : left + side]
    return cv2.resize(middle, (size, size), interpolation=cv2.INTER_AREA) / np.float32(255)


def score(model: Matting, image: np.ndarray, alpha: np.ndarray) -> Scores:
    """Gradient error, that of a matte of one value (both ×10⁻³), MAD, mean IoU."""
    matte = model.matte(image)
    both = metrics.at_one_size(matte, alpha, metrics.PUBLISHED_SIZE)
    flat = metrics.at_one_size(np.zeros_like(matte), alpha, metrics.PUBLISHED_SIZE)
    return (
        1e3 * metrics.gradient_error(*both),
        1e3 * metrics.gradient_error(*flat),
        metrics.mad(*both),
        metrics.mean_iou(*both),
    )


def traits(person: Person) -> list[str]:
    """The rows of the table that a portrait counts for, besides the first."""
    unit = person.pose.unit
    limits = {"whole figure": 0.09, "half figure": 0.18, "portrait": 0.28, "close": np.inf}
    found = ["distance: " + next(name for name, limit in limits.items() if unit < limit)]
    found.append("from behind" if person.pose.back else "from before")
    found.append("hat or headphones" if person.hat != "none" or person.headphones else "no hat")
    return [*found, f"hair: {person.hair.style}"]


def photographed(
    model: Matting,
    colours: np.ndarray,
    alpha: np.ndarray,
    behind: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, Scores]:
    """Scores of one person before each background, taken by the same camera."""
    state, share, found = rng.bit_generator.state, alpha[..., None], {}
    for name, background in behind.items():
        rng.bit_generator.state = state
        image, seen = photograph(share * colours + (1 - share) * background, alpha, rng)
        truth = np.round(255 * np.clip(seen, 0, 1)).astype(np.uint8)
        found[name] = score(model, image, truth)
    return found


def measure_realism(model: Matting, count: int, size: int, seed: int, folder: Path | None) -> None:
    real = [square(path, size) for path in sorted(folder.iterdir())[:count]] if folder else []
    found: dict[str, list[Scores]] = defaultdict(list)
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        layers = compose(rng, size)
        behind = {"their own backgrounds": layers.background}
        behind["a wall of one colour"] = np.full_like(layers.background, rng.uniform(0.1, 0.9, 3))
        if real:
            behind["real pictures"] = real[index % len(real)]
        for name, scores in photographed(
            model, layers.foreground, layers.alpha, behind, rng
        ).items():
            found[f"before {name}"].append(scores)
            if name == "their own backgrounds":
                # The first child of the scene's generator draws the person (see `compose`).
                person = sample_person(np.random.default_rng([seed, index]).spawn(1)[0])
                for trait in traits(person):
                    found[trait].append(scores)
    print_scores(f"{model.file.name} on {count} portraits of series {seed}", found)


def measure_persons(
    model: Matting, split: Path, count: int, size: int, seed: int, folder: Path | None
) -> None:
    """The upper square of each picture of a split, before other backgrounds."""
    real = [square(path, size) for path in sorted(folder.iterdir())[:count]] if folder else []
    found: dict[str, list[Scores]] = defaultdict(list)
    for index, pair in enumerate(dataset.find_pairs(split.parent, split.name)[:count]):
        rng = np.random.default_rng([seed, index])
        picture, matte = pictures.read_image(pair.image), pictures.read_mask(pair.mask)
        side = min(matte.shape)
        left = (matte.shape[1] - side) // 2
        matte = matte[:side, left : left + side]
        colours = foreground.estimate(picture[:side, left : left + side], matte)
        fore, alpha = (
            cv2.resize(layer, (size, size), interpolation=cv2.INTER_AREA) / np.float32(255)
            for layer in (colours, matte)
        )
        behind = {"a wall of one colour": np.full_like(fore, rng.uniform(0.1, 0.9, 3))}
        if real:
            behind["real pictures"] = real[index % len(real)]
        for name, scores in photographed(model, fore, alpha, behind, rng).items():
            found[f"before {name}"].append(scores)
    print_scores(f"{model.file.name} on {split}", found)


def print_scores(title: str, found: dict[str, list[Scores]]) -> None:
    print(f"| {title} | n | gradient error |", end="")
    print(" a matte of one value | MAD | mean IoU | median IoU |")
    print("|---|---|---|---|---|---|---|")
    for name in sorted(found, key=lambda name: (not name.startswith("before"), name)):
        values = np.array(found[name])
        gradient, flat, mad, iou = values.mean(axis=0)
        print(f"| {name} | {len(values)} | {gradient:.2f} | {flat:.2f} | {mad:.4f} |", end="")
        print(f" {iou:.3f} | {np.median(values[:, 3]):.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0, help="the series that is matted")
    parser.add_argument("--model", default="mediapipe:selfie")
    parser.add_argument("--backgrounds", type=Path, help="a folder of pictures without people")
    parser.add_argument("--persons", type=Path, help="a split of persons with soft mattes")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    measure_speed(options.count, options.size)
    model = open_model(named_network(options.model) or Path(options.model))
    how = (options.count, options.size, options.seed, options.backgrounds)
    measure_realism(model, *how)
    if options.persons:
        measure_persons(model, options.persons, *how)


if __name__ == "__main__":
    main()
