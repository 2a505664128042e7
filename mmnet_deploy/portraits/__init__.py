"""Pictures and masks: data sets on disk, representative datasets, and synthetic portraits."""
