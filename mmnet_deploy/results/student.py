"""Quantiles of Student's t distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# What that share of the distribution lies within, for 1 … 30 degrees of freedom, and for
# infinitely many, which is the normal distribution.
_TABLES = {
    0.95: (
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
        2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
        2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042, 1.9600,
    ),
    0.99: (
        63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169,
        3.106, 3.055, 3.012, 2.977, 2.947, 2.921, 2.898, 2.878, 2.861, 2.845,
        2.831, 2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.750, 2.5758,
    ),
}  # fmt: skip


def t_quantile(freedom: ArrayLike, confidence: float) -> NDArray[np.float64]:
    """The two-sided quantile: what a share `confidence` of Student's t lies within.

    Between whole degrees of freedom, and beyond 30, it is interpolated in 1 / `freedom`.

    Args:
        freedom: Degrees of freedom, at least 1.
        confidence: 0.95 or 0.99.
    """
    *finite, normal = _TABLES[confidence]
    knots = [0.0, *(1 / count for count in range(len(finite), 0, -1))]
    return np.interp(1 / np.asarray(freedom, float), knots, [normal, *reversed(finite)])
