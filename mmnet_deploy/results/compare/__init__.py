"""Two sets of results side by side: what changed, beyond noise, and what cannot be compared."""

from mmnet_deploy.results.compare.comparison import compare
from mmnet_deploy.results.compare.rows import NOT_COMPARABLE, QUANTITIES, SAME, Comparison, Row

__all__ = ("NOT_COMPARABLE", "QUANTITIES", "SAME", "Comparison", "Row", "compare")
