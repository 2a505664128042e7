"""A device's outputs compared with this computer's: which input, which precision, and whether."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from android_benchmark import (
    DeviceState,
    Engine,
    Flag,
    Measurement,
    Outcome,
    Output,
    Settings,
    errors,
)
from android_benchmark.engines.tflbench import noise
from mmnet_deploy.benchmarking.outputs import comparison
from mmnet_deploy.tflite.half_precision import HALF, entry, with_entry
from tests.support import fault_engine, networks
from tests.support.fault_engine import FaultyDevice

OUTCOME = Outcome(
    Engine("faulty", "1", "gpu", "gpu"), Measurement((), (1.0,)), DeviceState(), DeviceState()
)
GPU = Settings(delegate="gpu")


def _compare(path, device, outcome=OUTCOME):
    return comparison.compare(path, device, outcome, GPU, "float32")


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    """A network that answers noise with a constant, and a picture with something else."""
    path = tmp_path_factory.mktemp("comparison") / "steps.tflite"
    means = tf.ones((8, 8, 3, 1), tf.float32) / 192

    def function(image):
        # The mean of 8×8 pixels of noise is near one half; that of a picture is not.
        smooth = tf.nn.conv2d(image, means, 4, "VALID")
        return tf.nn.relu(tf.abs(smooth - 0.5) - 0.1)

    path.write_bytes(networks.converted(function, (1, 24, 24, 3)))
    return path


def test_another_input_is_tried_where_noise_shows_nothing(steps):
    """The comparison that counts is one that could fail."""
    device = FaultyDevice()
    found = _compare(steps, device)
    assert (found.input, found.difference.agrees, found.difference.conclusive) == (
        comparison.PORTRAIT,
        True,
        True,
    )
    wrong = FaultyDevice(fault_engine.weight_changed("", lambda weights: weights * 1.5))
    assert not _compare(steps, wrong).difference.agrees
    assert device.runs == wrong.runs == 1


def test_outputs_of_the_timed_run_are_compared_first(tiny_models):
    """An engine that hands them out computed them from its noise, and is not run again."""
    path = tiny_models["float32"]
    device = FaultyDevice()
    graph = fault_engine.Graph.from_bytes(path.read_bytes())
    (tensor,) = graph.inputs
    size = 4 * int(np.prod(tensor.shape))
    (values,) = fault_engine.computed(graph, [noise("float32", size)])
    for content, agrees in ((values, True), (values + 1, False)):
        outputs = (Output("float32", content.astype(np.float32).tobytes()),)
        found = _compare(path, device, dataclasses.replace(OUTCOME, outputs=outputs))
        assert (found.input, found.difference.agrees) == (comparison.NOISE, agrees)
    assert device.runs == 0


@pytest.mark.parametrize("error", [errors.NoOutputsError, errors.StoppedError, errors.OfflineError])
def test_nothing_that_goes_wrong_then_costs_the_measurement(tiny_models, error):
    """A reason takes the place of the comparison."""

    class Broken(FaultyDevice):
        def compute(self, model, settings, ports, *, keep=True):
            raise error("the runner is missing.")

    found = _compare(tiny_models["float32"], Broken())
    assert found == comparison.Comparison(reason="the runner is missing")


def test_what_the_accelerator_did_not_run_is_not_compared(tiny_models):
    """Outputs of the CPU that took its place would agree."""

    class Fallen(FaultyDevice):
        def compute(self, model, settings, ports, *, keep=True):
            return dataclasses.replace(super().compute(model, settings, ports), delegated=False)

    found = _compare(tiny_models["float32"], Fallen())
    assert found.reason == "gpu did not run the model when it was run again"
    fell = dataclasses.replace(OUTCOME, engine=Engine("faulty", "1", "xnnpack", "gpu"))
    assert (
        _compare(tiny_models["float32"], FaultyDevice(), fell).reason == "gpu did not run the model"
    )


def test_a_stand_in_is_not_compared(tiny_models):
    """Its figures are of no model."""
    flags = (Flag("measured", False, "a stand-in"),)
    outcome = dataclasses.replace(OUTCOME, flags=flags)
    assert _compare(tiny_models["float32"], FaultyDevice(), outcome) == comparison.Comparison()


def test_this_computer_computes_in_single_precision(tiny_models, tmp_path, monkeypatch):
    """What lets an ARM computer take half precision would make it a doubtful judge."""
    path = tmp_path / "half.tflite"
    path.write_bytes(with_entry(tiny_models["float32"].read_bytes(), HALF))
    seen = []

    class Recorded(comparison.TFLiteModel):
        def __init__(self, path, threads=1, content=None, delegate="xnnpack"):
            seen.append(content)
            super().__init__(path, threads, content, delegate)

    monkeypatch.setattr(comparison, "TFLiteModel", Recorded)
    assert _compare(path, FaultyDevice()).difference.agrees
    assert entry(seen[-1]) == ""
