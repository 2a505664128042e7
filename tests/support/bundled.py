"""A bundled network that converts in no time, for tests that do not look at its mattes."""

import dataclasses
import shutil
from pathlib import Path

from mmnet_deploy.runs import pretrained
from mmnet_deploy.runs.run import Run


def with_weights_of(run: Path, folder: Path, name: str) -> Path:
    """A folder of bundled networks, made anew, for `pretrained._FOLDER`.

    Args:
        run: A finished run, whose weights the one network in it has; all else is a bundled one's.
        name: Of the network; it ends in its input size.
    """
    shutil.copytree(pretrained.run_folder(pretrained.names()[0]), folder / name)
    shutil.copy(run / "best.keras", folder / name)
    config = dataclasses.replace(Run(run).read_config(), data="")
    Run(folder / name).write_config(config)
    return folder
