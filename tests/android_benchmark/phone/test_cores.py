"""Core masks are derived from the phone, never assumed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark.phone.cores import CoresError, chosen, mask

SNAPDRAGON_820 = {0: 1593600, 1: 1593600, 2: 2150400, 3: 2150400}

frequencies = st.dictionaries(st.integers(0, 15), st.sampled_from((1000, 1500, 2000)), min_size=1)


@pytest.mark.parametrize(
    ("cores", "expected"),
    [("big", "c"), ("little", "3"), ("all", "f"), ("0c", "c"), ("0x8", "8"), ("F", "f")],
)
def test_masks_of_a_snapdragon_820(cores, expected):
    """Its fast pair is 2 and 3, so the mask is c."""
    assert mask(chosen(cores, SNAPDRAGON_820)) == expected


def test_the_mask_that_everybody_copies_names_no_core_here():
    """`taskset f0` is refused before it runs on whatever core the system likes."""
    with pytest.raises(CoresError, match=r"which has 0, 1, 2, 3\. Received: f0, cores 4, 5, 6, 7"):
        chosen("f0", SNAPDRAGON_820)


@pytest.mark.parametrize("cores", ["", "large", "0x", "-1", "c c", "0"])
def test_what_is_no_mask_is_refused(cores):
    """Neither words, nor signs, nor a mask without a core."""
    with pytest.raises(CoresError, match="`--cores` must"):
        chosen(cores, SNAPDRAGON_820)


def test_a_phone_that_hides_its_cores_needs_a_mask():
    """Nothing is guessed."""
    with pytest.raises(CoresError, match="needs a mask"):
        chosen("big", {})


@given(frequencies)
def test_big_and_little_are_the_fastest_and_the_slowest(khz):
    """No other core is faster or slower; where all are alike, both mean all."""
    big, little = chosen("big", khz), chosen("little", khz)
    assert {khz[core] for core in big} == {max(khz.values())}
    assert {khz[core] for core in little} == {min(khz.values())}
    assert chosen("all", khz) == tuple(sorted(khz))


@given(frequencies, st.data())
def test_a_mask_means_the_cores_it_was_made_of(khz, data):
    """Reading a mask back gives the same cores."""
    cores = tuple(sorted(data.draw(st.sets(st.sampled_from(sorted(khz)), min_size=1))))
    assert chosen(mask(cores), khz) == cores
