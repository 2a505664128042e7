"""Latency and instruction counts of `.tflite` files, on devices and by emulation."""
