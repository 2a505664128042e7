"""`bench --data`: one command from `.tflite` files to the chart."""

import json

import pytest

from mmnet_deploy.results import store
from mmnet_deploy.results.records import Evaluation

BRIEF = ("--device", "host", "--min-runs", 1, "--min-duration", 0.0, "-o", "out")


def _stored(folder):
    """The evaluations of a folder, by their models."""
    found = list(folder.glob("evaluation-*.json"))
    return {json.loads(path.read_text())["model"]["name"]: path.read_bytes() for path in found}


def test_one_bench_ends_in_the_chart(call, portraits, tiny_models, tmp_path):
    """It stores what `evaluate` stores, and draws the chart of its own results."""
    files = [tiny_models["int8"], tiny_models["float32"]]
    done = call("bench", *files, "--data", portraits, *BRIEF)
    assert done.exit_code == 0, done.output
    assert "The trade-off chart is out/pareto.svg" in done.stderr
    assert (tmp_path / "out" / "pareto.png").stat().st_size > 1000
    assert call("evaluate", *files, "--data", portraits, "-o", "other").exit_code == 0
    ours, theirs = (
        {
            record.model.name: (record.data_sha256, record.split, record.pictures)
            for record in store.read([tmp_path / folder]).records
            if isinstance(record, Evaluation)
        }
        for folder in ("out", "other")
    )
    assert len(ours) == 2 and ours == theirs


def test_a_resumed_bench_evaluates_only_what_is_missing(call, portraits, tiny_models, tmp_path):
    """Evaluations of the same masks are kept byte for byte; another split is evaluated."""
    words = ("bench", tiny_models["int8"], "--data", portraits, *BRIEF, "--resume")
    assert call(*words).exit_code == 0
    before = _stored(tmp_path / "out")
    again = call(*words)
    assert again.exit_code == 0 and "Evaluating" not in again.stderr
    assert len(before) == 1 and _stored(tmp_path / "out") == before
    other = call(*words, "--split", "train")
    assert "Evaluating" in other.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--split", "test"), 2, "`--split` needs `--data`"),
        (("--data", "nowhere"), 1, "nowhere"),
        (("--data", "PORTRAITS", "--split", "verify"), 1, "verify"),
    ],
)
def test_data_that_is_not_there_is_said_before_anything_is_measured(
    one_line, call, portraits, tiny_models, tmp_path, words, code, message
):
    """One line, and no result."""
    given = [portraits if word == "PORTRAITS" else word for word in words]
    one_line(call("bench", tiny_models["int8"], *BRIEF, *given), code, message)
    assert not list(tmp_path.glob("out/*.json"))


def test_a_file_that_cannot_be_evaluated_keeps_its_latency(call, portraits, tiny_models, tmp_path):
    """A model whose output is no alpha is named; the table, the chart and the other go on."""
    from tests.support import matting_files

    other = tmp_path / "logits.tflite"
    other.write_bytes(matting_files.file_of(lambda x: 60 * matting_files.logits(x)))
    done = call("bench", other, tiny_models["int8"], "--data", portraits, *BRIEF)
    assert done.exit_code == 1
    assert "No errors of the mattes of logits.tflite: " in done.stderr
    assert "pareto.svg" in done.stderr
    assert len(list((tmp_path / "out").glob("benchmark-*.json"))) == 2
    assert list(_stored(tmp_path / "out")) == [tiny_models["int8"].name]
