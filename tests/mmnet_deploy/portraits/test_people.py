"""The persons of synthetic portraits: every pose can be drawn, and all kinds of poses occur."""

import dataclasses

import numpy as np
import pytest

from mmnet_deploy.portraits.synthetic.people.figure import draw_person
from mmnet_deploy.portraits.synthetic.people.lighting import sample_light
from mmnet_deploy.portraits.synthetic.people.person import sample_person

_POSES = [{"back": True}, {"yaw": 1.25}, {"yaw": -0.8}, {"unit": 0.05, "head": (0.5, 0.2)}] + [
    {"unit": 0.1, "arms": way} for way in ("down", "hips", "folded", "front", "wide", "up")
]


@pytest.mark.parametrize("pose", _POSES, ids=str)
@pytest.mark.parametrize("arm", ["none", "selfie"])
def test_a_person_is_drawn_in_every_pose(pose, arm):
    """The layer is premultiplied: no colour is above its alpha, nor outside 0 to 1."""
    rng = np.random.default_rng([4, len(str(pose))])
    described = sample_person(rng)
    described = dataclasses.replace(
        described, arm=arm, pose=dataclasses.replace(described.pose, **pose)
    )
    layer = draw_person(described, sample_light(rng), rng, 48)
    assert layer.shape == (48, 48, 4) and np.isfinite(layer).all()
    assert layer.min() >= 0 and layer[..., 3].max() > 0.99
    assert (layer[..., :3] <= layer[..., 3:] + 1e-3).all()


def test_people_stand_near_and_far():
    """Close selfies, half and whole figures, backs and profiles are drawn, none mostly."""
    poses = [sample_person(np.random.default_rng([5, index])).pose for index in range(200)]
    shares = {
        "close": np.mean([pose.unit > 0.33 for pose in poses]),
        "half": np.mean([0.09 < pose.unit < 0.18 for pose in poses]),
        "whole": np.mean([pose.unit < 0.09 for pose in poses]),
        "back": np.mean([pose.back for pose in poses]),
        "aside": np.mean([abs(pose.yaw) > 0.6 for pose in poses]),
    }
    assert all(0.01 < share < 0.4 for share in shares.values()), shares
