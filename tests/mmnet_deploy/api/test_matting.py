"""Mattes of pictures in memory: shapes, batches, threads, processes, and what is no picture."""

import os
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmnet_deploy import Matting
from mmnet_deploy.api.models import path_of, paths_of
from mmnet_deploy.api.numbers import with_plain_numbers
from mmnet_deploy.downloads import published
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.mattes.enlargement import enlarged
from mmnet_deploy.mattes.matting import open_model
from mmnet_deploy.runs import pretrained


def picture(height=40, width=60, seed=0):
    """Noise, RGB."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def matting(tiny_models):
    """The tiny network in float32."""
    return Matting(tiny_models["float32"], threads=1)


@pytest.mark.parametrize("shape", [(40, 60), (1, 1), (7, 200), (32, 32)])
def test_a_matte_has_the_resolution_of_its_picture(shape, matting):
    """And is what the commands compute, enlarged as they do it."""
    image = picture(*shape)
    alpha = matting(image)
    assert alpha.shape == shape and alpha.dtype == np.float32
    assert 0 <= alpha.min() <= alpha.max() <= 1
    expected = enlarged(open_model(matting.path, 1).matte(image), image)
    np.testing.assert_array_equal(alpha, expected)


def test_several_pictures_are_as_each_alone(matting):
    """As an array of one size, and as a list or tuple of different ones."""
    same = np.stack([picture(seed=seed) for seed in range(3)])
    np.testing.assert_array_equal(matting(same), [matting(one) for one in same])
    mixed = [picture(20, 30), picture(50, 10)]
    for found in (matting(mixed), matting(tuple(mixed))):
        for alpha, image in zip(found, mixed, strict=True):
            np.testing.assert_array_equal(alpha, matting(image))
    assert matting([]) == [] and matting(same[:0]).shape == (0, 40, 60)


def test_a_view_and_a_pillow_picture_are_pictures(matting):
    """Reversed channels, every other pixel, and whatever becomes an array of bytes."""
    image = picture()
    for view in (image[..., ::-1], image[::-2, 1::3]):
        np.testing.assert_array_equal(matting(view), matting(view.copy()))
    np.testing.assert_array_equal(matting(Image.fromarray(image)), matting(image))


@pytest.mark.parametrize("name", ["run", "keras"])
def test_networks_are_models_too(name, tiny_run, tiny_models):
    """A run folder and its `.keras` file, with nearly the mattes of the converted file."""
    path = tiny_run if name == "run" else tiny_run / "best.keras"
    image = picture()
    np.testing.assert_allclose(
        Matting(str(path))(image), Matting(tiny_models["float32"])(image), atol=1e-4
    )


def test_models_go_by_the_names_that_commands_take(monkeypatch):
    """A bundled run, and a published network, which is downloaded if it is not there."""
    assert path_of("pretrained:mmnet-0.5-128") == pretrained.run_folder("mmnet-0.5-128")
    monkeypatch.setattr(published, "have", lambda network, **options: network.path)
    assert path_of("mediapipe:selfie").name == "mediapipe-selfie.tflite"
    assert paths_of(["a.tflite", Path("b")]) == [Path("a.tflite"), Path("b")]
    with pytest.raises(UsageError, match=r"mmnet-deploy convert pretrained:mmnet-0\.5-128"):
        path_of("pretrained:mmnet-0.5-128", runs=False)


def test_threads_that_share_one_get_what_each_would_alone(tiny_models):
    """Real TFLite, more callers than cores, pictures of many sizes."""
    matting = Matting(tiny_models["int8"])
    images = [picture(20 + 5 * n, 90 - 3 * n, seed=n) for n in range(16)] * 4
    alone = [matting(image) for image in images[:16]] * 4
    with ThreadPoolExecutor(8) as pool:
        for found, expected in zip(pool.map(matting, images), alone, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_it_is_pickled_by_its_file(matting, tmp_path, tiny_models):
    """The copy computes the same; another file in the place of the first is refused."""
    copy = tmp_path / "a.tflite"
    shutil.copy(matting.path, copy)
    pickled = pickle.dumps(Matting(copy, threads=1, output="alpha"))
    np.testing.assert_array_equal(pickle.loads(pickled)(picture()), matting(picture()))
    shutil.copy(tiny_models["int8"], copy)
    with pytest.raises(ModelFileError, match="has changed"):
        pickle.loads(pickled)


def test_a_fork_is_refused_and_may_make_its_own(matting):
    """The runtime's threads are not there: a call could wait for ever."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        said = b"nothing"
        try:
            matting(picture())
        except UsageError as error:
            own = Matting(matting.path, threads=1)(picture())
            said = f"{error} {own.shape}".encode()
        finally:
            os.write(writer, said)
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    assert "cannot be used in a fork" in said and "(40, 60)" in said


