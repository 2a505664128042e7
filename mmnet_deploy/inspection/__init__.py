"""What a `.tflite` file is, what makes it slow, and where quantization errors arise."""

from mmnet_deploy.inspection.delegates import Gpu, Refusal, grouped
from mmnet_deploy.inspection.facts import Arithmetic, Delegation, End, Inspection, to_json
from mmnet_deploy.inspection.look import inspect

__all__ = [
    "Arithmetic",
    "Delegation",
    "End",
    "Gpu",
    "Inspection",
    "Refusal",
    "grouped",
    "inspect",
    "to_json",
]
