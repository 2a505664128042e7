"""How wrong the mattes of a model are on a split, how sure that is, and who follows a training."""

from mmnet_deploy.evaluation.scoring import Matting, evaluate, worst

__all__ = ["Matting", "evaluate", "worst"]
