"""The names of converted files."""

import dataclasses
from pathlib import Path

import pytest

from mmnet_deploy.conversion.options import Options
from mmnet_deploy.conversion.targets import target
from mmnet_deploy.errors import OutputError
from tests.support.results import card


@pytest.mark.parametrize("letter", ["k", "ü"])
def test_a_name_that_no_file_can_have_is_refused_with_the_way_out(letter):
    """A foreign network is called after its file, whose own name may be as long as any."""
    own = len("-256-float32.tflite")
    count, rest = divmod(255 - own, len(letter.encode()))
    longest = "a" * rest + letter * count
    foreign = dataclasses.replace(card(), family=longest, width_multiplier=None, graph="deploy")
    assert len(target(Path("models"), foreign, Options()).name.encode()) == 255
    foreign = dataclasses.replace(foreign, family=longest + "a")
    with pytest.raises(OutputError, match=r"at most 255 bytes\. Received: 256 bytes.*`--name`"):
        target(Path("models"), foreign, Options())
    assert target(Path("models"), foreign, Options(name="short")).name == "short-256-float32.tflite"
