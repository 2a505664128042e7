"""Which pictures a training uses."""

import pytest

from mmnet_deploy.errors import DataError
from mmnet_deploy.portraits.dataset import Pair
from mmnet_deploy.training import pairs


def test_one_pair_cannot_be_trained_on():
    """A pair to validate with is needed beside one to train on."""
    with pytest.raises(DataError, match="at least 2 pairs"):
        pairs.hold_out([Pair("a", None, None)], 0.5, 0)


def test_the_held_out_pairs_are_a_seeded_draw():
    """Every pair is in one of the parts, in its order, and another seed draws others."""
    every = [Pair(f"{number:02}", None, None) for number in range(20)]
    train, held_out = pairs.hold_out(every, 0.25, seed=3)
    assert (len(train), len(held_out)) == (15, 5)
    assert sorted([*train, *held_out], key=lambda pair: pair.name) == every
    assert (train, held_out) == pairs.hold_out(every, 0.25, seed=3)
    assert held_out != pairs.hold_out(every, 0.25, seed=4)[1]
