"""Commands that get ready what others use: engines."""
