"""Types of arguments of these scripts: a wrong value is one line."""

from __future__ import annotations

import argparse


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1. Received: {text}.")
    return value


def count(text: str) -> int:
    """A whole number, 0 or more."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"must be a whole number. Received: {text}.")
    return int(text)


def positive(text: str) -> int:
    """A whole number, 1 or more."""
    if count(text) == 0:
        raise argparse.ArgumentTypeError(f"must be 1 or more. Received: {text}.")
    return count(text)
