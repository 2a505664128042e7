"""TensorFlow's own analyzer of GPU compatibility, where TensorFlow is installed.

That of TensorFlow 2.21 calls every operator compatible, so it is tried on one that is not before
it is believed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re

import numpy as np

from mmnet_deploy.tflite import file_format
from mmnet_deploy.tflite.operators import constant
from mmnet_deploy.tflite.parts import Op, Tensor

_WARNING = "GPU COMPATIBILITY WARNING: "
_OPERATOR = re.compile(r"\s*Op#(\d+) ")


def version() -> str:
    """Name and version of TensorFlow, as in `tensorflow 2.21.0`; empty if it is not there."""
    try:
        if importlib.util.find_spec("tensorflow") is None:
            return ""
        return f"tensorflow {importlib.metadata.version('tensorflow')}"
    except (ImportError, ValueError):
        return ""


def knows_rules() -> bool:
    """Whether it refuses ARG_MAX, which the GPU delegate has never had."""
    picture, numbers = Tensor("picture", (1, 8, 8, 3)), Tensor("numbers", (1, 8, 8), "INT64")
    axis = constant("axis", np.array(3, np.int32))
    return bool(refused(file_format.alone(Op("ARG_MAX", [picture, axis], [numbers]))))


def refused(content: bytes) -> dict[int, str]:
    """What `tf.lite.experimental.Analyzer` says of operators, by their number.

    It looks at kinds and shapes, not at types and versions.
    """
    from tensorflow.lite.python.analyzer_wrapper import _pywrap_analyzer_wrapper

    # The public function prints, and nothing else.
    report = _pywrap_analyzer_wrapper.ModelAnalyzer(content, False, True)
    found: dict[int, str] = {}
    number = -1
    for line in report.splitlines():
        begun = _OPERATOR.match(line)
        if begun:
            number = int(begun[1])
        elif line.startswith(_WARNING) and "Subgraph#" not in line and number >= 0:
            found.setdefault(number, line.removeprefix(_WARNING).strip().rstrip("."))
        elif line.startswith("Tensors of Subgraph#0"):
            break
    return found
