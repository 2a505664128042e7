"""Recipes: what ships, what a file may say, and where a message points."""

import os

import numpy as np
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
    assert set(published.loss_weights.values()) == {(1.0,)}


def test_cross_entropy_leaves_before_edges_are_learnt():
    """By default it is as strong as the other terms at first, and gone from the half on."""
    at = {share: Recipe().loss_weights_at(share) for share in (0.0, 0.25, 0.5, 1.0)}
    assert [weights.pop("cross_entropy") for weights in at.values()] == [1.0, 0.5, 0.0, 0.0]
    assert {weight for weights in at.values() for weight in weights.values()} == {1.0}
    assert Recipe(**recipe_file.read("fine-tune")).loss_weights_at(0.0)["cross_entropy"] == 0.0


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
        ("loss_alpha = " + "9" * 400, "line 1: `loss_alpha` must be at least 0 and finite; a l"),
        ("loss_alpha = 'x'", "line 1: `loss_alpha` must be a number or a list of numbers, at le"),
        ("loss_alpha = [1, '0']", "line 1: `loss_alpha` must be a number or a list of numbers"),
        ("loss_alpha = [1, true]", "line 1: `loss_alpha` must be a number or a list of numbers"),
        ("loss_alpha = [1]", r"line 1: `loss_alpha` .* a list has 2 … 20 of them. Rec.*\[1\]"),
        ("loss_alpha = [1, -1]", "line 1: `loss_alpha` must be at least 0 and finite; a list"),
        ("loss_alpha = [1, nan]", "line 1: `loss_alpha` must be at least 0 and finite; a list"),
        (f"loss_alpha = {[1] * 21}", "line 1: `loss_alpha` must be at least 0 and finite; a l"),
        ("loss_alpha = [1, " + "9" * 400 + "]", "line 1: `loss_alpha` must be at least 0 and fin"),
        ("seed = 0x" + "f" * 9000, "line 1: `seed` must be 0 … 4294967295. .*a value too long"),
        ("gamma = 0\nseed = " + "9" * 5000, "?is no TOML: A number of too many digits"),
        ("epochs = " + "[" * 9000, "?is no TOML: Nested too deeply"),
        ("milestones = [" + "9" * 400 + "]", "line 1: `milestones` must be numbers"),
        ("seed = 1\n" + "x" * 9000 + " = 1", "line 2: `x{60} …` is no field"),
        ("\n".join(f"a.b{n} = 1" for n in range(900)) + "\nz = 1", "line 1: `a` is no field"),
        (b"seed = 1\n\xff", "line 2: is no TOML: Not UTF-8 text"),
    ],
)
def test_a_wrong_recipe_is_refused_with_its_line(text, words):
    """The message says the file, the line and what is allowed."""
    with pytest.raises(UsageError, match=f"^mine.toml[,:] {words}") as caught:
        recipe_file.parse(text, "mine.toml")
    assert len(str(caught.value)) < 800


def test_what_is_no_recipe_is_refused_at_once(tmp_path):
    """A file of megabytes or a pipe is not read; a mark at the beginning of a text is skipped."""
    (tmp_path / "large.toml").write_bytes(b"# " + b"x" * 50_000_000)
    os.mkfifo(tmp_path / "pipe.toml")
    for name, words in (("large", "larger than 16384 bytes"), ("pipe", "not a regular file")):
        with pytest.raises(UsageError, match=words):
            recipe_file.read(str(tmp_path / f"{name}.toml"))
    (tmp_path / "windows.toml").write_bytes("\ufeffepochs = 3\r\n".encode())
    assert recipe_file.read(str(tmp_path / "windows.toml")) == {"epochs": 3}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("epochs=3", ("epochs", 3)),
        ("learning_rate = 1", ("learning_rate", 1.0)),
        ("optimizer=sgd", ("optimizer", "sgd")),
        ('schedule="fixed"', ("schedule", "fixed")),
        ("milestones=[0.2, 0.4]", ("milestones", (0.2, 0.4))),
        ("loss_alpha=2", ("loss_alpha", 2.0)),
        ("loss_alpha=[2, 0]", ("loss_alpha", (2.0, 0.0))),
    ],
)
def test_a_field_can_be_set_on_the_command_line(text, expected):
    """FIELD=VALUE takes what a line of a recipe takes, words without quotes too."""
    assert recipe_file.override(text) == expected


@pytest.mark.parametrize("text", [
        "epochs", "=3", "epochs=", "epochs=a\nb", "epochs=1\nseed=2", "epoch=3", "seed=-1",
        "epochs=" + "[" * 20_000, "learning_rate=" + "9" * 400, "seed=" + "9" * 5000,
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_a_wrong_setting_is_refused(text):
    """No field, no value or an impossible one raises."""
    with pytest.raises(UsageError):
        recipe_file.override(text)


def test_a_written_recipe_reads_back():
    """What is stored in a run is a recipe to train by again."""
    recipe = Recipe(milestones=(0.1, 0.9), optimizer="sgd", dropout=0.5, loss_alpha=(1.0, 0.5))
    assert Recipe(**recipe_file.parse(recipe_file.write(recipe), "again")) == recipe


@given(
    st.lists(st.lists(st.sampled_from((0.0, 0.5, 1.0)), min_size=1, max_size=5), max_size=3),
    st.fractions(0, 1, max_denominator=12),
)
def test_weights_lie_on_lines_between_those_of_the_list(lists, share):
    """At even distances they are the list's; all are 0 at a moment only if that is told."""
    names = ("loss_alpha", "loss_gradient", "loss_auxiliary")
    fields = {
        name: tuple(values) if len(values) > 1 else values[0]
        for name, values in zip(names, lists, strict=False)
    }
    recipe = Recipe(**fields)
    terms = [name.removeprefix("loss_") for name in fields]
    now = recipe.loss_weights_at(float(share))
    for term, values in zip(terms, lists, strict=False):
        places = np.linspace(0, 1, len(values))
        assert now[term] == pytest.approx(np.interp(float(share), places, values), abs=1e-9)
    first = recipe.weightless_at(terms)
    if terms and first is None:
        assert any(now[term] for term in terms)
    elif terms:
        then = recipe.loss_weights_at(first)
        assert not any(round(then[term], 9) for term in terms)


def test_a_recipe_that_is_not_there_is_refused(tmp_path):
    """A name that does not ship and a file that does not exist each say so."""
    with pytest.raises(UsageError, match="one of default, fine-tune, modern, published"):
        recipe_file.read("classic")
    with pytest.raises(UsageError, match="No such file"):
        recipe_file.read(str(tmp_path / "none.toml"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="UTF-8"):
        recipe_file.read(str(tmp_path / "bytes.toml"))
