"""Programs that run a model on a phone: the official benchmark_model, and our own tflbench.

An engine says which files it needs, what its command line is, and what its output means. It
touches no phone itself: `android_benchmark.phone.phone` does.
"""

from android_benchmark.engines.official import BenchmarkModel
from android_benchmark.engines.own import Tflbench
from android_benchmark.phone.engine import EngineResult, PhoneEngine

__all__ = ["BenchmarkModel", "EngineResult", "PhoneEngine", "Tflbench"]
