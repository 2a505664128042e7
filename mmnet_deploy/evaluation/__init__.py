"""How wrong a model's mattes are on a split, how sure that is, and watching a training."""

from mmnet_deploy.evaluation.scoring import data_sha256, evaluate, worst

__all__ = ["data_sha256", "evaluate", "worst"]
