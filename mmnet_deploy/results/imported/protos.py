"""The protos that benchmark_model writes: `--result_file_path`, `--model_runtime_info_output_file`.

Device clouds hand them out as `results.pb` and `runtime_info.pb`. The fields are those of
tflite/tools/benchmark/proto/benchmark_result.proto and tflite/profiling/proto/
model_runtime_info.proto of LiteRT; only those that are used are declared. protobuf reads them,
which ai-edge-litert requires anyway.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from android_benchmark import Engine, Measurement, Statistics
from android_benchmark.engines.benchmark_model.delegate import Delegate, is_of
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.imported.run import UNKNOWN, ForeignRun, around, checked, file_name

FORM = "benchmark_model result proto"
TOOL = "benchmark_model"

_PACKAGE = "imported"
_SIX_DIGITS = 1e-6
"""What a float of 32 bits is off at most, as a fraction, with some room."""

# Number, type (a message's name begins with a capital) and label of each field.
_MESSAGES: Mapping[str, Mapping[str, tuple[int, str, bool]]] = {
    "Latency": {
        name: (number, "float", False)
        for number, name in enumerate(
            (
                "avg_ms", "min_ms", "max_ms", "stddev_ms", "median_ms", "p5_ms", "p95_ms",
                "init_ms", "first_inference_ms", "average_warm_up_ms",
            ),
            start=1,
        )
    },
    "Memory": {
        "init_footprint_kb": (1, "int64", False),
        "overall_footprint_kb": (2, "int64", False),
        "peak_mem_mb": (3, "float", False),
    },
    "Misc": {
        "model_size_mb": (1, "float", False),
        "num_runs": (2, "int32", False),
        "num_warmup_runs": (3, "int32", False),
    },
    "Result": {
        "name": (1, "bytes", False),
        "latency": (2, "Latency", False),
        "memory": (3, "Memory", False),
        "misc": (4, "Misc", False),
    },
    "Delegated": {"delegate_name": (1, "bytes", False), "replaced": (2, "int32", True)},
    "Node": {
        "id": (1, "int32", False),
        "type": (3, "bytes", False),
        "delegated": (8, "Delegated", False),
    },
    "Subgraph": {"id": (1, "int32", False), "nodes": (3, "Node", True), "plan": (4, "int32", True)},
    "Runtime": {"model_name": (1, "bytes", False), "subgraphs": (2, "Subgraph", True)},
}  # fmt: skip


@functools.cache
def _classes() -> Mapping[str, Any]:
    """The messages as protobuf's classes."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="mmnet_deploy/imported.proto", package=_PACKAGE, syntax="proto2"
    )
    for message, fields in _MESSAGES.items():
        declared = file.message_type.add(name=message)
        for name, (number, kind, repeated) in fields.items():
            field = declared.field.add(name=name, number=number)
            field.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if kind in _MESSAGES:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                field.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


def parsed(content: bytes, message: str) -> Any:
    """A message of `_MESSAGES`; None where the bytes are none."""
    from google.protobuf.message import DecodeError

    try:
        return _classes()[message].FromString(content)
    except (DecodeError, ValueError, RecursionError):
        return None


# --- How fast ----------------------------------------------------------------


def result(content: bytes) -> ForeignRun | None:
    """What `--result_file_path` wrote; None where the bytes are no such result.

    It says neither which model was measured nor on how many threads or by what.

    Raises:
        ResultError: Its numbers are missing, or cannot be true.
    """
    it = parsed(content, "Result")
    if it is None or not (it.HasField("latency") and it.HasField("misc")):
        return None
    latency, misc = it.latency, it.misc
    for holder, names in (
        (latency, ("avg_ms", "min_ms", "max_ms", "stddev_ms")),
        (misc, ("num_runs",)),
    ):
        for name in names:
            if not holder.HasField(name):
                raise ResultError(f"the result proto lacks {name}")

    def us(name: str) -> float | None:
        return 1000 * getattr(latency, name) if latency.HasField(name) else None

    init_us = us("init_ms")
    others = (init_us, us("first_inference_ms"), us("average_warm_up_ms"))
    statistics = checked(
        Statistics(
            count=misc.num_runs,
            first_us=None,
            min_us=1000 * latency.min_ms,
            max_us=1000 * latency.max_ms,
            mean_us=1000 * latency.avg_ms,
            std_us=1000 * latency.stddev_ms,
            p5_us=us("p5_ms"),
            median_us=us("median_ms"),
            p95_us=us("p95_ms"),
        ),
        [value for value in others if value is not None],
    )
    size = 1e6 * misc.model_size_mb if misc.HasField("model_size_mb") else 0.0
    peak_mb = it.memory.peak_mem_mb
    if not 0 <= peak_mb < 2**30:
        raise ResultError(f"it has an impossible size of memory: {peak_mb:g} MB")
    return ForeignRun(
        form=FORM,
        engine=Engine(TOOL, "", UNKNOWN),
        measurement=Measurement((), (), statistics),
        # A file that the tool could not size has less than nothing.
        model_bytes=around(size, size * _SIX_DIGITS) if size > 0 else None,
        init_us=init_us,
        peak_memory_bytes=round(peak_mb * 2**20) or None,
    )


# --- What ran it -------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class RuntimeInfo:
    """What ran the nodes of a model, by `--model_runtime_info_output_file`."""

    delegate: str
    nodes: int
    delegated_nodes: int
    model_name: str = ""


def runtime_info(content: bytes) -> RuntimeInfo | None:
    """What ran a model; None where the bytes are no such file."""
    it = parsed(content, "Runtime")
    if it is None or not it.subgraphs or not any(graph.nodes for graph in it.subgraphs):
        return None
    main = it.subgraphs[0]
    own = {node.id for node in main.nodes if not node.HasField("delegated")}
    # A delegate may take a node of another's; of the model's own nodes each counts once.
    by_name: dict[str, set[int]] = {}
    for node in main.nodes:
        if node.HasField("delegated") and (not main.plan or node.id in main.plan):
            name = node.delegated.delegate_name.decode("utf-8", "replace")
            by_name.setdefault(name, set()).update(own.intersection(node.delegated.replaced))
    delegate, taken = "none", set[int]()
    for kind in (Delegate.GPU, Delegate.NPU, Delegate.NNAPI, Delegate.HEXAGON, Delegate.XNNPACK):
        found = [nodes for name, nodes in by_name.items() if nodes and is_of(kind, name)]
        if found:
            delegate, taken = kind.value, set().union(*found)
            break
    else:
        if any(by_name.values()):
            # A delegate whose name is not known.
            delegate, taken = UNKNOWN, set().union(*by_name.values())
    name = it.model_name.decode("utf-8", "replace")
    return RuntimeInfo(delegate, len(own), len(taken), file_name(name))


def ran_by(run: ForeignRun, info: RuntimeInfo) -> ForeignRun:
    """The run with what its runtime info says."""
    engine = dataclasses.replace(
        run.engine,
        delegate=info.delegate,
        nodes=info.nodes or None,
        delegated_nodes=info.delegated_nodes if info.nodes else None,
    )
    return dataclasses.replace(run, engine=engine, model_name=run.model_name or info.model_name)
