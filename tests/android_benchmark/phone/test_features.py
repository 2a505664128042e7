"""What cores can compute, from texts as phones print them."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark import DeviceFacts
from android_benchmark.phone import features
from android_benchmark.phone.reading import parse_facts

V8_0 = "fp asimd evtstrm aes pmull sha1 sha2 crc32"
V8_2 = f"{V8_0} atomics fphp asimdhp"


def cpuinfo(*cores):
    """The text of /proc/cpuinfo of cores: features, implementer and part of each."""
    return "\n".join(
        f"processor\t: {number}\nBogoMIPS\t: 38.40\nFeatures\t: {names}\n"
        f"CPU implementer\t: {implementer}\nCPU architecture: 8\nCPU part\t: {part}\n"
        for number, (names, implementer, part) in enumerate(cores)
    )


KRYO = V8_0, "0x51", "0x205"
OWN_A55 = f"{V8_2} asimddp", "0x51", "0x805"
OLD_A55 = V8_0, "0x41", "0xd05"
UNKNOWN = V8_2, "0x99", "0xfff"


@pytest.mark.parametrize(
    ("cores", "half"),
    [
        ([KRYO, KRYO], False),
        ([UNKNOWN, UNKNOWN], True),
        # A program may run on any of the cores.
        ([UNKNOWN, KRYO], False),
        ([("fp asimd asimdhp", "0x99", "0x1")], False),
        # Kernels that are older than their cores.
        ([OLD_A55, OLD_A55, OWN_A55], True),
        ([OLD_A55, KRYO], False),
        ([], None),
        ([("", "0x41", "0xd05")], None),
        ([("FP; rm -rf /", "0x41", "0xd05")], None),
    ],
)
def test_half_precision_needs_every_core(cores, half):
    """Cores have fp16 arithmetic if all list it, or if all are known to have it."""
    facts = parse_facts("x", f"@mmnet:cpuinfo\n{cpuinfo(*cores)}@mmnet:files\n")
    assert facts.fp16_arithmetic is half


def test_features_are_those_that_all_cores_share():
    """Of cores that differ, only what all have is kept, in the order of the list."""
    assert features.parse(cpuinfo(KRYO, OWN_A55)) == tuple(V8_0.split())


@pytest.mark.parametrize(
    "said",
    [
        "@mmnet:properties\n[ro.board.platform]: [exynos9810]\n",
        "@mmnet:properties\n[ro.product.board]: [universal9810]\n[ro.board.platform]: [exynos5]\n",
    ],
)
def test_a_chip_whose_kernel_claims_too_much_is_known(said):
    """All cores of the Exynos 9810 claim fp16 arithmetic, and its large ones do not have it."""
    facts = parse_facts("x", f"{said}@mmnet:cpuinfo\n{cpuinfo((V8_2, '0x53', '0x002'))}")
    assert facts.fp16_arithmetic is False and "asimd" in facts.features
    hardware = f"{cpuinfo((V8_2, '0x53', '0x002'))}Hardware\t: Samsung Exynos9810\n"
    assert "asimdhp" not in features.parse(hardware)


@pytest.mark.parametrize(
    ("abi", "names", "half"),
    [
        ("x86_64", (), False),
        ("", ("avx2",), False),
        ("arm64-v8a", (), None),
        ("armeabi-v7a", ("neon", "vfpv4"), None),
        ("armeabi-v7a", ("neon", "fphp", "asimdhp"), True),
    ],
)
def test_other_processors(abi, names, half):
    """XNNPACK computes in float16 on ARM alone, and a 32-bit program may not know it."""
    facts = dataclasses.replace(DeviceFacts("x", "x", "x", 4, "x"), abi=abi, features=names)
    assert facts.fp16_arithmetic is half


@given(st.text() | st.lists(st.sampled_from([*cpuinfo(KRYO, OWN_A55).splitlines(), ""])))
def test_any_text_is_read(text):
    """Whatever stands there, features are words in lower case without repetition."""
    names = features.parse(text if isinstance(text, str) else "\n".join(text))
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and name.split() == [name] for name in names)
