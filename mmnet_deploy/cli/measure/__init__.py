"""Commands that measure quality and instructions."""
