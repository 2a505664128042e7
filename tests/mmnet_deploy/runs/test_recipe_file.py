"""Recipes: what ships, what a file may say, and where a message points."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmnet_deploy.errors import UsageError
from mmnet_deploy.runs import recipe_file
from mmnet_deploy.runs.recipe import Recipe


@pytest.mark.parametrize("name", recipe_file.shipped())
def test_every_recipe_that_ships_can_be_read(name):
    """A shipped recipe sets known fields to allowed values."""
    assert Recipe(**recipe_file.read(name))


def test_the_published_recipe_is_the_papers():
    """Adam at 1e-4, fixed, in batches of 32, with equal weights of the losses."""
    published = Recipe(**recipe_file.read("published"))
    assert (published.optimizer, published.learning_rate, published.schedule) == (
        "adam",
        1e-4,
        "fixed",
    )
    assert published.batch_size == 32
    assert set(published.loss_weights.values()) == {1.0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs = 3\nlerning_rate = 1\n", "line 2: `lerning_rate` is no field.*`learning_rate`"),
        ("\n\nepochs = 'x'\n", "line 3: `epochs` must be a whole number, 1 … 1000000. Rec.*'x'"),
        ("epochs = true\n", "line 1: `epochs` must be a whole number"),
        ("seed = 1\nepochs = 0\n", "line 2: `epochs` must be 1 … 1000000. Received: 0"),
        ("# epochs = 1\noptimizer = 'adamw'", "line 2: .*one of adam, sgd, rmsprop. Rec.*adamw"),
        ("seed = 1\nmilestones = [\n  0.5,\n  0.2]\n", "line 2: `milestones` must be numbers"),
        ("seed = 1\n\n[loss]\nalpha = 1\n", "line 3: `loss` is no field"),
        ("learning_rate = nan\n", "line 1: `learning_rate` must be above 0"),
        ("seed = 1\nepochs = = 2\n", "line 2: is no TOML"),
        ("seed = 1\nepochs = [1\n", "line 3: is no TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_with_its_line(text, words):
    """The message says the file, the line and what is allowed."""
    with pytest.raises(UsageError, match=f"^mine.toml, {words}"):
        recipe_file.parse(text, "mine.toml")


@given(
    before=st.lists(st.sampled_from(["", "# epochs = 3", "seed = 1", "gamma = 0.1"]), unique=True),
    blank=st.integers(0, 3),
)
def test_the_line_of_a_key_is_where_it_begins(before, blank):
    """Comments, blank lines and other fields in front do not mislead."""
    lines = [*before, *[""] * blank, "epochs = 7", "flip_share = 0"]
    found = recipe_file.line_of("\n".join(lines), "epochs")
    assert lines[found - 1] == "epochs = 7"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("epochs=3", ("epochs", 3)),
        ("learning_rate = 1", ("learning_rate", 1.0)),
        ("optimizer=sgd", ("optimizer", "sgd")),
        ('schedule="fixed"', ("schedule", "fixed")),
        ("milestones=[0.2, 0.4]", ("milestones", (0.2, 0.4))),
    ],
)
def test_a_field_can_be_set_on_the_command_line(text, expected):
    """FIELD=VALUE takes what a line of a recipe takes, words without quotes too."""
    assert recipe_file.override(text) == expected


@pytest.mark.parametrize("text", ["epochs", "=3", "epochs=", "epochs=a\nb", "epoch=3", "seed=-1"])
def test_a_wrong_setting_is_refused(text):
    """No field, no value or an impossible one raises."""
    with pytest.raises(UsageError):
        recipe_file.override(text)


def test_a_written_recipe_reads_back():
    """What is stored in a run is a recipe to train by again."""
    recipe = dataclasses.replace(Recipe(), milestones=(0.1, 0.9), optimizer="sgd", dropout=0.5)
    assert Recipe(**recipe_file.parse(recipe_file.write(recipe), "again")) == recipe


def test_a_recipe_that_is_not_there_is_refused(tmp_path):
    """A name that does not ship and a file that does not exist each say so."""
    with pytest.raises(UsageError, match="one of default, modern, published"):
        recipe_file.read("classic")
    with pytest.raises(UsageError, match="No such file"):
        recipe_file.read(str(tmp_path / "none.toml"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="UTF-8"):
        recipe_file.read(str(tmp_path / "bytes.toml"))
