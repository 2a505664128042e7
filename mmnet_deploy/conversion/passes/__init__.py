"""The deployment graph: the same function, less work.

Each pass rewrites one pattern of a float32 graph wherever that saves multiply-adds, and
changes the order of float32 roundings only. `deploy` runs all of them but `resize_by_phases` and
`mean_of_planes`, which is for graphs that TensorFlow's converter did not make.
"""

from mmnet_deploy.conversion.passes.alpha import alpha_only
from mmnet_deploy.conversion.passes.deployment import PASSES, deploy
from mmnet_deploy.conversion.passes.phases import resize_by_phases
from mmnet_deploy.conversion.passes.pools import mean_of_planes

__all__ = ["PASSES", "alpha_only", "deploy", "mean_of_planes", "resize_by_phases"]
