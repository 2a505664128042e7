"""A float `.tflite` file as a Keras network that can be trained."""
