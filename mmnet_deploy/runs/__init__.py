"""Training runs on disk: the run folder, recipes, and the bundled networks."""
