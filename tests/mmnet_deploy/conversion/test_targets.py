"""The names of converted files, and what they do not replace."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from mmnet_deploy import conversion
from mmnet_deploy.conversion import Options
from mmnet_deploy.conversion.targets import target
from mmnet_deploy.errors import OutputError, UsageError
from mmnet_deploy.files import sha256
from mmnet_deploy.networks import network
from mmnet_deploy.tflite.card import describe
from tests.support.networks import conv, converted_network
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


def test_a_network_of_another_name_is_not_overwritten(tmp_path, tiny_run, portraits):
    """The same weights are converted again; other weights need a name, or a clear word."""

    def convert(path, **options):
        (result,) = conversion.convert(
            network.load(path), ("float32",), portraits, tmp_path / "out", Options(**options)
        )
        return result.path

    other = tmp_path / "other"
    shutil.copytree(tiny_run, other)
    changed = network.load(other).model
    changed.get_layer("logits").bias.assign([0.5, -0.5])
    changed.save(other / "best.keras")
    first = convert(tiny_run)
    content = first.read_bytes()
    assert convert(tiny_run) == first
    with pytest.raises(OutputError, match=r"made from other weights .*`--name`.*`--replace`"):
        convert(other)
    assert first.read_bytes() == content
    assert convert(other, name="other").name == "other-32-float32.tflite"
    assert first.read_bytes() == content
    assert convert(other, replace=True) == first
    assert describe(first).card.weights_sha256 == sha256(other / "best.keras")


@pytest.mark.parametrize("content", [b"", b"text", "foreign"])
def test_what_convert_did_not_make_is_not_overwritten(tmp_path, tiny_run, portraits, content):
    """A file without our description, of whatever kind, stays; nothing is converted."""
    path = tmp_path / "tiny-1.0-32-float32.tflite"
    if content == "foreign":
        content = converted_network(lambda image: conv(1)(image))
    path.write_bytes(content)
    for precisions in (("float32",), ("float16", "float32")):
        with pytest.raises(OutputError, match="`convert` did not make it: `--name`"):
            conversion.convert(network.load(tiny_run), precisions, portraits, tmp_path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == content


def test_a_folder_of_a_files_name_is_found_first(tmp_path, tiny_run, portraits):
    """Nothing is converted that could not be written."""
    (tmp_path / "tiny-1.0-32-float32.tflite").mkdir()
    with pytest.raises(OutputError, match="it is a folder"):
        conversion.convert(network.load(tiny_run), ("float32",), portraits, tmp_path)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "x" * 200])
def test_a_name_is_part_of_a_file_name_only(name):
    """What could lead elsewhere, or is no name, is wrong usage."""
    with pytest.raises(UsageError, match="`name` must be letters"):
        Options(name=name).check(("float32",))
