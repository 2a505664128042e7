"""A program that trains the tiny network: `tiny_worker.py DATA RUN [FIELD=VALUE …] [resume]`.

For tests that need another backend, or several processes.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import conftest

from mmnet_deploy import training
from mmnet_deploy.errors import MmnetDeployError
from mmnet_deploy.runs.recipe_file import override


def main(root: str, folder: str, *words: str) -> None:
    changes = dict(override(word) for word in words if "=" in word)
    config = conftest.tiny_config(Path(root), **changes)
    training.train(config, Path(folder), resume="resume" in words)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except MmnetDeployError as error:
        sys.exit(str(error))
