"""What an accelerator computes with, in the engine's own words: OpenCL, OpenGL, Qualcomm HTP."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from android_benchmark.engines.benchmark_model.delegate import Delegate, Delegation

_LITERT = re.compile(r"(?:LITERT|ML_DRIFT)_(\w{1,20})")
_NAMES = {"CL": "OpenCL", "OPENGL": "OpenGL", "WEBGPU": "WebGPU", "VULKAN": "Vulkan"}
"""What stands after `LITERT_` in the names of GPU delegates in `Replacing …` lines."""
_ON_CPU = "on the CPU"
NNAPI_CPU = "nnapi-reference"
"""Android's own implementation of NNAPI, which computes on the CPU."""

_API = re.compile(r"Initializ(?:ed|ing) (\w{1,20})-based API\b.{0,80}")
_DISPATCH = re.compile(
    r"Loading shared library: .{0,400}\blibLiteRtDispatch_(\w{1,40})\.so|"
    r"Dispatch API vendor ID: (\w[\w ]{0,40})"
)
_ADAPTER = re.compile(r"Selected adapter: (.{1,200}?)(?:, \w{1,30}=.{0,300})?")
_SOFTWARE = re.compile(r"adapterType=CPU|llvmpipe|lavapipe|softpipe|swiftshader", re.IGNORECASE)
_QNN = re.compile(r"BackendType {1,30}: (\w{1,20})\([0-9]{1,3}\)")
# What is the only one runs the model, named or not.
_NNAPI = re.compile(
    rf"NNAPI accelerator name: \[([\w.-]{{1,40}})\]|NNAPI accelerators available: \[({NNAPI_CPU})\]"
)


@dataclasses.dataclass(frozen=True)
class Backend:
    """A line that names what `delegate` computes with; `part` is what of the name it gives."""

    delegate: Delegate
    name: str
    part: str = ""


def read(text: str) -> list[Backend]:
    """What a line names; nothing of most lines."""
    if match := _API.fullmatch(text):
        return [Backend(Delegate.GPU, match[1])]
    if (match := _ADAPTER.fullmatch(text)) and _SOFTWARE.search(text):
        return [Backend(Delegate.GPU, match[1], _ON_CPU)]
    if match := _DISPATCH.fullmatch(text):
        return [Backend(Delegate.NPU, match[1] or match[2], "vendor")]
    if match := _QNN.fullmatch(text):
        return [Backend(Delegate.NPU, match[1].upper(), "unit")]
    if match := _NNAPI.fullmatch(text):
        return [Backend(Delegate.NNAPI, match[1] or match[2])]
    return []


def software(named: Iterable[Backend]) -> str:
    """The name of what plays a GPU on the CPU, as in Android's emulator; empty if nothing does."""
    return next((it.name for it in named if it.part == _ON_CPU), "")


def of(delegate: Delegate, named: Iterable[Backend], delegations: Iterable[Delegation]) -> str:
    """What `delegate` computed with; empty where nothing tells.

    Of several, the last counts: what does not work is named before what does.
    """
    own = [it for it in named if it.delegate is delegate and it.part != _ON_CPU]
    if delegate is Delegate.GPU:
        taken = [
            match[1] for it in delegations if it.nodes and (match := _LITERT.fullmatch(it.delegate))
        ]
        names = [*(it.name for it in own), *(_NAMES.get(name, name) for name in taken)]
        return names[-1] if names else ""
    if delegate is not Delegate.NPU:
        return own[-1].name if own else ""
    # LiteRT names the vendor by its library, and Qualcomm's runtime the unit of the chip.
    last = {it.part: it.name for it in own}
    parts = [last.get("vendor", "Qualcomm" if "unit" in last else ""), last.get("unit", "")]
    return " ".join(filter(None, parts))
