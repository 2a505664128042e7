"""Convert portrait-matting networks to TFLite, measure them on phones, and chart the trade-off."""

__version__ = "0.1.0"
