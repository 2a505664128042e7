"""`mmnet-deploy train`: recipes and their fields on the command line."""

import json

import pytest

from mmnet_deploy.runs import recipe_file
from mmnet_deploy.runs.run import Run

TINY = ("train", "tiny", "--input-size", 32, "--epochs", 1, "--steps-per-epoch", 1)


def test_a_recipe_is_trained_by_and_options_go_before_it(call, portraits, tmp_path):
    """--set and options replace fields of a recipe; the others are the recipe's."""
    result = call(
        *TINY, "--data", portraits, "--out", "run", "--recipe", "modern", "--batch-size", 4,
        "--set", "ema_decay=0.5", "--set", "optimizer=sgd", "--learning-rate", 0.001,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    stored = Run(tmp_path / "run").read_config()
    assert (stored.batch_size, stored.ema_decay, stored.optimizer) == (4, 0.5, "sgd")
    assert (stored.learning_rate, stored.hue_deg, stored.warmup_share) == (0.001, 8.0, 0.05)
    again = recipe_file.read(str(tmp_path / "run" / "recipe.toml"))
    assert again["hue_deg"] == 8.0 and "data" not in again


def test_a_run_can_be_resumed_with_its_own_words(call, one_line, portraits):
    """The same command with --resume goes on; another recipe or setting is refused."""
    words = (
        "train", "tiny", "--input-size", 32, "--steps-per-epoch", 1, "--data", portraits,
        "--out", "run", "--set", "gamma=0.2", "--batch-size", 4,
    )  # fmt: skip
    assert call(*words, "--epochs", 1).exit_code == 0
    resumed = call(*words, "--epochs", 2, "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert "Trained 2 epochs" in resumed.stderr and "pictures/s" in resumed.stderr
    refused = call(*words, "--epochs", 2, "--resume", "--set", "gamma=0.3")
    one_line(refused, 2, "was begun with `gamma` 0.2", "Received: 0.3")


def test_pictures_beyond_the_memory_limit_are_mapped(call, portraits, tmp_path):
    """--cache holds the decoded pictures, and the losses are those from memory."""
    words = (*TINY, "--data", portraits, "--batch-size", 4)
    mapped = call(*words, "--out", "a", "--memory-limit", "1kB", "--cache", "cache")
    assert mapped.exit_code == 0, mapped.output
    assert list((tmp_path / "cache").rglob("pictures.npy"))
    assert call(*words, "--out", "b").exit_code == 0
    assert Run(tmp_path / "a").read_log() == Run(tmp_path / "b").read_log()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--recipe", "classic"), ["must be one of default, fine-tune, modern, published"]),
        (("--recipe", "bad.toml"), ["bad.toml, line 2", "`epochs` must be 1 … 1000000"]),
        (("--recipe", "none.toml"), ["Cannot read the recipe none.toml"]),
        (("--set", "speed=3"), ["`speed` is no field"]),
        (("--set", "epochs"), ["FIELD=VALUE"]),
        (("--set", "optimizer=adamw"), ["one of adam, sgd, rmsprop. Received: adamw"]),
        (("--schedule", "linear"), ["one of cosine, piecewise, fixed"]),
        (("--memory-limit", "much"), ["`memory_limit`", "500MB"]),
        (("--init-include", "("), ["`init_include` must be a regular expression"]),
        (("--init-from", "nothing"), ["nothing"]),
        (("--backgrounds", "nowhere"), ["nowhere"]),
        (
            [word for name in ("alpha", "compositional", "gradient", "cross_entropy")
             for word in ("--set", f"loss_{name}=0")],
            ["One of `loss_alpha`, ", " must be above 0. Received: 0."],
        ),
        (
            [word for name in ("alpha", "compositional", "gradient", "cross_entropy")
             for word in ("--set", f"loss_{name}=[1, 0, 1]")],
            ["must be above 0 at every moment. Received: all are 0 after 50 % of the training."],
        ),
        (("--set", "loss_gradient=[1]"), ["`loss_gradient` must be", "2 … 20 of them. Rec"]),
    ],
)  # fmt: skip
def test_a_wrong_training_is_refused_in_one_line(call, one_line, portraits, tmp_path, words, said):
    """The message says the rule and what was received; no run folder appears."""
    (tmp_path / "bad.toml").write_text("seed = 1\nepochs = 0\n")
    result = call("train", "tiny", "--input-size", 32, "--data", portraits, "--out", "run", *words)
    code = 1 if words[0] in ("--init-from", "--backgrounds") else 2
    one_line(result, code, *said)
    assert not (tmp_path / "run").exists()


def test_the_stored_configuration_can_be_read_by_anyone(tiny_run):
    """config.json is plain JSON, every field by its name."""
    stored = json.loads(Run(tiny_run).config_file.read_text(encoding="utf-8"))
    assert stored["milestones"] == [0.5, 0.75] and stored["family"] == "tiny"
