"""Charts: gradient error against latency, layers, and the worst pictures."""
