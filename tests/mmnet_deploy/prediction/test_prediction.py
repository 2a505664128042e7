"""Mattes of pictures: each kind of output, from real files to real files."""

import os
import resource
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmnet_deploy.errors import OutputError
from mmnet_deploy.mattes.matting import Matting
from mmnet_deploy.portraits import dataset, formats, pictures
from mmnet_deploy.prediction.painting import Painter
from mmnet_deploy.prediction.photographs import predict_folder, predict_picture
from mmnet_deploy.tflite.card import ModelFile
from tests.support.datasets import write
from tests.support.picture_files import exif

IMAGE = np.random.default_rng(0).integers(0, 255, (24, 20, 3), np.uint8)

BRIGHT = Matting(
    ModelFile("m", "0", 1), "none", lambda image: image,
    lambda image: (image[..., 0] > 127).astype(np.float32),
)  # fmt: skip


def test_a_full_disk_leaves_the_older_picture(tmp_path):
    """A PNG is written in one step or not at all."""
    noise = np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "in.png"), noise)
    (tmp_path / "out.png").write_bytes(b"an older one")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"Cannot write .*out\.png: File too large"):
            predict_picture(BRIGHT, tmp_path / "in.png", tmp_path / "out.png", Painter("cut-out"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (tmp_path / "out.png").read_bytes() == b"an older one"


def test_every_format_of_a_folder_is_matted(tmp_path):
    """Each picture has its matte; what is no picture has none."""
    for name in ("a.jpg", "b.webp", "c.tiff", "d.bmp", "e.png"):
        write(tmp_path / "in" / name, IMAGE)
    (tmp_path / "in" / "e.png").rename(tmp_path / "in" / "f.jfif")
    for name in ("._a.jpg", "g.heic"):
        (tmp_path / "in" / name).write_bytes(b"words")
    painter = Painter("matte")
    assert predict_folder(BRIGHT, tmp_path / "in", tmp_path / "out", painter).written == 5
    made = [name for name in os.listdir(tmp_path / "out") if not name.startswith(".")]
    assert sorted(made) == [f"{stem}.png" for stem in "abcdf"]


def test_a_folder_is_done_but_for_what_is_damaged(tmp_path):
    """One bad picture is told of, and keeps no other from being made."""
    for name in ("a.png", "c.png"):
        write(tmp_path / "in" / name, IMAGE)
    (tmp_path / "in" / "b.png").write_bytes((tmp_path / "in" / "a.png").read_bytes()[:90])
    done = predict_folder(BRIGHT, tmp_path / "in", tmp_path / "out", Painter("matte"))
    assert done.written == 2
    assert [problem.path.name for problem in done.problems] == ["b.png"]
    assert {"a.png", "c.png"} == {path.name for path in (tmp_path / "out").glob("[!.]*")}


def test_a_saved_photograph_has_no_metadata(tmp_path):
    """Neither where it was taken nor how it was turned is told on."""
    data = exif(6)
    data[0x010E] = "at home"
    Image.fromarray(IMAGE).save(tmp_path / "in.jpg", exif=data)
    predict_picture(BRIGHT, tmp_path / "in.jpg", tmp_path / "out.png", Painter("under-matte"))
    made = Image.open(tmp_path / "out.png")
    made.load()
    assert made.size == (24, 20)
    assert not made.getexif() and not made.info


# --- On the command line -----------------------------------------------------


def test_pictures_and_folders_are_told_apart(call, tiny_models, portraits):
    """One command for both, each to what it is given a name of."""
    model, image = tiny_models["int8"], dataset.find_pairs(portraits, "test")[0].image
    folder = image.parent
    for source, target in ((image, "a/a.png"), (folder, "b")):
        result = call("predict", model, source, "--kind", "side-by-side", "-o", target)
        assert result.exit_code == 0, result.output
        assert str(target) in result.stderr
    height, width, _ = pictures.read_image(image).shape
    assert pictures.read_image(Path("a/a.png")).shape == (height, 2 * width, 3)
    assert sorted(os.listdir("b")) == [f"{path.stem}.png" for path in pictures.pictures_in(folder)]


def test_without_a_path_it_goes_beside_nothing(call, one_line, tiny_models, portraits):
    """The name is the source's and the kind's, in the current folder, and nothing is replaced."""
    model, image = tiny_models["int8"], dataset.find_pairs(portraits, "test")[0].image
    target = f"{image.stem}-mask.png"
    assert call("predict", model, image, "--kind", "mask").exit_code == 0
    written = Path(target).read_bytes()
    one_line(call("predict", model, image, "--kind", "mask"), 2, target, "`--out PATH`")
    assert Path(target).read_bytes() == written
    assert call("predict", model, image.parent).exit_code == 0
    assert len(os.listdir("image-matte")) == len(pictures.pictures_in(image.parent))
    one_line(call("predict", model, image, "--kind", "a/b"), 2, "`kind` must be one of")
    assert not Path(f"{image.stem}-a").exists()


def test_pictures_that_are_left_out_are_named(call, tiny_models, tmp_path, monkeypatch):
    """On standard error, each with what to do."""
    monkeypatch.setattr(formats, "reads_heic", lambda: False)
    write(tmp_path / "in" / "a.jpg", IMAGE)
    (tmp_path / "in" / "b.heic").write_bytes(b"words")
    result = call("predict", tiny_models["int8"], "in", "-o", "out")
    assert result.exit_code == 0, result.output
    assert "in/b.heic: is left out: HEIC pictures cannot be read without" in result.stderr
    assert "1 picture in out." in result.stderr


def test_a_bad_picture_of_a_folder_is_exit_code_1(call, tiny_models, tmp_path):
    """It is named at the end, and the others are there."""
    write(tmp_path / "in" / "a.png", IMAGE)
    (tmp_path / "in" / "b.jpg").write_bytes(b"words")
    result = call("predict", tiny_models["int8"], "in", "--background", "blur", "-o", "out")
    assert result.exit_code == 1
    assert "in/b.jpg: is no picture." in result.stderr
    assert "1 picture in out." in result.stderr
    assert pictures.read_image(tmp_path / "out" / "a.png").shape == IMAGE.shape


@pytest.mark.parametrize(
    ("source", "target", "words", "code", "message"),
    [
        ("nowhere.jpg", "a.png", (), 1, "no file or folder nowhere.jpg"),
        ("a.png", "a.jpg", (), 2, "must end in .png"),
        ("a.png", "a.png", (), 2, "another path than the source"),
        ("text.png", "b.png", (), 1, "is no picture"),
        ("empty", "out", (), 1, "holds no picture"),
        ("twins", "out", (), 1, "several pictures of the stem a"),
        ("a.png", "b.png", ("--background", "#fff"), 2, "six hexadecimal digits"),
        ("a.png", "b.png", ("--background", "beach.jpg"), 1, "no such file: beach.jpg"),
        ("a.png", "b.png", ("--background", "text.png"), 1, "is no picture"),
        ("a.png", "b.png", ("--background", "blur", "--kind", "mask"), 2, "is for --kind"),
        ("a.png", "b.png", ("--kind", "background"), 2, "needs `--background blur|"),
        ("a.png", "b.png", ("--upsample", "bicubic"), 2, "one of guided, bilinear"),
        ("twins", "twins/out", (), 2, "outside of the folder"),
        ("a.png", "b.png", ("--kind", "background", "--background", "x.png"), 1, "x.png"),
        ("a.png", "b.png", ("--kind", "background", "--background", "b.png"), 2, "the background"),
        ("set/image", "set/mask", (), 2, "masks of a data set"),
        ("a.png", "set/mask/a.png", (), 2, "masks of a data set"),
        ("a.png", "text.png/b.png", (), 1, "Cannot write to the folder"),
    ],
)
def test_what_cannot_be_predicted_is_one_line(
    one_line, call, tmp_path, tiny_models, source, target, words, code, message
):
    """The rule and what was received; nothing new is left behind."""
    cv2.imwrite("a.png", IMAGE)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty").mkdir()
    (tmp_path / "twins").mkdir()
    for name in ("a.png", "a.jpg"):
        shutil.copy("a.png", tmp_path / "twins" / name)
    for place in ("set/image", "set/mask"):
        write(tmp_path / place / "a.png", IMAGE)
    if "b.png" in words:
        shutil.copy("a.png", "b.png")
    before = _contents(tmp_path)
    one_line(call("predict", tiny_models["int8"], source, "-o", target, *words), code, message)
    assert _contents(tmp_path) == before


def test_the_model_is_never_overwritten(call, one_line, tiny_models, tmp_path):
    """Not even one that is called like a picture."""
    cv2.imwrite("a.png", IMAGE)
    shutil.copy(tiny_models["int8"], "model.png")
    before = _contents(tmp_path)
    one_line(call("predict", "model.png", "a.png", "-o", "model.png"), 2, "than the model")
    words = "--against", "model.png", "--data", "nowhere", "--plot", "model.png"
    one_line(call("inspect", tiny_models["int8"], *words), 2, "another path than the model")
    assert _contents(tmp_path) == before


def _contents(folder):
    """Every file below a folder, and its bytes."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
