"""Training a network into a run folder, on any Keras backend."""

from mmnet_deploy.training.loop import check_network, last_epochs, train
from mmnet_deploy.training.pairs import chosen_pairs, hold_out, pictures_per_pass

__all__ = [
    "check_network",
    "chosen_pairs",
    "hold_out",
    "last_epochs",
    "pictures_per_pass",
    "train",
]
