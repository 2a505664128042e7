"""`doctor`: what works and what to do, in words, before the table."""

import json
import os
import shutil

import pytest

from mmnet_deploy.cli.doctor import Finding, summary

EVERYTHING = (
    "tensorflow", "keras", "TFLite runtime", "adb", "benchmark_model", "tflbench",
    "emulated phone", "instruction counter",
)  # fmt: skip


def _found(*missing, coming=()):
    """Findings where all is there but what is missing, and what the first use gets."""
    return [
        Finding(what, "" if what in missing else "level 2", f"about {what}", what in coming)
        for what in EVERYTHING
    ]


def test_the_words_come_first_and_then_the_table(call):
    """What works here is said before what was found, and JSON has the findings alone."""
    lines = call("doctor").stdout.splitlines()
    assert lines[0].startswith("This computer can train networks, convert them, evaluate models")
    assert any("TFLite runtime" in line and "ai-edge-litert" in line for line in lines)
    rows = {row["what"]: row["found"] for row in json.loads(call("doctor", "--json").stdout)}
    assert set(EVERYTHING) < set(rows)
    assert rows["TFLite runtime"].startswith("ai-edge-litert")


def test_where_all_is_there_nothing_is_to_be_installed():
    """Everything can be done, and the demo is what comes next."""
    able, following = summary(_found())
    assert "measure on phones" in able and able.endswith(" and count instructions.")
    assert following == "To see every stage at work: mmnet-deploy demo"


@pytest.mark.parametrize(
    ("missing", "cannot", "advice"),
    [
        (["keras"], "train networks", "To train and convert: pip install 'mmnet-deploy[convert]'"),
        (["TFLite runtime"], "evaluate models", "To evaluate and measure: pip install"),
        (["adb"], "measure on phones", "To measure on a phone: install Android's platform-tools"),
        (["benchmark_model"], "measure on phones", "To measure on a phone: about benchmark_model"),
        (["instruction counter"], "count instructions", "about instruction counter"),
    ],
)
def test_what_is_missing_is_not_promised(missing, cannot, advice):
    """The remedy is named, and only that one."""
    able, *lines = summary(_found(*missing))
    assert cannot not in able
    assert [line for line in lines if advice in line]
    assert len([line for line in lines if "demo" not in line]) == 1


def test_what_the_first_use_gets_is_promised():
    """Engines that are downloaded by themselves count as there, and how to get them before."""
    engines = ("benchmark_model", "tflbench")
    able, coming, _ = summary(_found(*engines, coming=engines))
    assert "measure on phones, run real arm64 kernels" in able and "count instructions" in able
    assert "benchmark_model and tflbench" in coming and "engines get --for cpu,emulated" in coming


def test_without_anything_that_is_said():
    """No list of nothing."""
    assert summary(_found(*EVERYTHING))[0] == "This computer can run none of the stages yet."


def test_an_empty_cache_without_compilers_is_told_as_it_is(call, tmp_path, monkeypatch):
    """With Python, adb and qemu alone, what would be downloaded is named, and what is missing."""
    for name in ("adb", "qemu-aarch64-static"):
        if shutil.which(name) is None:
            pytest.skip(f"needs {name}")
        (tmp_path / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MMNET_CACHE", str(tmp_path / "cache"))
    for name in ("MMNET_BENCHMARK_MODEL", "MMNET_ENGINE_URL"):
        monkeypatch.delenv(name, raising=False)
    rows = {row["what"]: row for row in json.loads(call("doctor", "--json").stdout)}
    for name, word in (("benchmark_model", "https://"), ("tflbench", "with pip")):
        assert rows[name]["found"] == "" and word in rows[name]["note"]
    assert "engines build counter" in rows["instruction counter"]["note"]
    assert not (tmp_path / "cache").exists()
    monkeypatch.setenv("MMNET_BENCHMARK_MODEL", str(tmp_path / "none"))
    lines = call("doctor").stdout.splitlines()
    assert "measure on phones" not in lines[0]
    assert any(f"names {tmp_path}{os.sep}none, which is not there" in line for line in lines)


def test_an_engine_that_cannot_be_got_is_what_is_told_of_the_emulated_phone():
    """Though the emulator itself is there."""
    able, line, _ = summary(_found("tflbench"))
    assert "run real arm64 kernels" not in able and "run an emulated phone" in able
    assert line == "To run real arm64 kernels on the emulated phone: about tflbench."
