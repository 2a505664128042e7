"""Android's `adb` program: its calls, one phone through it, and what its complaints mean."""

from android_benchmark.phone.adb.device import AdbDevice
from android_benchmark.phone.adb.program import SHELL_TIMEOUT_S, Adb, Completed, Listed

__all__ = ["SHELL_TIMEOUT_S", "Adb", "AdbDevice", "Completed", "Listed"]
