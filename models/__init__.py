"""Keras 3 definitions of portrait-matting networks, on any Keras backend.

    network = models.build("mmnet", width_multiplier=1.0, input_size=256)
    deployed = models.inference_network(network)

A family is one module that registers its builder with `@register`. Nothing here reads
weights or writes files, and Keras is not imported before a family is asked for.
"""

from models.points import OperatingPoint, member_name, operating_points
from models.registry import (
    Family,
    Member,
    ModelError,
    Stage,
    as_pair,
    build,
    check,
    family,
    family_names,
    inference_network,
    member,
    multiply_adds,
    register,
)

__all__ = [
    "Family",
    "Member",
    "ModelError",
    "OperatingPoint",
    "Stage",
    "as_pair",
    "build",
    "check",
    "family",
    "family_names",
    "inference_network",
    "member",
    "member_name",
    "multiply_adds",
    "operating_points",
    "register",
]
