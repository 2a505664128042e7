"""A process that loads and runs `.tflite` files that may crash it; see `trial`.

Run as a script: it needs the runtime and numpy, and starts in a fraction of a second. It says
`READY`. Then a request on standard input is one line of JSON and the content of a file, and the
answer on standard output is one line of JSON.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
from types import ModuleType
from typing import Any

READY = "ready"

MEMORY_BYTES = 4 * 2**30
"""The most memory that a file may make the process allocate: what a phone has for one app."""


def _limit(kind: str, value: int) -> None:
    """Set a limit of this process; systems that lack it go without."""
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        number = getattr(resource, kind)
        _, hard = resource.getrlimit(number)
        top = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (top, hard))


def _protect() -> None:
    """Keep a crash from leaving a core file, and from taking the computer's memory."""
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_DATA", MEMORY_BYTES)
    # Should memory run out all the same, Linux ends this process before any other.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _attempt(runtime: ModuleType, content: bytes, request: dict[str, Any]) -> dict[str, str]:
    """Load a file and run it on zeros and on noise; what failed and why, or nothing."""
    import numpy as np

    stage = "load"
    try:
        resolvers = runtime.OpResolverType
        interpreter = runtime.Interpreter(
            model_content=content,
            num_threads=request["threads"],
            experimental_op_resolver_type=resolvers.AUTO
            if request["delegate"] == "xnnpack"
            else resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=request["keeps_tensors"],
        )
        interpreter.allocate_tensors()
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        if any(-1 in tensor["shape_signature"][1:] for tensor in inputs):
            return {}  # Without sizes there is nothing to run.
        stage = "run"
        rng = np.random.default_rng(0)
        # Zeros, values as of a picture, and values far outside of it.
        for low, high in ((0, 0), (0, 1), (-1000, 1000)):
            for tensor in inputs:
                shape, dtype = tensor["shape"], np.dtype(tensor["dtype"])
                values = np.zeros(shape, dtype)
                if np.issubdtype(dtype, np.floating):
                    values = rng.uniform(low, high, shape).astype(dtype)
                elif high and dtype.itemsize <= 2 and np.issubdtype(dtype, np.integer):
                    # Integers of more bits are sizes or indices, of which few values are right.
                    limits = np.iinfo(dtype)
                    values = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
                interpreter.set_tensor(tensor["index"], values)
            interpreter.invoke()
            for tensor in outputs:
                interpreter.get_tensor(tensor["index"])
    except Exception as error:
        return {"stage": stage, "reason": str(error).strip() or type(error).__name__}
    return {}


def main(module: str, search_path: str) -> None:
    """Answer requests until standard input ends.

    Args:
        module: The runtime's interpreter module.
        search_path: `sys.path` of the process that asks, as JSON.
    """
    sys.path[:] = json.loads(search_path)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Whoever asks ends this process.
    answers = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # A library that prints must not spoil an answer.
    runtime = importlib.import_module(module)
    _protect()
    print(READY, file=answers, flush=True)
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        # An endless file must not outlive a killed parent.
        _limit("RLIMIT_CPU", int(time.process_time() + request["cpu_s"]) + 1)
        content = sys.stdin.buffer.read(request["size"])
        print(json.dumps(_attempt(runtime, content, request)), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
