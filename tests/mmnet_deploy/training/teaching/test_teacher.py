"""Which network a teacher is, and which ones cannot teach: one line, before anything is read."""

import dataclasses

import numpy as np
import pytest

from mmnet_deploy.downloads import published
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.files import sha256
from mmnet_deploy.runs import pretrained
from mmnet_deploy.runs.run import Run
from mmnet_deploy.training.teaching.teacher import described, open_teacher
from tests.conftest import tiny_config
from tests.support.drawn_graphs import Drawing
from tests.support.teachers import disc, red_matte, red_teacher


@pytest.fixture
def run(tmp_path):
    """A run folder that is not there yet."""
    return Run(tmp_path / "out")


def _config(teacher, **changes):
    return tiny_config("", teacher=str(teacher), unlabelled="/pictures", **changes)


def _opened(teacher, run, **changes):
    return open_teacher(described(_config(teacher, **changes)), run)


def test_a_teacher_is_known_by_name_hash_and_licence(tmp_path, tiny_run, monkeypatch):
    """A file has its name, a run that of its folder, a published and a bundled one its own."""
    path = red_teacher(tmp_path / "red.tflite")
    found = described(_config(path))
    assert (found.teacher_name, found.teacher_licence) == ("red.tflite", "")
    assert found.teacher_sha256 == sha256(path)
    found = described(_config(tiny_run))
    assert (found.teacher_name, found.teacher_sha256) == ("tiny", sha256(tiny_run / "best.keras"))
    bundled = pretrained.names()[0]
    folder = pretrained.run_folder(bundled)
    found = described(_config(folder))
    assert found.teacher_name == f"pretrained:{bundled}"
    assert found.teacher_licence == pretrained.licence(folder) == "Apache-2.0 AND CC0-1.0 AND MIT"
    known = dataclasses.replace(published.NETWORKS[0], sha256=sha256(path))
    monkeypatch.setattr(published, "NETWORKS", (known,))
    found = described(_config(path))
    assert (found.teacher_name, found.teacher_licence) == ("mediapipe:selfie", "Apache-2.0")


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        ({}, {}),
        ({"low": -1.0}, {"teacher_input_range": (-1.0, 1.0)}),
        ({"high": 255.0, "side": 24}, {"teacher_input_range": (0.0, 255.0)}),
        ({"logits": True}, {"teacher_output": "logit"}),
    ],
)
def test_a_teacher_is_fed_what_it_expects(tmp_path, run, drawn, said):
    """Size, range and meaning of its ends: the matte is always the same."""
    teacher = _opened(red_teacher(tmp_path / "red.tflite", **drawn), run, **said)
    image = disc(3, 48)
    expected = red_matte(image, drawn.get("side", 16)).astype(int)
    assert np.abs(255 * teacher.matting.matte(image) - expected).max() <= 1


def test_another_meaning_has_mattes_of_its_own(tmp_path, run):
    """What was computed with the wrong range is not taken for the right one; names do not count."""
    path = red_teacher(tmp_path / "red.tflite")
    folders = {
        _opened(path, run).folder,
        _opened(path, run, teacher_input_range=(-1.0, 1.0)).folder,
        _opened(red_teacher(tmp_path / "other.tflite", bias=0.5), run).folder,
    }
    assert len(folders) == 3
    path.rename(tmp_path / "red2.tflite")
    assert _opened(tmp_path / "red2.tflite", run).folder in folders


def _with_two_inputs(path):
    drawing = Drawing((1, 16, 16, 3))
    other = Drawing((1, 16, 16, 3)).image
    other.name = "other"
    y = drawing.add("ADD", [drawing.image, other], (1, 16, 16, 3))
    path.write_bytes(drawing.content(y, inputs=[drawing.image, other]))
    return path


def test_what_cannot_teach_is_refused_in_one_line(tmp_path, run, tiny_run):
    """Logits that nobody announced, several inputs, a wrong option, no file, no trained run."""
    with pytest.raises(ModelFileError, match=r"cannot be used: .*--teacher-output logit"):
        _opened(red_teacher(tmp_path / "logits.tflite", logits=True), run)
    with pytest.raises(ModelFileError, match=r"The teacher cannot be used: .*input"):
        _opened(_with_two_inputs(tmp_path / "two.tflite"), run)
    with pytest.raises(UsageError, match=r"^`--teacher-output` contradicts"):
        _opened(tiny_run, run, teacher_output="logit")
    with pytest.raises(ModelFileError, match="There is no teacher"):
        _opened(tmp_path / "nothing", run)
    with pytest.raises(UsageError, match="must be another run than the one that is trained"):
        _opened(tiny_run, Run(tiny_run))


def test_a_teacher_that_is_gone_or_another_is_refused_when_resumed(tmp_path, run):
    """Moved it goes on, by its hash; the message says which one the run was begun with."""
    path = red_teacher(tmp_path / "red.tflite")
    stored = described(_config(path))
    run.folder.mkdir()
    run.write_config(stored)
    path.rename(tmp_path / "moved.tflite")
    with pytest.raises(ModelFileError, match=r"red.tflite, is missing: .* --teacher where it is"):
        open_teacher(stored, run)
    moved = dataclasses.replace(stored, teacher=str(tmp_path / "moved.tflite"))
    assert open_teacher(moved, run).name == "red.tflite"
    red_teacher(path, bias=1.0)
    with pytest.raises(ModelFileError, match=r"is not the teacher that .* was begun with"):
        open_teacher(stored, run)


def test_a_student_that_begins_as_its_teacher_needs_masks(tmp_path, run, tiny_run):
    """With the same weights and nothing else, there is nothing to learn."""
    with pytest.raises(UsageError, match="what begins with the teacher's own weights"):
        _opened(tiny_run, run, initial_weights=str(tiny_run))
    larger = _opened(tiny_run, run, initial_weights=str(tiny_run), input_size=64)
    assert larger.name == "tiny"
