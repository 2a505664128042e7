"""What a `.tflite` file is, what makes it slow, and where quantization errors arise."""

from mmnet_deploy.inspection.facts import Arithmetic, Delegation, End, Inspection, inspect, to_json

__all__ = ["Arithmetic", "Delegation", "End", "Inspection", "inspect", "to_json"]
