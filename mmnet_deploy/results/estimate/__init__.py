"""Milliseconds on a phone, estimated from a count of instructions: a proportional model.

    latency = slope · instructions

It is fitted on models whose latency on that phone and whose count are both known. Affine and
power laws, and weights by class of instruction, predicted left-out points worse
(`benchmarks/latency_estimate.py`).
"""

from mmnet_deploy.results.estimate.fitting import fit, left_out_errors, pair, slope
from mmnet_deploy.results.estimate.prediction import LatencyEstimate, NoEstimateError, estimate
from mmnet_deploy.results.estimate.profile import (
    DEFAULT,
    PROFILES,
    LatencyProfile,
    load_profile,
    save_profile,
)

__all__ = (
    "DEFAULT",
    "PROFILES",
    "LatencyEstimate",
    "LatencyProfile",
    "NoEstimateError",
    "estimate",
    "fit",
    "left_out_errors",
    "load_profile",
    "pair",
    "save_profile",
    "slope",
)
