"""What an inference costs in arm64 instructions, counted under emulation: no phone needed."""

from __future__ import annotations

import datetime
import functools
import importlib.metadata
import itertools
import platform
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from android_benchmark import cost as counting
from android_benchmark.cost import CostTools
from android_benchmark.errors import HarnessError
from mmnet_deploy.engines import own
from mmnet_deploy.errors import MmnetDeployError
from mmnet_deploy.progress import Progress, Tell, quiet, silent
from mmnet_deploy.results.records import Cost, OperatorCost
from mmnet_deploy.tflite import half_precision
from mmnet_deploy.tflite.card import describe, read_model
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.precision import precision_of

_TICK_S = 1.0


def find_tools(
    *, offline: bool = False, progress: Progress = silent, tell: Tell = quiet
) -> CostTools:
    """The programs that counting needs; the engine is put together if it is not there yet.

    Args:
        offline: Nothing may be downloaded for that.
        tell: Takes a line on what is downloaded.

    Raises:
        CostToolsError: Something is missing; the message says how to get it.
        DownloadError, OutputError: The engine cannot be put together.
    """
    counting.find_counter(own.counter_folder())  # before a download
    return counting.find_tools(
        own.bundle(offline=offline, progress=progress, tell=tell), own.counter_folder()
    )


def read_graph(model: Path) -> Graph:
    """The operators of a file.

    Raises:
        ModelFileError: It is missing, damaged or no TFLite file.
    """
    return Graph.from_bytes(read_model(model), str(model))


def measure(
    model: Path,
    tools: CostTools,
    *,
    cpu: str = counting.DEFAULT_CPU,
    delegate: str = "xnnpack",
    timeout_s: float = counting.TIMEOUT_S,
    operators: bool = True,
    stop: threading.Event | None = None,
) -> Cost:
    """Count one model; see `android_benchmark.cost.count`.

    Args:
        operators: Whether they are wanted too, which takes one run more.

    Raises:
        ModelFileError: It is no TFLite file, or damaged.
        HarnessError: The runtime does not take it, it crashed, or took too long.
    """
    content = read_model(model)
    described, graph = describe(model), Graph.from_bytes(content, str(model))
    precision, entry = precision_of(graph), half_precision.entry(content, str(model))
    counted = counting.count(
        model,
        tools,
        cpu=cpu,
        delegate=delegate,
        timeout_s=timeout_s,
        trace=operators,
        stop=stop,
    )
    attributed, missing = attribute(counted, graph)
    core = counting.CPUS[cpu]
    return Cost(
        model=described,
        precision=precision,
        counts=counted.per_inference,
        runs=tuple(run.total for run in counted.runs),
        cpu=cpu,
        identity=counted.identity,
        engine=counted.engine,
        runtime=tools.runtime,
        runtime_wheel_sha256=tools.runtime_wheel_sha256,
        compiler=tools.compiler,
        qemu_version=tools.qemu_version,
        counter_sha256=tools.counter_sha256,
        warmup_runs=counting.WARMUP_RUNS,
        versions={
            "mmnet-deploy": importlib.metadata.version("mmnet-deploy"),
            "python": platform.python_version(),
        },
        created_at=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
        operators=attributed,
        operators_missing=missing,
        cpu_title=core.title,
        computes_in=half_precision.computes_in(
            precision,
            entry,
            fp16_arithmetic=core.fp16_arithmetic,
            delegate=counted.engine.delegate,
        ),
    )


# --- Operators ---------------------------------------------------------------


def _copies(graph: Graph) -> list[int]:
    """How many kernels XNNPACK makes of each concatenation and split: one per piece."""
    pieces = {
        "CONCATENATION": lambda op: len(op.inputs),
        "SPLIT": lambda op: len(op.outputs),
        "SPLIT_V": lambda op: len(op.outputs),
    }
    return [pieces[op.kind](op) for op in graph.ops if op.kind in pieces]


def attribute(counted: counting.CountedRuns, graph: Graph) -> tuple[tuple[OperatorCost, ...], str]:
    """Instructions by operator, and why there are none where that cannot be told.

    XNNPACK's profiler names its operators and marks every kernel, but does not say which kernels
    belong together. All operators have one, except that a concatenation and a split have one per
    piece: where that accounts for every kernel, the two lists fit in one way only.
    """
    names, kernels = counted.operators, counted.kernels
    if counted.trace_failure:
        return (), counted.trace_failure
    copies = iter(_copies(graph))
    sizes = []
    for operator in names:
        several = operator.inside_delegate and operator.name.startswith("Copy ")
        sizes.append(next(copies, 1) if several else 1)
    if sum(sizes) != len(kernels):
        return (), f"{len(names)} operators ran {len(kernels)} kernels, and which is not known"
    found = []
    position = 0
    for operator, size in zip(names, sizes, strict=True):
        own = kernels[position : position + size]
        position += size
        if any(kernel.inside_delegate != operator.inside_delegate for kernel in own):
            return (), "operators and kernels came in different orders"
        total = sum(kernel.counts.total for kernel in own)
        found.append(OperatorCost(operator.name, total, size, operator.inside_delegate))
    return tuple(found), ""


# --- Several models ----------------------------------------------------------


def measure_all(
    models: Sequence[Path],
    tools: CostTools,
    *,
    cpus: Sequence[str] = (counting.DEFAULT_CPU,),
    delegate: str,
    timeout_s: float,
    jobs: int = 1,
    progress: Progress = silent,
) -> Generator[tuple[Path, str, Cost | MmnetDeployError | HarnessError], None, None]:
    """Count models on cores, `jobs` at a time, and yield each when it is done.

    What is yielded is the model, the core, and the cost or the error.

    Who stops before the end closes the generator, which ends the emulators.

    Every emulator has one thread, so counts are exact however many run.
    """
    stop = threading.Event()
    count = functools.partial(
        measure, tools=tools, delegate=delegate, timeout_s=timeout_s, stop=stop
    )
    jobs_title, total = "Counting instructions", len(models) * len(cpus)
    with ThreadPoolExecutor(jobs) as pool, progress(jobs_title, total) as tell:
        left: dict[Future[Cost], tuple[Path, str]] = {}
        try:
            for model, cpu in itertools.product(models, cpus):
                left[pool.submit(count, model, cpu=cpu)] = model, cpu
            while left:
                done, _ = wait(left, timeout=_TICK_S, return_when=FIRST_COMPLETED)
                tell(steps=0)
                for future in done:
                    model, cpu = left.pop(future)
                    try:
                        outcome: Cost | MmnetDeployError | HarnessError = future.result()
                    except (MmnetDeployError, HarnessError) as error:
                        outcome = error
                    tell(model.name)
                    yield model, cpu, outcome
        finally:
            stop.set()
            for future in left:
                future.cancel()
