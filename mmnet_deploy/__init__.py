"""From a Keras portrait-matting network to a phone, with the truth about the trade."""

__version__ = "0.1.0"
