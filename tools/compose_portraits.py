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
import silhouette
from numpy.typing import NDArray

from mmnet_deploy.errors import MmnetDeployError, UsageError
from mmnet_deploy.portraits import dataset, foreground, pictures, synthetic
from mmnet_deploy.portraits.synthetic.background import draw_background

SIZE = 256
"""Height and width in pixels of what is written."""

DRAWN_SIZE = 352
"""Side in pixels at which a synthetic person is drawn, before it is cut."""

KEPT_SIDE = 720
"""Shorter side in pixels at which persons and photographs are kept in memory."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How many portraits, and of what.

    `drawn_share` of the portraits show persons of the generator; `own_share` of the others show
    persons before what they were photographed before.
    """

    count: int
    drawn_share: float
    own_share: float


Image = NDArray[np.uint8]
Layer = NDArray[np.float32]


@functools.lru_cache(maxsize=128)
def _person(image: Path, mask: Path) -> tuple[Image, Image, Image]:
    """Picture, foreground colours and matte of one person."""
    picture, matte = (_limited(read(path)) for read, path in ((_rgb, image), (_grey, mask)))
    matte = cv2.resize(matte, picture.shape[1::-1], interpolation=cv2.INTER_AREA)
    if matte.max() <= 127:
        raise UsageError(
            f"A mask must show a person, in values above 127. Received: {mask}, whose largest is "
            f"{matte.max()}."
        )
    return picture, foreground.estimate(picture, matte), matte


@functools.lru_cache(maxsize=512)
def _photograph(path: Path) -> Image:
    return _limited(_rgb(path))


def _rgb(path: Path) -> Image:
    return pictures.read_image(path)


def _grey(path: Path) -> Image:
    return pictures.read_mask(path)


def _limited(picture: Image) -> Image:
    scale = min(1.0, KEPT_SIDE / min(picture.shape[:2]))
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _cropped(layers: list[Layer], box: NDArray[np.float64], angle: float) -> list[Layer]:
    """The same turned box (left, top, width, height) of each, SIZE by SIZE, black outside."""
    left, top, width, height = box
    middle = (left + width / 2, top + height / 2)
    turn = cv2.getRotationMatrix2D(middle, angle, 1.0)
    corners = np.array([[left, top, 1], [left + width, top, 1], [left, top + height, 1]])
    source = (corners @ turn.T).astype(np.float32)
    target = np.array([[0, 0], [SIZE, 0], [0, SIZE]], np.float32)
    # Twice the size first, then by area: a photograph shrunk by a warp alone has aliases.
    warp = cv2.getAffineTransform(source, 2 * target)
    return [
        cv2.resize(
            cv2.warpAffine(layer, warp, (2 * SIZE, 2 * SIZE), flags=cv2.INTER_LINEAR),
            (SIZE, SIZE),
            interpolation=cv2.INTER_AREA,
        )
        for layer in layers
    ]


def _crop_of(picture: Image, rng: np.random.Generator, least: float = 0.5) -> Layer:
    """A random part of a photograph, SIZE by SIZE, in 0 … 1; `least` of its shorter side."""
    height, width = picture.shape[:2]
    side = min(height, width) * rng.uniform(least, 1.0)
    aspect = rng.uniform(0.85, 1.2)
    size = np.minimum([side * aspect, side], [width, height])
    corner = rng.uniform(0, 1, 2) * (np.array([width, height]) - size)
    part = _cropped([_scaled(picture)], np.concatenate([corner, size]), 0.0)[0]
    return part[:, ::-1] if rng.random() < 0.5 else part


def _scaled(picture: Image) -> Layer:
    return (picture / np.float32(255)).astype(np.float32)


def _camera(picture: Layer, matte: Layer, rng: np.random.Generator) -> tuple[Image, Image]:
    """Exposure, colour, blur, noise and compression; only blur touches the matte."""
    if rng.random() < 0.25:
        sigma = rng.uniform(0.3, 1.2)
        picture, matte = (cv2.GaussianBlur(layer, (0, 0), sigma) for layer in (picture, matte))
    gain = 1 + rng.normal(0, 0.05, 3) * (rng.random() < 0.6)
    picture = picture * (gain * rng.uniform(0.8, 1.2)).astype(np.float32)
    picture = np.clip(picture + np.float32(rng.normal(0, 0.03)), 0, 1)
    picture = picture ** np.float32(rng.uniform(0.8, 1.25))
    if rng.random() < 0.07:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    noise = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.gamma(1.5, 0.006))
    image = np.rint(np.clip(picture + noise, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 96))]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
    return image, np.rint(np.clip(matte, 0, 1) * 255).astype(np.uint8)


def _behind(photos: list[Path], rng: np.random.Generator) -> Layer:
    """A background, drawn or photographed, blurred in some pictures as a lens would."""
    if rng.random() < 0.3:
        return draw_background(rng, SIZE)
    back = _crop_of(_photograph(photos[rng.integers(len(photos))]), rng, least=0.25)
    if rng.random() < 0.45:
        back = cv2.GaussianBlur(back, (0, 0), rng.uniform(0.5, 5.0))
    return back


