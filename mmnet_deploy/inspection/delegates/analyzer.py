"""TensorFlow's own analyzer of GPU compatibility, where TensorFlow is installed.

That of TensorFlow 2.21 calls every operator compatible, so it is tried on one that is not before
it is believed.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import re

import numpy as np

from mmnet_deploy.tflite import file_format
from mmnet_deploy.tflite.graph import Graph
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
    """Whether it refuses ARG_MAX, which the GPU delegate has never had.

    False, too, where TensorFlow cannot be imported, or has moved its analyzer.
    """
    picture, numbers = Tensor("picture", (1, 8, 8, 3)), Tensor("numbers", (1, 8, 8), "INT64")
    axis = constant("axis", np.array(3, np.int32))
    try:
        return bool(_refused(file_format.alone(Op("ARG_MAX", [picture, axis], [numbers]))))
    except (ImportError, AttributeError, TypeError):
        return False


def refused(content: bytes) -> dict[str, str]:
    """What `tf.lite.experimental.Analyzer` says of operators, by the name of their first output.

    It looks at kinds and shapes, not at types and versions. Where it is mistaken it is not heard:
    it takes float16 weights, which the delegate unpacks itself, for values that are computed, and
    cannot read the options of custom operators.
    """
    graph = Graph.from_bytes(content)
    for op in list(graph.ops):
        source = op.inputs[0] if op.kind == "DEQUANTIZE" and op.inputs else None
        if source is not None and source.data is not None and source.dtype == "FLOAT16":
            graph.replace_tensor(op.output, dataclasses.replace(source, name=op.output.name))
            graph.remove(op)
    found = _refused(graph.to_bytes())
    said = {graph.ops[number]: reason for number, reason in found.items()}
    return {op.name: reason for op, reason in said.items() if not op.is_custom}


def _refused(content: bytes) -> dict[int, str]:
    """What the analyzer says, by the number of the operator."""
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
