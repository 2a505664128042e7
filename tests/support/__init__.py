"""What several test files share: builders of results, networks and data sets, and the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

FIXTURES = ROOT / "tests" / "fixtures"
"""Recorded and stored files."""
