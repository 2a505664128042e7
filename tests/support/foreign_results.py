"""Files of other tools: models of any size, protos byte by byte, JSON of litert-benchmark."""

import json
import struct

import flatbuffers
import numpy as np

from mmnet_deploy.tflite.runtime import schema
from mmnet_deploy.tflite.schema import IDENTIFIER
from tests.support import FIXTURES

IMPORTED = FIXTURES / "imported"


def tflite_file(path, size=1000):
    """A `.tflite` file without operators, of so many bytes."""
    model = schema().ModelT()
    model.version, model.subgraphs, model.buffers = 3, [], []
    builder = flatbuffers.Builder(64)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    content = bytes(builder.Output())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content + bytes(size - len(content)))
    return path


def litert_json(model="models/net.tflite", size_mb=0.0, **changes):
    """What `litert-benchmark --result_json` writes, with times in milliseconds changed by name."""
    latency = {
        "init_ms": 3.19, "warmup_first_ms": 0.75, "warmup_avg_ms": 1.41, "num_warmup_runs": 5,
        "avg_ms": 1.54, "min_ms": 1.28, "max_ms": 2.15, "median_ms": 1.52, "std_ms": 0.1,
        "p5_ms": 1.38, "p95_ms": 1.84, "num_runs": 50,
    }  # fmt: skip
    result = {
        "model": model,
        "model_size_mb": size_mb,
        "accelerators": ["CPU"],
        "signature": "serving_default",
        "fully_accelerated": True,
        "num_threads": 1,
        "latency": latency,
        "throughput_mb_s": 121.76,
    }
    for name, value in changes.items():
        (latency if name in latency else result)[name] = value
    return json.dumps(result, indent=2)


# --- Protos by hand, as the encoding's specification says --------------------


def varint(value):
    """A number in base 128; one below 0 as its two's complement of 64 bits."""
    value &= 2**64 - 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def number(field, value):
    """A field of a whole number."""
    return varint(field << 3) + varint(value)


def real(field, value):
    """A field of a 32-bit float."""
    return varint(field << 3 | 5) + struct.pack("<f", value)


def inner(field, content):
    """A field of bytes: a text or a message."""
    return varint(field << 3 | 2) + varint(len(content)) + content


LATENCY = (464.545, 442.0, 979.0, 13.0, 462.0, 460.0, 478.0, 4478.0, 1033.0, 465.319)
"""Mean, least, greatest, deviation, median, p5, p95, init, first and warm-up's mean, in µs."""


def result_proto(latency_us=LATENCY, runs=2112, size_bytes=1000, peak_mb=11.5, name=b""):
    """What `benchmark_model --result_file_path` writes."""
    latency = b"".join(real(index, us / 1000) for index, us in enumerate(latency_us, start=1))
    memory = number(1, 9154) + number(2, 11786) + real(3, peak_mb)
    misc = real(1, size_bytes / 1e6) + number(2, runs) + number(3, 1055) + real(4, 525.55)
    head = inner(1, name) if name else b""
    # A field that a newer tool added.
    return head + inner(2, latency) + inner(3, memory) + inner(4, misc + real(5, 2153.0))


def runtime_info(nodes=5, replaced=(0, 1, 2), delegate=b"TfLiteGpuDelegateV2"):
    """What `--model_runtime_info_output_file` writes of a graph that a delegate took a part of."""
    own = b"".join(
        inner(3, number(1, index) + inner(2, b"CONV_2D") + inner(3, b"3")) for index in range(nodes)
    )
    taken = inner(1, delegate) + inner(2, b"".join(map(varint, replaced)))
    kernel = inner(3, number(1, nodes) + inner(2, delegate) + inner(8, taken))
    plan = inner(4, b"".join(varint(i) for i in (*range(len(replaced), nodes), nodes)))
    tensor = inner(2, number(1, 0) + inner(2, b"input"))
    return inner(2, number(1, 0) + tensor + own + (kernel if replaced else b"") + plan)


def float32(value):
    """The number that a 32-bit float holds."""
    return float(np.float32(value))
