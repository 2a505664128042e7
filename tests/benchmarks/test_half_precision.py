"""The script that compares emulated half precision with XNNPACK's kernels for arm64."""

import shutil

import numpy as np
import pytest

from mmnet_deploy.conversion.emulation import HalfPrecision
from mmnet_deploy.portraits.pictures import pictures_in, preprocess, read_image
from mmnet_deploy.tflite.half_precision import with_entry
from mmnet_deploy.tflite.interpreter import TFLiteModel
from tests.support import ROOT, counting, scripts


def test_emulation_is_as_far_from_float32_as_the_kernels_are(
    tiny_models, portraits, tmp_path, monkeypatch
):
    """The kernels compute in half precision, emulation follows them, and neither is float32."""
    if shutil.which("qemu-aarch64") is None:
        pytest.skip("needs qemu-aarch64 (Debian: apt install qemu-user)")
    counting.bundle()
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    content = with_entry(tiny_models["float32"].read_bytes(), "")
    kernels = scripts.load("benchmarks/half_precision.py").on_arm64(content, tmp_path, "cortex-a76")
    emulated = HalfPrecision(content).run
    exact = TFLiteModel(tiny_models["float32"])
    gaps = []
    for path in pictures_in(portraits / "test" / "image")[:2]:
        image = read_image(path)
        tensor = preprocess(image, 32, 32)
        found = [run(tensor)[0, ..., 0] for run in (kernels, emulated)]
        gaps.append([np.abs(found[0] - found[1]), *(np.abs(f - exact.matte(image)) for f in found)])
    between, theirs, ours = np.mean(gaps, axis=(0, 2, 3))
    assert theirs > 2e-5
    assert 0.8 < ours / theirs < 1.25
    assert between < theirs
