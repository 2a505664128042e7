"""A phone over adb: connection, state, workspace, and the rules that its results are held to."""

from android_benchmark.phone.adb import Adb
from android_benchmark.phone.attached import attached_phones
from android_benchmark.phone.cores import CoresError
from android_benchmark.phone.phone import PATIENCE_S, Phone

__all__ = ["PATIENCE_S", "Adb", "CoresError", "Phone", "attached_phones"]
