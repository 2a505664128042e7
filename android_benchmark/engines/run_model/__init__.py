"""LiteRT's program `run_model`, which hands out what a model computes on an accelerator.

Its flags and files are those of LiteRT's `litert/tools/run_model.cc` and `tensor_utils.cc`. Builds
differ: the first ones take no inputs, later ones take them from files and print the outputs, the
newest write the outputs to files too.
"""

from android_benchmark.engines.run_model.runner import RunModel

__all__ = ["RunModel"]
