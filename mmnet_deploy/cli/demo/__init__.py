"""The demo: a command that runs the whole pipeline on drawn portraits and bundled networks."""
