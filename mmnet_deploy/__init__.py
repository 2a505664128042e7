"""Bring a portrait-matting network to a phone, and see how accurate and how fast it is there.

`import mmnet_deploy` loads no library; what a function needs is loaded when it is called:

    import mmnet_deploy

    alpha = mmnet_deploy.Matting("mmnet-1.0-256-int8.tflite")(image)

`docs/guide/python.md` has an example of everything that is public: what `__all__` names.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mmnet_deploy.version import __version__

if TYPE_CHECKING:
    from mmnet_deploy import errors
    from mmnet_deploy.api.conversion import convert
    from mmnet_deploy.api.counting import cost
    from mmnet_deploy.api.evaluation import evaluate
    from mmnet_deploy.api.latency.bench import bench
    from mmnet_deploy.api.matting import Matting
    from mmnet_deploy.api.plotting import plot
    from mmnet_deploy.api.stored import load_results

__all__ = [
    "Matting",
    "__version__",
    "bench",
    "convert",
    "cost",
    "errors",
    "evaluate",
    "load_results",
    "plot",
]

_PLACES = {
    "Matting": "matting",
    "bench": "latency.bench",
    "convert": "conversion",
    "cost": "counting",
    "evaluate": "evaluation",
    "load_results": "stored",
    "plot": "plotting",
}
"""The module of `api` that has each function, which is imported when the function is used."""


if not TYPE_CHECKING:  # Type checkers would take every name for one that is there.

    def __getattr__(name: str) -> Any:
        if name == "errors":
            return importlib.import_module(f"{__name__}.errors")
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{__name__}.api.{_PLACES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
