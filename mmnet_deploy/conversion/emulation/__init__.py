"""A float32 graph computed in half precision, as the cores of a phone compute it.

Every operator's output is rounded to float16, and to zero below 2⁻¹⁴; convolutions, products of
matrices, average poolings, sigmoid, softmax and hard-swish also round after every step, since
XNNPACK's kernels for ARMv8.2 do. XNNPACK's own emulation on x86 adds up in float32 and understates
the error: `benchmarks/half_precision.py` compares both with these kernels.
"""

from mmnet_deploy.conversion.emulation.network import HalfPrecision

__all__ = ["HalfPrecision"]
