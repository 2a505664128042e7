"""What a file computes in, on the device that ran it and with the delegate that ran it."""

from __future__ import annotations

from pathlib import Path

from android_benchmark import DeviceFacts, Engine, Settings
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.tflite import half_precision
from mmnet_deploy.tflite.card import read_model
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.precision import precision_of

_FLAGS = {
    "xnnpack_force_fp16=true": ("xnnpack", "fp16"),
    "gpu_precision_loss_allowed=true": ("gpu", "fp16"),
    "gpu_precision_loss_allowed=false": ("gpu", "fp32"),
}
"""Flags of benchmark_model that choose the precision of a delegate (LiteRT, `tools/delegates`)."""


def computes_in(model: Path, facts: DeviceFacts, engine: Engine, settings: Settings) -> str:
    """The type that the arithmetic of a file was done in; empty if that is not known.

    Args:
        model: The file; one whose graph cannot be read computes in something unknown.
        facts: The device, for what its cores can do.
        engine: What really ran it, after a fallback.
        settings: What was asked for.
    """
    try:
        content = read_model(model)
        precision = precision_of(Graph.from_bytes(content, str(model)))
        entry = half_precision.entry(content)
    except ModelFileError:
        return ""
    told = settings.precision
    for flag in settings.engine_flags:
        delegate, wanted = _FLAGS.get(flag.removeprefix("--").lower(), ("", ""))
        told = wanted if delegate == engine.delegate else told
    return half_precision.computes_in(
        precision,
        entry,
        fp16_arithmetic=facts.fp16_arithmetic,
        delegate=engine.delegate,
        delegate_precision=told,
    )


def require_precision(model: Path, settings: Settings) -> None:
    """Make sure that a delegate can keep to the precision that was asked for, with this file.

    Raises:
        UsageError: XNNPACK computes it in half precision whatever it is told, where cores can.
        ModelFileError: The file cannot be read.
    """
    if (settings.precision, settings.delegate) != ("fp32", "xnnpack"):
        return
    if half_precision.allows(half_precision.entry(read_model(model))):
        raise UsageError(
            f"`--delegate-precision` must not be fp32 for {model.name} on XNNPACK: the file says "
            "itself that it may be computed in half precision, and XNNPACK has no flag against "
            "that. Convert it with `--reduced-precision forbid`, or leave the option out."
        )
