"""Student's t against scipy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mmnet_deploy.results.student import t_quantile

CONFIDENCES = st.sampled_from([0.95, 0.99])


@given(st.integers(1, 30), CONFIDENCES)
def test_quantiles_of_whole_degrees_are_exact(freedom, confidence):
    """Up to 30 degrees of freedom, to three decimals."""
    exact = stats.t.ppf((1 + confidence) / 2, freedom)
    assert float(t_quantile(freedom, confidence)) == pytest.approx(exact, abs=6e-4)


@given(st.floats(1, 1e9), CONFIDENCES)
def test_quantiles_between_and_beyond_are_interpolated(freedom, confidence):
    """Within half a percent from four degrees of freedom on, never far below."""
    exact = stats.t.ppf((1 + confidence) / 2, freedom)
    found = float(t_quantile(freedom, confidence))
    assert found >= 0.99 * exact
    if freedom >= 4:
        assert found == pytest.approx(exact, rel=0.005)


def test_many_quantiles_at_once_are_those_of_each():
    """An array has the quantile of each of its numbers, in its shape."""
    found = t_quantile([[1, 4.5], [30, 1e6]], 0.99)
    assert found.tolist() == [
        [float(t_quantile(f, 0.99)) for f in row] for row in ([1, 4.5], [30, 1e6])
    ]
