"""The pictures of a training step: decoded once, augmented, and made into batches."""
