"""Draw the pictures of the guide from synthetic portraits and a bundled network.

    python tools/docs_pictures.py [--rendered composed/train]

Writes docs/portraits.png, docs/worst.png, docs/predicted.png and docs/layers.svg, the last
three by the commands that the guide shows. Needs the packages of the extra `convert`. Given a split
that `tools/compose_portraits.py` made of rendered persons, it writes docs/rendered.png alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.portraits import dataset, pictures, synthetic

DOCS = Path(__file__).parents[1] / "docs"
SHOWN = (57, 16, 46, 3, 36, 8, 22)
SHOWN_RENDERED = (671, 1385, 2099, 2813, 3527, 2204, 1324)
SIZE = 144
SHEET_WIDTH = 1100
NETWORK = "selfie-256"


def command(*words: object) -> None:
    """Run `mmnet-deploy` with these words."""
    subprocess.run([sys.executable, "-m", "mmnet_deploy", *map(str, words)], check=True)


def shrunk(picture: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """A picture at another width, averaged by areas."""
    height = round(picture.shape[0] * width / picture.shape[1])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def write(name: str, picture: NDArray[np.uint8]) -> None:
    """Store a picture in docs/ as a PNG."""
    cv2.imwrite(str(DOCS / name), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(name, picture.shape, f"{(DOCS / name).stat().st_size / 1000:.0f} kB")


def portraits() -> None:
    """Synthetic portraits above their exact mattes."""
    pairs = [synthetic.portrait(0, index, 2 * SIZE) for index in SHOWN]
    write("portraits.png", above_mattes(pairs))


def rendered(split: Path) -> None:
    """Some portraits of a split above their mattes."""
    pairs = dataset.find_pairs(split.parent, split.name)
    shown = [pairs[index % len(pairs)] for index in SHOWN_RENDERED]
    read = [(pictures.read_image(pair.image), pictures.read_mask(pair.mask)) for pair in shown]
    write("rendered.png", above_mattes(read))


def above_mattes(pairs: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Pictures (RGB) in a row above their mattes, as BGR."""
    row = np.hstack([shrunk(picture, SIZE)[..., ::-1] for picture, _ in pairs])
    mattes = np.hstack([shrunk(matte, SIZE) for _, matte in pairs])
    return np.vstack([row, cv2.cvtColor(mattes, cv2.COLOR_GRAY2BGR)])


def of_a_network(folder: Path) -> None:
    """The worst pictures, a portrait with its matte, and the layers that int8 changes most."""
    data, models = folder / "portraits", folder / "models"
    command("dataset", "synth", data, "--count", 200, "--size", 320)
    command(
        *("convert", f"pretrained:{NETWORK}", "--precision", "int8"),
        *("--representative", data, "-o", models),
    )
    file, sheet = models / f"{NETWORK}-int8.tflite", folder / "worst.png"
    command("evaluate", file, "--data", data, "--worst", 4, "--sheet", sheet)
    write("worst.png", shrunk(cv2.imread(str(sheet)), SHEET_WIDTH))

    portrait = min((data / "test" / "image").iterdir())
    parts = []
    for kind, *more in (("side-by-side",), ("background", "--background", "#00b140")):
        matte = folder / f"{kind}.png"
        command("predict", file, portrait, "--kind", kind, *more, "-o", matte)
        parts.append(cv2.imread(str(matte)))
    row = np.hstack(parts)
    write("predicted.png", shrunk(row, row.shape[1] * 3 // 4))

    command(
        *("inspect", file, "--against", f"pretrained:{NETWORK}"),
        *("--data", data, "--plot", DOCS / "layers.svg"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rendered", type=Path, help="a split of composed portraits")
    options = parser.parse_args()
    if options.rendered:
        rendered(options.rendered)
        return
    portraits()
    with tempfile.TemporaryDirectory() as folder:
        of_a_network(Path(folder))


if __name__ == "__main__":
    main()
