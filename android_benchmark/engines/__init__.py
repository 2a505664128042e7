"""Programs that run a model on a phone: the official benchmark_model, and our own tflbench.

An engine says which files it needs, what its command line is, and what its output means; `Phone`
is what runs it.
"""

from android_benchmark.engines.official import BenchmarkModel
from android_benchmark.engines.own import Tflbench
from android_benchmark.phone.engine import PhoneEngine

__all__ = ["BenchmarkModel", "PhoneEngine", "Tflbench"]
