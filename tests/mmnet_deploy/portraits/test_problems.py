"""What is wrong with a file: carried as path and rule, shown as one line."""

from pathlib import Path

import pytest

from mmnet_deploy.errors import DataError
from mmnet_deploy.portraits import dataset, pictures
from mmnet_deploy.portraits.problems import PictureError, Problem, raise_first
from mmnet_deploy.training.pictures import decoded


def test_a_problem_is_one_line_whatever_the_file_is_called():
    """Line breaks and bytes that are no text are escaped."""
    line = str(Problem(Path("a\nb\udcff.png"), "is empty."))
    assert line == "a\\nb\\udcff.png: is empty."


def test_an_error_carries_the_file_and_the_rule_apart(tmp_path):
    """Colons in a path do not blur where it ends."""
    path = tmp_path / "a: b" / "c: d.png"
    path.parent.mkdir()
    path.write_bytes(b"")
    with pytest.raises(PictureError) as caught:
        pictures.read_image(path)
    assert caught.value.problem == Problem(path, "is empty.")
    assert str(caught.value) == f"{path}: is empty."


def test_training_names_the_file_that_the_check_of_the_data_names(tmp_path):
    """Both show the same problem, whatever the folder is called."""
    root = tmp_path / "my: data"
    for side in ("image", "mask"):
        (root / "train" / side).mkdir(parents=True)
        (root / "train" / side / "a.png").write_bytes(b"words")
    (summary,) = dataset.examine(root)
    assert summary.problems[0].path == root / "train" / "image" / "a.png"
    with pytest.raises(DataError) as caught:
        decoded.decode(dataset.find_pairs(root, "train"), 20)
    assert str(caught.value).startswith(str(summary.problems[0]))


def test_the_first_of_several_problems_is_raised_and_the_others_are_counted():
    """Without any there is no error."""
    raise_first([], Path("data"))
    problems = [Problem(Path(name), "is empty.") for name in ("a.png", "b.png")]
    with pytest.raises(DataError, match=r"^a\.png: is empty\. \(2 problems .* dataset check data"):
        raise_first(problems, Path("data"))
