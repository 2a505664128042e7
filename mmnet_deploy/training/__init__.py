"""Training a network into a run folder, on any Keras backend."""

from mmnet_deploy.training.loop import (
    check_network,
    chosen_pairs,
    hold_out,
    last_epochs,
    train,
)

__all__ = ["check_network", "chosen_pairs", "hold_out", "last_epochs", "train"]
