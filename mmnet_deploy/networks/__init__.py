"""Keras networks and SavedModels, loaded without running code that they contain."""
