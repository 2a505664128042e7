"""One `.tflite` file: its graph, its counts, its description, and its interpreter."""
