"""What layers are called."""

import pytest

from mmnet_deploy.tflite import layer_names


def test_layers_have_names_that_people_use():
    """The scope of the network, the operation, what was fused and the number of the call go."""
    names = {
        "net_1/stem_relu_1/Relu6;net_1/stem_1/convolution": "stem_relu",
        "net_1/enc0_norm_1/batchnorm/mul_1": "enc0_norm",
        "net_1/double_1/resize/ResizeBilinear": "double",
        "net_1/block_1/conv_1/convolution": "block_1/conv",
        "PartitionedCall:0": "PartitionedCall:0",
        "matte": "matte",
    }
    assert layer_names.short_names(names) == names


def test_numbers_that_tell_layers_apart_stay():
    """An ending goes only where every layer has it."""
    names = {
        "net/conv_1/convolution": "conv_1",
        "net/conv_2/convolution": "conv_2",
        "net/conv/convolution": "conv",
    }
    assert layer_names.short_names(names) == names
    assert layer_names.short_names([]) == {}


@pytest.mark.parametrize("width", [5, 8, 26])
def test_long_names_keep_both_ends(width):
    """The block is at the front of a name, and the role at its end."""
    name = "encoder_block_number_twelve_relu"
    short = layer_names.shortened(name, width)
    assert len(short) == width
    assert (short[0], short[-1]) == ("e", "u")
    assert "…" in short
    assert layer_names.shortened(name, 99) == name
