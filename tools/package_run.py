"""Add the best network of a run to the bundled networks.

    python tools/package_run.py runs/mmnet-1.0-256 mmnet-1.0-256

Its `sources.json` must be there already: what the weights were made of, which may be nothing whose
licence forbids to give them away. This script cannot check it.
The folder gets the configuration, without paths of this computer, and the network, deflated and
with its weights rounded to float16, as a float16 file would have them.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np

from mmnet_deploy.downloads import published
from mmnet_deploy.runs import pretrained
from mmnet_deploy.runs.run import Run

FOLDER = Path(pretrained.__file__).parent / "pretrained_runs"
# The date of every file in the archive, so that the same weights give the same bytes.
DATE = (2000, 1, 1, 0, 0, 0)


def package(source: Run, target: Run) -> None:
    """Write `target` from `source`."""
    if not (target.folder / pretrained.SOURCES).is_file():
        raise SystemExit(f"Write {target.folder / pretrained.SOURCES} first.")
    config = source.read_config()
    paths = dict.fromkeys(("data", "initial_weights", "backgrounds", "teacher", "unlabelled"), "")
    if config.imported_from:
        known = published.by_sha256(config.imported_sha256)
        if known is None:
            raise SystemExit(f"{config.imported_from} is not a published network.")
        paths["imported_from"] = known.argument
        # Files that are converted are called after it, apart from those of the network itself.
        paths["family"] = target.folder.name.rpartition("-")[0]
    target.write_config(dataclasses.replace(config, **paths))
    network = keras.saving.load_model(source.weights(), compile=False)
    network.set_weights([weight.astype(np.float16) for weight in network.get_weights()])
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.keras"
        network.save(plain)
        with (
            zipfile.ZipFile(plain) as read,
            zipfile.ZipFile(target.best, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as written,
        ):
            for name in sorted(read.namelist()):
                entry = zipfile.ZipInfo(name, DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                written.writestr(entry, read.read(name), compresslevel=9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("name", help="name of its operating point")
    options = parser.parse_args()
    target = Run(FOLDER / options.name)
    package(Run(options.run), target)
    print(f"{target.best}: {target.best.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
