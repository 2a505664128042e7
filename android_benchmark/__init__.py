"""Latency under stated rules: the seam between what is measured and what measures it.

A `Device` runs a model file and returns raw samples; this computer is one, a phone
another. The package needs the standard library only.
"""

from android_benchmark.device import (
    DELEGATES,
    Computed,
    ComputingDevice,
    Device,
    DeviceFacts,
    DeviceState,
    Engine,
    OperatorTime,
    Outcome,
    Output,
    Port,
    Ports,
    Settings,
)
from android_benchmark.instructions import InstructionCounts
from android_benchmark.measurement import Flag, Measurement, Statistics, judge, measure
from android_benchmark.rules import PRESETS, RunRules

__all__ = [
    "DELEGATES",
    "PRESETS",
    "Computed",
    "ComputingDevice",
    "Device",
    "DeviceFacts",
    "DeviceState",
    "Engine",
    "Flag",
    "InstructionCounts",
    "Measurement",
    "OperatorTime",
    "Outcome",
    "Output",
    "Port",
    "Ports",
    "RunRules",
    "Settings",
    "Statistics",
    "judge",
    "measure",
]
