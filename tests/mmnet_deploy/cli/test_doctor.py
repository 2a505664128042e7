"""`doctor`: what works and what to do, in words, before the table."""

import json

import pytest

from mmnet_deploy.cli.doctor import summary

EVERYTHING = (
    "tensorflow", "keras", "TFLite runtime", "adb", "benchmark_model", "tflbench",
    "emulated phone", "instruction counter",
)  # fmt: skip


def _found(*missing):
    return {what: "" if what in missing else "1.0" for what in EVERYTHING}


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
        (["keras"], "train networks", "To train and convert: pip install '.[convert]'"),
        (["TFLite runtime"], "evaluate models", "To evaluate and measure: pip install"),
        (["adb"], "measure on phones", "To measure on a phone: install Android's platform-tools"),
        (
            ["benchmark_model", "tflbench"],
            "measure on phones",
            "To measure on a phone: build our engine with python tools/build_engine.py",
        ),
    ],
)
def test_what_is_missing_is_not_promised(missing, cannot, advice):
    """The remedy is named, and only that one."""
    able, *lines = summary(_found(*missing))
    assert cannot not in able
    assert [line for line in lines if advice in line]
    assert len([line for line in lines if "demo" not in line]) == 1


def test_one_engine_is_enough_for_phones():
    """Either benchmark_model or tflbench will do."""
    assert "measure on phones" in summary(_found("tflbench"))[0]
    assert "measure on phones" in summary(_found("benchmark_model"))[0]


def test_without_anything_that_is_said():
    """No list of nothing."""
    assert summary(_found(*EVERYTHING))[0] == "This computer can run none of the stages yet."
