"""Commands whose files belong together have their folder to themselves."""

import pytest

from mmnet_deploy.files import lock, locked


@pytest.fixture
def models(tiny_models):
    return tiny_models["float32"]


@pytest.mark.parametrize(
    "words",
    [
        ("train", "tiny-1.0-32", "--data", "{data}", "--out", "out"),
        ("train", "tiny-1.0-32", "--data", "{data}", "--out", "out", "--resume"),
        ("dataset", "synth", "out", "--count", 4),
        ("demo", "-o", "out", "--pretrained", "--count", 12),
        ("predict", "{model}", "{data}/test/image", "-o", "out"),
        ("evaluate", "{model}", "--data", "{data}", "--save", "out"),
        ("evaluate", "{run}", "--data", "{data}", "--watch", "-o", "out"),
    ],
    ids=lambda words: words[0],
)
def test_a_folder_in_use_is_refused(call, one_line, portraits, tiny_run, models, tmp_path, words):
    """One line names the process, and nothing in the folder is touched."""
    places = {"data": portraits, "model": models, "run": tiny_run}
    words = [str(word).format(**places) for word in words]
    if "--resume" in words:
        first = [*words[:-1], "--epochs", "1", "--steps-per-epoch", "1", "--batch-size", "2"]
        assert call(*first).exit_code == 0
        words += first[-6:]
    with locked(tmp_path / "out"):
        before = sorted((tmp_path / "out").rglob("*"))
        refused = call(*words)
        one_line(refused, 1, "out is being written by process", "another folder")
        assert sorted((tmp_path / "out").rglob("*")) == before


def test_results_of_several_commands_share_a_folder(call, portraits, models, tmp_path):
    """Each result is a file of its own, written whole: nobody waits."""
    with locked(tmp_path / "out"):
        done = call("evaluate", models, "--data", portraits, "-o", "out")
        assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "out").glob("*.json"))) == 1


def test_what_a_killed_command_left_is_no_content(call, portraits, models, tmp_path):
    """The lock of a killed process is in nobody's way and goes with the next command."""
    out = tmp_path / "out"
    out.mkdir()
    (out / lock.LOCK).write_bytes(b"{}")
    assert call("dataset", "synth", "out", "--count", 4, "--size", 32).exit_code == 0
    assert sorted(path.name for path in out.iterdir() if path.name.startswith(".")) == []