IMAGE = picture(4, 5)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (IMAGE / 255, ("float64", "numpy.round(255 * image)")),
        (IMAGE.astype(np.float32), ("float32", "(4, 5, 3)")),
        (IMAGE.astype(np.uint16), ("uint16", "257")),
        (IMAGE.astype(np.int64), ("int64", "astype(numpy.uint8)")),
        (IMAGE > 3, ("bool",)),
        (IMAGE[..., 0], ("(4, 5)", "numpy.dstack")),
        (IMAGE[..., :1], ("(4, 5, 1)", "numpy.repeat")),
        (np.dstack([IMAGE, IMAGE[..., 0]]), ("(4, 5, 4)", "image[..., :3]")),
        (np.moveaxis(IMAGE, -1, 0), ("(3, 4, 5)", "numpy.moveaxis")),
        (IMAGE[:0], ("(0, 5, 3)", "empty")),
        (IMAGE[:, :0], ("(4, 0, 3)", "empty")),
        (IMAGE[None, :0], ("(1, 0, 5, 3)", "empty")),
        (IMAGE[None, None], ("(1, 1, 4, 5, 3)",)),
        ([IMAGE, IMAGE[..., 0]], ("picture 1 of the list", "(4, 5)")),
        ("portrait.jpg", ("portrait.jpg", "PIL.Image.open")),
        (None, ("NoneType",)),
        ({"image": IMAGE}, ("dict",)),
        (7, ("int",)),
    ],
)
def test_what_is_no_picture_is_one_clear_error(image, words, matting):
    """The rule, what was received, and what to do."""
    with pytest.raises(UsageError, match="height, width, 3") as caught:
        matting(image)
    for word in (*words, "Received"):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "options", "error", "word"),
    [
        ("missing.tflite", {}, ModelFileError, "missing.tflite"),
        ("missing", {}, ModelFileError, "missing"),
        ("pretrained:none", {}, UsageError, "mmnet-1.0-256"),
        ("mediapipe:none", {}, UsageError, "selfie"),
        ("", {}, UsageError, "pretrained:"),
        (None, {}, UsageError, "None"),
        (b"a.tflite", {}, UsageError, "a.tflite"),
        ("pretrained:mmnet-0.5-128", {"threads": 2}, UsageError, "--threads"),
        ("missing.tflite", {"output": "mask"}, UsageError, "--output"),
        ("missing.tflite", {"output_size": (0, 5)}, UsageError, "HEIGHTxWIDTH"),
        ("missing.tflite", {"input_range": (1, 0)}, UsageError, "lower first"),
        ("missing.tflite", {"input_range": 1}, UsageError, "two numbers"),
    ],
)
def test_what_is_no_model_is_one_clear_error(model, options, error, word, tmp_path, monkeypatch):
    """Before anything is loaded, where it can be."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught:
        Matting(model, **options)
    assert word in str(caught.value) and "\n" not in str(caught.value)


def test_numbers_may_be_those_of_numpy(matting, tiny_models):
    """As from `numpy.arange`; a number that is not whole is none of threads."""
    (one,) = np.arange(1, 2)
    made = Matting(tiny_models["float32"], threads=one, output_size=None)
    assert np.array_equal(made(IMAGE), matting(IMAGE))
    with pytest.raises(TypeError):
        Matting(tiny_models["float32"], threads=1.5)


def test_numbers_become_those_of_python_wherever_they_stand():
    """What is no number stays what it is."""

    @with_plain_numbers
    def given(*_, **options):
        return options

    kept = object()
    options = given(
        a=np.int64(2), b=[np.float32(0.5), "x"], c=np.arange(2), d=kept, e=(np.bool_(1),)
    )
    assert options == {"a": 2, "b": [0.5, "x"], "c": [0, 1], "d": kept, "e": (True,)}
    assert [type(options[name]) for name in "abc"] == [int, list, list]
    assert type(options["b"][0]) is float and type(options["e"][0]) is bool