def _light(fore: Layer, matte: Layer, back: Layer, rng: np.random.Generator) -> Layer:
    """The foreground's colours moved towards the mean colour of its new background."""
    seen = matte > 0.5
    if not seen.any():
        return fore
    share = rng.uniform(0.0, 0.4)
    ratio = (back.mean(axis=(0, 1)) + 0.1) / (fore[seen].mean(axis=0) + 0.1)
    return np.clip(fore * (ratio**share).astype(np.float32), 0, 1)


def _dressed(fore: Layer, matte: Layer, photos: list[Path], rng: np.random.Generator) -> Layer:
    """The same person in other clothes: a photograph's texture in the person's light and shade."""
    cloth = _crop_of(_photograph(photos[rng.integers(len(photos))]), rng, least=0.15)
    if rng.random() < 0.4:
        cloth = cv2.GaussianBlur(cloth, (0, 0), rng.uniform(1.0, 8.0))
    grey = cloth.mean(axis=2, keepdims=True)
    cloth = grey + (cloth - grey) * np.float32(rng.uniform(0.0, 1.0))
    cloth = np.clip(cloth * rng.uniform(0.4, 1.6, 3).astype(np.float32), 0, 1)
    below = np.arange(SIZE) - silhouette.neck(matte) - rng.uniform(0, 0.06) * SIZE
    share = np.clip(below / (0.05 * SIZE) + 0.5, 0, 1).astype(np.float32)[:, None, None]
    clothes = share[..., 0] * matte > 0.5
    if not clothes.any():
        return fore
    light = fore.mean(axis=2, keepdims=True)
    shade = (light + 0.1) / (light[clothes].mean() + 0.1)
    dressed = np.clip(cloth * shade ** np.float32(rng.uniform(0.3, 1.0)), 0, 1)
    return fore + share * (dressed - fore)


def _before_another(
    fore: Layer, alpha: Layer, dressed_share: float, photos: list[Path], rng: np.random.Generator
) -> Layer:
    """The person before another background, in `dressed_share` of the pictures in other clothes."""
    if rng.random() < dressed_share:
        fore = _dressed(fore, alpha, photos, rng)
    back = _behind(photos, rng)
    fore = _light(fore, alpha, back, rng)
    return alpha[..., None] * fore + (1 - alpha[..., None]) * back


def portrait(
    persons: list[tuple[Path, Path]], photos: list[Path], plan: Plan, seed: int, index: int
) -> tuple[Image, Image]:
    """Picture `index` and its matte."""
    rng = np.random.default_rng([seed, index])
    if rng.random() < 1 - plan.drawn_share:
        # One after the other, so that the colours of each are estimated once.
        picture, colours, matte = _person(*persons[index * len(persons) // plan.count])
        box, angle = silhouette.box_of_person(matte, rng), rng.normal(0, 6)
        if rng.random() < plan.own_share:
            # Upright: the corners of a turned box would lie outside of the picture.
            box = silhouette.inside(box, picture)
            composed, alpha = _cropped([_scaled(layer) for layer in (picture, matte)], box, 0.0)
        else:
            box = silhouette.within(box, matte, angle)
            fore, alpha = _cropped([_scaled(layer) for layer in (colours, matte)], box, angle)
            composed = _before_another(fore, alpha, 0.5, photos, rng)
    else:
        drawn = [_scaled(layer) for layer in synthetic.person(seed, index, DRAWN_SIZE)]
        fore, alpha = _cropped(drawn, silhouette.box_of_drawn(drawn[1], rng), 0.0)
        composed = _before_another(fore, alpha, 0.7, photos, rng)
    if rng.random() < 0.5:
        composed, alpha = composed[:, ::-1], alpha[:, ::-1]
    return _camera(np.ascontiguousarray(composed), np.ascontiguousarray(alpha), rng)


def whole(persons: list[tuple[Path, Path]], seed: int, index: int) -> tuple[Image, Image]:
    """Picture `index` of the data set before its own background, all or most of it."""
    rng = np.random.default_rng([seed, index, 2])
    picture, _, matte = _person(*persons[index % len(persons)])
    size = np.array(picture.shape[1::-1]) * rng.uniform(0.8, 1.0, 2)
    corner = rng.uniform(0, 1, 2) * (picture.shape[1::-1] - size)
    layers = [_scaled(layer) for layer in (picture, matte)]
    image, alpha = _cropped(layers, np.concatenate([corner, size]), 0.0)
    if rng.random() < 0.5:
        image, alpha = image[:, ::-1], alpha[:, ::-1]
    return _camera(np.ascontiguousarray(image), np.ascontiguousarray(alpha), rng)


def photograph(photos: list[Path], seed: int, index: int) -> Image:
    """A crop of a photograph as it is."""
    rng = np.random.default_rng([seed, index, 1])
    part = _crop_of(_photograph(photos[rng.integers(len(photos))]), rng)
    return _camera(np.ascontiguousarray(part), part[..., 0], rng)[0]


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


def _save_pair(split: Path, index: int, image: Image, matte: Image) -> None:
    _save(split / "image" / f"{index:05d}.png", image[..., ::-1])
    _save(split / "mask" / f"{index:05d}.png", matte)


def _save(path: Path, picture: Image) -> None:
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
