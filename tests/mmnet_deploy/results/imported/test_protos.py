"""Result protos and runtime infos, written byte by byte."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.imported import protos
from tests.support.foreign_results import (
    LATENCY,
    float32,
    inner,
    number,
    real,
    result_proto,
    runtime_info,
)


def test_a_result_is_read():
    """Its times are milliseconds in 32-bit floats; it names neither model, threads nor delegate."""
    run = protos.result(result_proto(size_bytes=3277740))
    said = run.measurement.statistics
    assert (said.count, said.first_us) == (2112, None)
    assert said.mean_us == pytest.approx(464.545, rel=1e-6)
    assert (said.min_us, said.median_us) == (pytest.approx(442), pytest.approx(462))
    assert run.init_us == pytest.approx(4478)
    assert run.peak_memory_bytes == round(11.5 * 2**20)
    assert (run.model_name, run.threads, run.engine.delegate, run.rules) == ("", 0, "unknown", None)
    low, high = run.model_bytes
    assert low <= 3277740 <= high and high - low < 10


@given(
    st.lists(st.floats(0.0, 1e9, width=32), min_size=10, max_size=10),
    st.integers(-5, 2**31 - 1),
)
def test_any_numbers_are_taken_as_they_are_or_refused(times_ms, runs):
    """What is read are the very floats of the file, times a thousand."""
    try:
        said = protos.result(result_proto([1000 * t for t in times_ms], runs)).measurement
    except ResultError as error:
        assert "\n" not in str(error)
        return
    statistics = said.statistics
    names = ("mean_us", "min_us", "max_us", "std_us", "median_us", "p5_us", "p95_us")
    for name, time_ms in zip(names, times_ms, strict=False):
        assert getattr(statistics, name) == 1000 * float32(1000 * time_ms / 1000)
    assert statistics.count == runs > 0


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content):
    """Nothing but a run, None or one error comes of them."""
    for garbled in (content, result_proto()[: len(content)] + content):
        try:
            protos.result(garbled)
        except ResultError as error:
            assert "\n" not in str(error)
        protos.runtime_info(garbled)


@given(st.integers(0, len(result_proto())))
def test_a_cut_proto_is_no_result(length):
    """Where it lacks a part, it is refused or is none at all."""
    cut = result_proto()[:length]
    try:
        run = protos.result(cut)
    except ResultError:
        return
    # The last field is of no use, and may be missing.
    assert run is None or run == protos.result(result_proto())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 3e38])
@pytest.mark.parametrize("index", range(10))
def test_impossible_times_are_refused(value, index):
    """No number, negative, or endless."""
    times = [*LATENCY]
    times[index] = value if value != 3e38 else 3e37
    with pytest.raises(ResultError):
        protos.result(result_proto(times))


@pytest.mark.parametrize("missing", [1, 2, 3, 4])
def test_a_missing_number_is_named(missing):
    """Protobuf would read it as 0."""
    times = enumerate(LATENCY, start=1)
    latency = b"".join(real(index, us / 1000) for index, us in times if index != missing)
    name = ("avg_ms", "min_ms", "max_ms", "stddev_ms")[missing - 1]
    with pytest.raises(ResultError, match=f"lacks {name}"):
        protos.result(inner(2, latency) + inner(4, number(2, 50)))


def test_an_unknown_size_of_the_model_is_none():
    """The tool writes less than nothing where it could not size the file."""
    assert protos.result(result_proto(size_bytes=-1)).model_bytes is None


def test_runtime_info_counts_the_nodes_of_the_delegate():
    """The delegate's own node is none of the model's."""
    info = protos.runtime_info(runtime_info(nodes=5, replaced=(0, 1, 2)))
    assert info == protos.RuntimeInfo("gpu", 5, 3)


@pytest.mark.parametrize(
    ("name", "delegate"),
    [
        (b"TfLiteXNNPackDelegate", "xnnpack"),
        (b"LITERT_CL", "gpu"),
        (b"DispatchDelegate", "npu"),
        (b"SomeVendorsOwn", "unknown"),
    ],
)
def test_runtime_info_knows_the_delegates_names(name, delegate):
    """Of a name that is not known the delegate stays unknown."""
    assert protos.runtime_info(runtime_info(delegate=name)).delegate == delegate


def test_runtime_info_without_a_delegate_is_that_of_the_built_in_kernels():
    """Nothing was replaced."""
    assert protos.runtime_info(runtime_info(replaced=())) == protos.RuntimeInfo("none", 5, 0)


_WRITE = """
import sys
from ai_edge_litert.model_runtime_info_pb2 import ModelRuntimeDetails
details = ModelRuntimeDetails(model_name="/data/local/tmp/net.tflite")
graph = details.subgraphs.add(subgraph_id=0, execution_plan=[3, 4], name="main")
graph.edges.add(id=0, name="input", shape=[1, 8], size=32)
for index in range(4):
    graph.nodes.add(id=index, name="ADD", type="0", inputs=[0], outputs=[1])
    if index < 3:
        graph.nodes[index].delegated_to_node_id = 4
kernel = graph.nodes.add(id=4, name="TfLiteXNNPackDelegate").delegate_node_details
kernel.delegate_name = "TfLiteXNNPackDelegate"
kernel.tflite_node_ids_replaced.extend([0, 1, 2])
details.subgraphs.add(subgraph_id=1).nodes.add(id=0, name="MUL")
sys.stdout.buffer.write(details.SerializeToString())
"""


def test_the_installed_runtime_declares_the_same_runtime_info():
    """What its own classes write is read: the numbers of the fields are theirs."""
    # TensorFlow declares the same names, so both cannot be in one process.
    written = subprocess.run([sys.executable, "-c", _WRITE], stdout=subprocess.PIPE, check=True)
    info = protos.runtime_info(written.stdout)
    assert info == protos.RuntimeInfo("xnnpack", 4, 3, "net.tflite")
