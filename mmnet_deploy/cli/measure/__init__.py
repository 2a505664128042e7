"""Commands that measure: quality, latency and instructions."""
