"""From a float32 graph to integers, without TensorFlow.

`calibrated` finds the ranges that a graph's values have on pictures, and prepares it: channels of
one tensor get the same range, biases make good what rounding does to means, and ranges become as
narrow as the matte allows. `quantize` makes integers of it: every operator has a rule there, and
what has none, or is named, stays in float32 between a DEQUANTIZE and a QUANTIZE.
"""

from mmnet_deploy.conversion.integers.calibration import Calibrated, calibrated
from mmnet_deploy.conversion.integers.equalization import equalize_like
from mmnet_deploy.conversion.integers.quantizer import quantize
from mmnet_deploy.conversion.integers.reach import require_runnable

__all__ = ["Calibrated", "calibrated", "equalize_like", "quantize", "require_runnable"]
