"""The text of benchmark_model: log lines, numbers, statistics and tables."""
