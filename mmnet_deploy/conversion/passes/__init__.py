"""The deployment graph: the same function, less work.

Each pass rewrites one pattern of a float32 graph wherever that saves work, and changes the order
of float32 roundings only. `deploy` runs those for all precisions; `enlarge_by_phases` and
`mean_of_planes` are for some.
"""

from mmnet_deploy.conversion.passes.alpha import alpha_only
from mmnet_deploy.conversion.passes.deployment import (
    PASSES,
    deploy,
    enlarge_by_phases,
    suit_integers,
)
from mmnet_deploy.conversion.passes.phases import resize_by_phases
from mmnet_deploy.conversion.passes.pools import mean_of_planes
from mmnet_deploy.conversion.passes.transposed import transposed_by_phases

__all__ = [
    "PASSES",
    "alpha_only",
    "deploy",
    "enlarge_by_phases",
    "mean_of_planes",
    "resize_by_phases",
    "suit_integers",
    "transposed_by_phases",
]
