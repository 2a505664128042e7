"""What keeps operators from a delegate: by kind, type, shape and version, and what to do."""

from mmnet_deploy.inspection.delegates.cpu import left_by_xnnpack
from mmnet_deploy.inspection.delegates.gpu import Gpu, gpu
from mmnet_deploy.inspection.delegates.refusal import Refusal, grouped

__all__ = ["Gpu", "Refusal", "gpu", "grouped", "left_by_xnnpack"]
