"""MediaPipe Tasks runs converted files as they are, and its masks are the interpreter's."""

import keras
import numpy as np
import pytest

from mmnet_deploy import conversion
from mmnet_deploy.conversion import Options
from mmnet_deploy.networks import network
from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.tflite.interpreter import TFLiteModel
from tests.support import media_pipe


def _oblong(path, portraits):
    """A file of 48×32 pixels in -1 … 1 whose two channels are the classes'."""
    image = keras.Input((48, 32, 3), name="image")
    features = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    keras.Model(image, keras.layers.Conv2D(2, 1)(features)).save(path / "oblong.keras")
    meaning = Meaning(output="softmax", input_range=(-1.0, 1.0))
    loaded = network.load(path / "oblong.keras", meaning=meaning)
    results = conversion.convert(
        loaded, ("float32", "int8"), portraits, path, Options(graph="stock", license="MIT")
    )
    return [result.path for result in results]


@pytest.mark.slow
def test_the_image_segmenter_runs_our_files_unchanged(tiny_models, portraits, tmp_path):
    """Every precision, two channels, other ranges and sizes; its own classes read our metadata."""
    media_pipe.folder()
    files = [*tiny_models.values(), *_oblong(tmp_path, portraits)]
    image = pictures.read_image(pictures.pictures_in(portraits / "test" / "image")[0])
    jobs = []
    for number, path in enumerate(files):
        height, width = TFLiteModel(path).inputs[0]["shape"][1:3]
        picture = tmp_path / f"picture-{number}.npy"
        np.save(picture, pictures.resized(image, height, width))
        jobs.append((path, picture))
    found, told = media_pipe.segmented(jobs, tmp_path)
    for (path, picture), masks, said in zip(jobs, found, told, strict=True):
        model, mattes = TFLiteModel(path), np.load(masks)
        expected = model.matte(np.load(picture))
        assert expected.std() > 0.01
        assert len(mattes) == model.outputs[0]["shape"][3]
        np.testing.assert_allclose(mattes[-1], expected, atol=1e-6, err_msg=path.name)
        assert (said["input"], said["output"], said["mask_axes"]) == (1, 2, [1, 2])
        assert said["custom"] == ["SEGMENTER_METADATA"] and said["parser"] == "1.5.0"
        is_oblong = path.name.startswith("oblong")
        assert (said["mean"], said["std"]) == (([127.5],) * 2 if is_oblong else ([0], [255]))
        assert (said["author"], said["license"]) == (None, "MIT" if is_oblong else None)
