"""The script that measures models on several sets prints what was evaluated."""

import sys

import numpy as np
import pytest

from mmnet_deploy.evaluation import significance
from mmnet_deploy.results import store
from tests.support import ROOT, scripts


@pytest.fixture
def script(monkeypatch):
    """With the modules beside it."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return scripts.load("benchmarks/three_sets.py")


@pytest.fixture
def run(script, monkeypatch):
    """Run it with words of a command line."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["three_sets.py", *map(str, words)])
        script.main()

    return call


def test_each_set_has_its_tables(run, capsys, portraits, tiny_models, tmp_path):
    """Means, a matte of one value, the share of pictures, and p-values against the reference."""
    models = [f"one={tiny_models['float32']}", tiny_models["int8"]]
    results = tmp_path / "results"
    run(results, "--data", portraits, "--models", *models, "--reference", "one")
    printed = capsys.readouterr().out
    first, second = store.load([results / portraits.name])
    if first.model.card.precision == "int8":
        first, second = second, first
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines()]
    (one,) = (row for row in rows if row[0] == "one")
    assert one[1].startswith(f"{1000 * first.scores['gradient_error']:.3f} (")
    assert one[4].startswith(f"{first.better_than_constant} of 4 (")
    (constant,) = (row for row in rows if row[0] == "a matte of one value")
    known = first.constant_scores
    assert constant[1:4] == [
        f"{1000 * known['gradient_error']:.3f}", f"{known['mad']:.4f}", f"{known['mean_iou']:.4f}",
    ]  # fmt: skip
    (head,) = (row for row in rows if row[0] == "against one")
    against = rows[rows.index(head) + 2]
    found = significance.compare(first.values("mad"), second.values("mad"))
    share = 100 * found.difference / np.mean(first.values("mad"))
    change, p_value = against[2].replace("−", "-").split(" % (p = ")
    assert float(change) == pytest.approx(share, abs=0.051)
    assert p_value == f"{found.p_value:.3f})"


def test_each_model_is_compared_with_the_next_better_one(
    run, capsys, portraits, tiny_models, tmp_path
):
    """From the smallest gradient error on, whatever the order of the command line."""
    models = [f"{name}={tiny_models[name]}" for name in ("int8", "float32", "int8-weights")]
    run(tmp_path / "results", "--data", portraits, "--models", *models, "--order")
    printed = capsys.readouterr().out
    found = {
        record.model.card.precision: record
        for record in store.load([tmp_path / "results" / portraits.name])
    }
    best, middle, worst = sorted(found, key=lambda name: found[name].scores["gradient_error"])
    rows = printed.partition("| in order")[2].splitlines()[2:4]
    for row, (name, before) in zip(rows, ((middle, best), (worst, middle)), strict=True):
        change = 100 * (
            found[name].scores["gradient_error"] / found[before].scores["gradient_error"] - 1
        )
        assert row.startswith(f"| {name}, against {before} | +{change:.1f} % (p ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--data", "{}", "{}", "--models", "a"), "different names"),
        (("--data", "{}/test", "--models", "a"), "must have a test split"),
        (("--data", "{}", "--models", "a", "--reference", "b"), "--reference must be one of a"),
        (("--data", "{}", "--models", "a", "a"), "Two models are called a"),
        (("--data", "{}", "--models", "absent.tflite"), "absent.tflite"),
    ],
)
def test_what_cannot_be_measured_is_said_at_once(run, capsys, portraits, tmp_path, words, told):
    """In a line, with nothing written."""
    with pytest.raises(SystemExit) as ended:
        run(tmp_path / "out", *(word.replace("{}", str(portraits)) for word in words))
    assert told in f"{ended.value} {capsys.readouterr().err}"
    assert not (tmp_path / "out").exists()
