"""Compose portraits for the bundled networks: persons before other backgrounds.

    python tools/compose_portraits.py aim500/train aim500/backgrounds composed --count 8000

Persons are those of a data set with soft mattes and those of the synthetic generator; backgrounds
are photographs of anything but persons, and drawn ones. `composed/train` has pictures with their
true mattes, `composed/whole` the pictures of the data set before their own backgrounds, and
`composed/photos` crops of the photographs as they are, of which a teacher knows what is the
foreground. The same numbers give the same pictures.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import arguments
import cv2
import numpy as np
import scene
import silhouette

from mmnet_deploy.errors import MmnetDeployError, UsageError
from mmnet_deploy.portraits import dataset, foreground, pictures, synthetic

DRAWN_SIZE = 352
"""Side in pixels at which a synthetic person is drawn, before it is cut."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How many portraits, and of what.

    `drawn_share` of the portraits show persons of the generator; `own_share` of the others show
    persons before what they were photographed before.
    """

    count: int
    drawn_share: float
    own_share: float


@functools.lru_cache(maxsize=128)
def _person(image: Path, mask: Path) -> tuple[scene.Image, scene.Image, scene.Image]:
    """Picture, foreground colours and matte of one person."""
    picture, matte = (
        scene.limited(read(path))
        for read, path in ((pictures.read_image, image), (pictures.read_mask, mask))
    )
    matte = cv2.resize(matte, picture.shape[1::-1], interpolation=cv2.INTER_AREA)
    if matte.max() <= 127:
        raise UsageError(
            f"A mask must show a person, in values above 127. Received: {mask}, whose largest is "
            f"{matte.max()}."
        )
    return picture, foreground.estimate(picture, matte), matte


def portrait(
    persons: list[tuple[Path, Path]], photos: list[Path], plan: Plan, seed: int, index: int
) -> tuple[scene.Image, scene.Image]:
    """Picture `index` and its matte."""
    rng = np.random.default_rng([seed, index])
    if rng.random() < 1 - plan.drawn_share:
        # One after the other, so that the colours of each are estimated once.
        picture, colours, matte = _person(*persons[index * len(persons) // plan.count])
        box, angle = silhouette.box_of_person(matte, rng), rng.normal(0, 6)
        if rng.random() < plan.own_share:
            # Upright: the corners of a turned box would lie outside of the picture.
            box = silhouette.inside(box, picture)
            composed, alpha = scene.cropped(
                [scene.scaled(layer) for layer in (picture, matte)], box, 0.0
            )
        else:
            box = silhouette.within(box, matte, angle)
            fore, alpha = scene.cropped(
                [scene.scaled(layer) for layer in (colours, matte)], box, angle
            )
            composed, alpha = scene.before(fore, alpha, 0.5, photos, rng)
    else:
        drawn = [scene.scaled(layer) for layer in synthetic.person(seed, index, DRAWN_SIZE)]
        fore, alpha = scene.cropped(drawn, silhouette.box_of_drawn(drawn[1], rng), 0.0)
        composed, alpha = scene.before(fore, alpha, 0.7, photos, rng)
    if rng.random() < 0.5:
        composed, alpha = composed[:, ::-1], alpha[:, ::-1]
    return scene.camera(np.ascontiguousarray(composed), np.ascontiguousarray(alpha), rng)


def whole(
    persons: list[tuple[Path, Path]], seed: int, index: int
) -> tuple[scene.Image, scene.Image]:
    """Picture `index` of the data set before its own background, all or most of it."""
    rng = np.random.default_rng([seed, index, 2])
    picture, _, matte = _person(*persons[index % len(persons)])
    size = np.array(picture.shape[1::-1]) * rng.uniform(0.8, 1.0, 2)
    corner = rng.uniform(0, 1, 2) * (picture.shape[1::-1] - size)
    layers = [scene.scaled(layer) for layer in (picture, matte)]
    image, alpha = scene.cropped(layers, np.concatenate([corner, size]), 0.0)
    if rng.random() < 0.5:
        image, alpha = image[:, ::-1], alpha[:, ::-1]
    return scene.camera(np.ascontiguousarray(image), np.ascontiguousarray(alpha), rng)


def photograph(photos: list[Path], seed: int, index: int) -> scene.Image:
    """A crop of a photograph as it is."""
    rng = np.random.default_rng([seed, index, 1])
    part = scene.crop_of(scene.photograph(photos[rng.integers(len(photos))]), rng)
    return scene.camera(np.ascontiguousarray(part), part[..., 0], rng)[0]


def _write(
    out: Path,
    persons: list[tuple[Path, Path]],
    photos: list[Path],
    plan: Plan,
    seed: int,
    index: int,
) -> None:
    _save_pair(out / "train", index, *portrait(persons, photos, plan, seed, index))


def _write_whole(out: Path, persons: list[tuple[Path, Path]], seed: int, index: int) -> None:
    _save_pair(out / "whole", index, *whole(persons, seed, index))


def _write_photograph(out: Path, photos: list[Path], seed: int, index: int) -> None:
    _save(out / "photos" / f"{index:05d}.png", photograph(photos, seed, index)[..., ::-1])


def _save_pair(split: Path, index: int, image: scene.Image, matte: scene.Image) -> None:
    _save(split / "image" / f"{index:05d}.png", image[..., ::-1])
    _save(split / "mask" / f"{index:05d}.png", matte)


def _save(path: Path, picture: scene.Image) -> None:
    if not cv2.imwrite(str(path), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1]):
        raise SystemExit(f"Cannot write {path}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("persons", type=Path, help="split of a data set: image/ and mask/")
    parser.add_argument("photographs", type=Path, help="folder of pictures without persons")
    parser.add_argument("out", type=Path, help="new folder")
    parser.add_argument("--count", type=arguments.count, default=8000, help="number of portraits")
    parser.add_argument(
        "--whole", type=arguments.count, default=600, help="number of whole pictures"
    )
    parser.add_argument(
        "--photos", type=arguments.count, default=2000, help="number of crops of photographs"
    )
    parser.add_argument(
        "--drawn-share",
        type=arguments.share,
        default=0.45,
        help="share of persons drawn by the generator",
    )
    parser.add_argument(
        "--own-share",
        type=arguments.share,
        default=0.2,
        help="share of persons before their own background",
    )
    parser.add_argument("--seed", type=arguments.count, default=0)
    parser.add_argument("--processes", type=arguments.positive, default=1)
    options = parser.parse_args()
    if options.out.exists() and any(options.out.iterdir()):
        parser.error(f"OUT must be a new folder. Received: {options.out}, which has content.")
    try:
        _compose(options)
    except MmnetDeployError as error:
        raise SystemExit(f"Error: {error}") from error


def _compose(options: argparse.Namespace) -> None:
    split = options.persons.resolve()
    persons = [(pair.image, pair.mask) for pair in dataset.find_pairs(split.parent, split.name)]
    photos = pictures.pictures_in(options.photographs)
    if not photos:
        raise SystemExit(f"Error: {options.photographs} must have pictures.")
    for folder in ("train/image", "train/mask", "whole/image", "whole/mask", "photos"):
        (options.out / folder).mkdir(parents=True)
    plan = Plan(options.count, options.drawn_share, options.own_share)
    one = functools.partial(_write, options.out, persons, photos, plan, options.seed)
    other = functools.partial(_write_photograph, options.out, photos, options.seed)
    third = functools.partial(_write_whole, options.out, persons, options.seed)
    cv2.setNumThreads(1)
    with ProcessPoolExecutor(options.processes) as executor:
        for _ in executor.map(one, range(options.count), chunksize=50):
            pass
        for _ in executor.map(third, range(options.whole), chunksize=50):
            pass
        for _ in executor.map(other, range(options.photos), chunksize=50):
            pass


if __name__ == "__main__":
    main()
