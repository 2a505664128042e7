"""The Pareto front keeps what is worth choosing and nothing else."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from mmnet_deploy.results.trade_offs import TradeOff, dominates, front


def point(
    latency_ms: float, gradient_error: float, label: str = "", *, valid: bool = True
) -> TradeOff:
    return TradeOff(
        family="MMNet",
        label=label,
        latency_ms=latency_ms,
        latency_low_ms=latency_ms,
        latency_high_ms=latency_ms,
        error=gradient_error,
        parameters=None,
        device="a phone",
        valid=valid,
    )


# Few values, so that equal points and ties in one measure are common.
few = st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0, 8.0])
points = st.lists(st.builds(point, few, few, st.sampled_from("ab"), valid=st.booleans()))


@given(points)
def test_no_point_of_the_front_is_dominated(given_points: list[TradeOff]) -> None:
    """No valid point is better than a point of the front."""
    valid = [p for p in given_points if p.valid]
    assert not any(dominates(p, kept) for kept in front(given_points) for p in valid)


@given(points)
def test_every_other_valid_point_is_dominated_by_the_front(given_points: list[TradeOff]) -> None:
    """A valid point is left out only if a point of the front is better."""
    kept = front(given_points)
    left_out = [p for p in given_points if p.valid and p not in kept]
    assert all(any(dominates(best, p) for best in kept) for p in left_out)


@given(points, st.randoms())
def test_the_order_of_the_points_does_not_matter(given_points, random) -> None:
    """The same points in another order have the same front."""
    shuffled = list(given_points)
    random.shuffle(shuffled)
    assert front(shuffled) == front(given_points)


@given(points)
def test_the_front_goes_down_from_fast_to_slow(given_points: list[TradeOff]) -> None:
    """Along the front the latency grows and the error shrinks."""
    kept = front(given_points)
    assert [p.latency_ms for p in kept] == sorted(p.latency_ms for p in kept)
    assert [p.error for p in kept] == sorted((p.error for p in kept), reverse=True)


def test_equal_points_both_stay() -> None:
    """Two networks with the same error and latency are both worth choosing."""
    twins = [point(1, 1, "a"), point(1, 1, "b")]
    assert front(twins) == twins


def test_an_invalid_point_neither_joins_nor_displaces() -> None:
    """A latency that broke the rules of its benchmark is no evidence."""
    honest = point(2, 2)
    assert front([point(1, 1, valid=False), honest]) == [honest]


def test_a_point_that_is_no_number_stays_out() -> None:
    """NaN, which nothing dominates, is not on the front."""
    honest = point(2, 2)
    assert front([point(math.nan, 1), point(1, math.nan), honest]) == [honest]


def test_no_points_have_an_empty_front() -> None:
    """Nothing in, nothing out."""
    assert front([]) == []
