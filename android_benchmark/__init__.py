"""Latency under stated rules: the seam between what is measured and what measures it.

A `Device` runs a model file and returns raw samples; this computer is one, a phone
another. The package needs the standard library only.
"""

from android_benchmark.device import Device, DeviceFacts, DeviceState, Engine
from android_benchmark.measurement import Flag, Measurement, RunRules, judge, measure

__all__ = [
    "Device",
    "DeviceFacts",
    "DeviceState",
    "Engine",
    "Flag",
    "Measurement",
    "RunRules",
    "judge",
    "measure",
]
