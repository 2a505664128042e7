"""What is published: versions, addresses, ABIs, and what a delegate needs."""

import importlib.metadata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmnet_deploy.engines import content, releases
from mmnet_deploy.engines.releases import EngineFile
from mmnet_deploy.errors import UsageError
from tests.support.engine_server import elf

FILE = EngineFile("2.3.0", "arm64-v8a", "benchmark_model")


def test_a_file_lies_where_the_publisher_puts_it(monkeypatch):
    """Below the address of the release; a mirror has the same layout."""
    assert str(FILE.path) == "2.3.0/android_arm64/benchmark_model"
    monkeypatch.delenv("MMNET_ENGINE_URL", raising=False)
    assert releases.server() == "https://storage.googleapis.com/litert/binaries"
    monkeypatch.setenv("MMNET_ENGINE_URL", "https://mirror.example/litert/")
    assert releases.server() == "https://mirror.example/litert"


@pytest.mark.parametrize(
    "address",
    ["mirror", "file:///engines", "https://", "https://a b/", "http://[", "https://m/?a=1"],
)
def test_an_address_that_is_no_mirror_is_one_line(monkeypatch, address):
    """The line says what it must be."""
    monkeypatch.setenv("MMNET_ENGINE_URL", address)
    with pytest.raises(UsageError, match="`MMNET_ENGINE_URL` must be the address of a mirror"):
        releases.server()


@pytest.mark.parametrize("version", ["2.3.0", "2.1", "2.3.0rc1", "nightly", "latest"])
def test_versions_that_can_be(version):
    """Releases, candidates, and the two that move."""
    assert releases.checked_version(version) == version


@pytest.mark.parametrize("version", ["", "v2.3.0", "2", "../2.3.0", "2.3.0/x", "new", "２.3.0"])
def test_versions_that_cannot_be(version):
    """None of them becomes a part of an address or of a path."""
    with pytest.raises(UsageError, match="release of LiteRT such as"):
        releases.checked_version(version)


def test_of_a_nightly_runtime_the_version_must_be_said(monkeypatch):
    """It says nothing of which engine is its own."""
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.4.0.dev20260901")
    with pytest.raises(UsageError, match="which is no release"):
        releases.default_version()


def test_beside_another_runtime_a_recent_release_is_taken(monkeypatch):
    """Users of tflite-runtime measure on phones without saying a version."""

    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert releases.default_version() == releases.RECENT


def test_the_version_is_that_of_the_installed_runtime():
    """So the phone computes with the same code as this computer."""
    assert releases.default_version() == importlib.metadata.version("ai-edge-litert")


@pytest.mark.parametrize(
    ("abi", "words"),
    [
        ("x86_64", "the phone emulator-5554 runs x86_64"),
        ("armeabi-v7a", "android_arm_benchmark_model"),
        ("", "what it does not say"),
    ],
)
def test_an_abi_without_an_engine_is_one_line_with_a_way_out(abi, words):
    """It names the phone, and the option that takes another engine."""
    with pytest.raises(UsageError, match=f"arm64-v8a only.*{words}.*") as caught:
        releases.checked_abi(abi, "emulator-5554")
    assert "`bench --engine-binary`" in str(caught.value)


def test_a_delegate_gets_what_it_needs_and_nothing_else():
    """For CPUs the program alone; the vendor of the chip chooses the libraries of an NPU."""
    assert releases.needed(["cpu"]) == {"benchmark_model": True}
    gpu = {"benchmark_model", "libLiteRt.so", "libLiteRtClGlAccelerator.so", "run_model"}
    assert set(releases.needed(["cpu", "gpu"])) == gpu
    one = {"libLiteRtDispatch_Qualcomm.so", "libLiteRtCompilerPlugin_Qualcomm.so"}
    assert set(releases.needed(["npu"], "qualcomm")) == gpu | one
    assert set(releases.needed(["npu"], "")) == gpu
    assert set(releases.needed(["npu"])) == set(releases.NAMES)


@pytest.mark.parametrize(
    ("processor", "vendor"),
    [
        ("SM8550", "qualcomm"),
        ("msm8996", "qualcomm"),
        ("MT6989", "mediatek"),
        ("Tensor G4", ""),
        ("s5e9945", ""),
        ("", ""),
    ],
)
def test_the_model_of_a_chip_tells_its_vendor(processor, vendor):
    """As far as its makers name it alike."""
    assert releases.vendor_of(processor) == vendor


@given(st.text(max_size=40))
def test_only_paths_of_the_layout_are_files_of_a_release(text):
    """Whatever else lies in the cache is left alone."""
    found = releases.find(PurePosixPath(text))
    assert found is None or found.path == PurePosixPath(text)


def test_every_file_is_found_by_its_path():
    """So the list of the cache leaves none out."""
    for version in ("2.3.0", "nightly"):
        for name in releases.NAMES:
            file = EngineFile(version, "arm64-v8a", name)
            assert releases.find(file.path) == file


@given(st.binary(max_size=200))
def test_nothing_but_an_arm64_program_or_a_script_is_taken(head):
    """Whatever the bytes are: no page, and nothing for another processor."""
    taken = not content.fault(head, FILE)
    arm64 = head.startswith(b"\x7fELF\x02\x01") and head[18:20] == b"\xb7\0"
    assert taken == (head.startswith(b"#!") or (arm64 and len(head) >= 64))


@given(st.integers(min_value=1, max_value=4096))
def test_a_program_that_is_cut_off_anywhere_is_refused(lost):
    """Its table of sections, at the end, is not whole."""
    whole = elf(4096)
    assert content.fault(whole, FILE, len(whole)) == ""
    part = whole[:-lost]
    assert content.fault(part, FILE, len(part))
