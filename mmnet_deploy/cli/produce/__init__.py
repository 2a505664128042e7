"""Commands that make something: data sets, networks and `.tflite` files."""
