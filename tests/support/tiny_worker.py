"""A program that trains the tiny network: `tiny_worker.py DATA RUN [FIELD=VALUE …] [resume]`.

For tests that need another backend, or several processes.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
# Another backend does without TensorFlow, which Keras would load nevertheless, for seconds.
if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
    sys.modules["tensorflow"] = None

import conftest

from mmnet_deploy import training
from mmnet_deploy.errors import MmnetDeployError
from mmnet_deploy.runs.recipe_file import override
from mmnet_deploy.training import workers

# A worker that was killed on purpose is not waited for as long as one that may be slow.
workers.SHUTDOWN_S = 1


def main(root: str, folder: str, *words: str) -> None:
    changes = dict(override(word) for word in words if "=" in word)
    config = conftest.tiny_config(Path(root), **changes)
    training.train(config, Path(folder), resume="resume" in words)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except MmnetDeployError as error:
        sys.exit(str(error))
