"""The Pareto front keeps what is worth choosing and nothing else."""

from __future__ import annotations

import dataclasses
import graphlib
import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mmnet_deploy.results import trade_offs
from mmnet_deploy.results.records import PictureScore
from mmnet_deploy.results.trade_offs import TradeOff, dominates, front
from tests.support import results


def point(
    latency_ms: float,
    error: float,
    label: str = "",
    *,
    spread: float = 0.0,
    scores: list[float] | None = None,
    **changes,
) -> TradeOff:
    """A measured point; `spread` is half its interval, `scores` are its pictures'."""
    evaluation = None
    if scores is not None:
        pictures = tuple(
            PictureScore(f"p{n:03}", {"gradient_error": score}) for n, score in enumerate(scores)
        )
        evaluation = results.evaluation(results.model(), pictures=pictures)
        error = evaluation.scores["gradient_error"]
    found = TradeOff(
        family="MMNet",
        label=label,
        latency_ms=latency_ms,
        latency_low_ms=latency_ms - spread,
        latency_high_ms=latency_ms + spread,
        error=error,
        parameters=None,
        device="a phone",
        evaluation=evaluation,
    )
    return dataclasses.replace(found, **changes)


def labels(points: list[TradeOff]) -> list[str]:
    return [found.label for found in points]


def in_circles(points: list[TradeOff]) -> bool:
    """Whether each of some points is beaten by another, in a circle."""
    beaten = {
        number: {other for other, by in enumerate(points) if dominates(by, one)}
        for number, one in enumerate(points)
    }
    try:
        graphlib.TopologicalSorter(beaten).prepare()
    except graphlib.CycleError:
        return True
    return False


def tied(one: TradeOff, other: TradeOff) -> bool:
    """Whether nothing tells the two apart: with the other measure equal, none beats the other."""
    alike = {"error": one.error, "evaluation": one.evaluation}
    there = dataclasses.replace(other, **alike)
    latency = {
        name: getattr(one, name) for name in ("latency_ms", "latency_low_ms", "latency_high_ms")
    }
    as_fast = dataclasses.replace(other, **latency)
    pairs = ((one, there), (there, one), (one, as_fast), (as_fast, one))
    return not any(dominates(*pair) for pair in pairs)


# Few values, so that ties and equal points are common. Noise of pictures in three sizes.
few = st.sampled_from([1.0, 1.005, 1.5, 2.0, 2.1, 3.0, 8.0])
exact = st.builds(point, few, few, st.sampled_from("ab"), valid=st.booleans())
noisy = st.builds(
    lambda latency_ms, error, spread, noise, seed: point(
        latency_ms,
        0.0,
        spread=spread,
        scores=(error * np.random.default_rng(seed).lognormal(0, noise, 5)).tolist(),
    ),
    few,
    few,
    st.sampled_from([0.0, 0.3, 1.0, math.inf]),
    st.sampled_from([0.0, 0.02, 0.3]),
    st.integers(0, 5),
)
points = st.one_of(st.lists(exact), st.lists(noisy, max_size=12))


@given(points)
def test_of_two_points_of_the_front_one_is_faster_and_the_other_more_exact(given_points) -> None:
    """None beats another, and none that could be told apart is slower and less exact."""
    kept = front(given_points)
    assert [p.latency_ms for p in kept] == sorted(p.latency_ms for p in kept)
    assert [p.error for p in kept] == sorted((p.error for p in kept), reverse=True)
    for one, other in itertools.permutations(kept, 2):
        assert not dominates(one, other)
        same = (one.latency_ms, one.error) == (other.latency_ms, other.error)
        assert same or not tied(one, other)


@given(points)
def test_what_is_left_out_is_beaten_by_the_front_or_tied_with_it(given_points) -> None:
    """In both measures; where points beat each other in a circle, one stands for it."""
    kept = front(given_points)
    left_out = [p for p in given_points if p.valid and p not in kept]
    if not in_circles([p for p in given_points if p.valid]):
        for p in left_out:
            assert any(dominates(best, p) or tied(best, p) for best in kept)
    assert bool(kept) == any(p.valid for p in given_points)


@given(points, st.randoms())
def test_the_order_of_the_points_does_not_matter(given_points, random) -> None:
    """The same points in another order have the same front."""
    shuffled = list(given_points)
    random.shuffle(shuffled)
    numbers = [(p.latency_ms, p.error, p.label) for p in front(given_points)]
    assert numbers == [(p.latency_ms, p.error, p.label) for p in front(shuffled)]


@given(st.lists(exact))
def test_without_noise_the_front_is_the_classical_one(given_points: list[TradeOff]) -> None:
    """Published points count by their numbers: nothing that is as good in both is better in one."""
    numbers = [dataclasses.replace(p, source="published") for p in given_points]
    valid = [p for p in numbers if p.valid]
    expected = {
        (p.latency_ms, p.error)
        for p in valid
        if not any(
            q.latency_ms <= p.latency_ms
            and q.error <= p.error
            and (q.latency_ms, q.error) != (p.latency_ms, p.error)
            for q in valid
        )
    }
    kept = front(numbers)
    assert {(p.latency_ms, p.error) for p in kept} == expected
    assert len(kept) == sum((p.latency_ms, p.error) in expected for p in valid)


# --- Ties ----------------------------------------------------------------------

SCORES = np.random.default_rng(0).lognormal(-5, 0.6, 100)


def test_of_two_files_with_one_error_the_faster_is_on_the_front() -> None:
    """Errors that differ in the sixth digit are one, though every picture has the difference."""
    slow = point(9.0, 0, "float32", spread=0.1, scores=SCORES.tolist())
    fast = point(5.0, 0, "int8", spread=0.1, scores=(1.00002 * SCORES).tolist())
    assert slow.error < fast.error
    assert labels(front([slow, fast])) == ["int8"]


def test_a_difference_that_other_pictures_may_turn_round_is_a_tie() -> None:
    """The interval is that of paired differences, as SciPy has it."""
    rng = np.random.default_rng(1)
    for shift, noise in ((0.01, 0.1), (0.01, 0.02), (0.03, 0.3), (0.05, 0.1)):
        other = SCORES * (1 + shift + rng.normal(0, noise, 100))
        found = stats.ttest_rel(other, SCORES).confidence_interval(0.95)
        better = point(9.0, 0, "slow", scores=SCORES.tolist())
        worse = point(5.0, 0, "fast", scores=other.tolist())
        expected = ["fast", "slow"] if found.low > 0 else ["fast"]
        assert labels(front([worse, better])) == expected


def test_of_overlapping_latencies_the_more_exact_is_on_the_front() -> None:
    """Though it is slower by its number."""
    fast = point(10.0, 0.006, "fast", spread=0.5)
    exact_ = point(10.4, 0.005, "exact", spread=0.5)
    assert labels(front([fast, exact_])) == ["exact"]
    apart = dataclasses.replace(exact_, latency_ms=11.1, latency_low_ms=10.6)
    assert labels(front([fast, apart])) == ["fast", "exact"]


def test_latencies_within_a_hundredth_are_one() -> None:
    """However narrow their intervals are: no single run shows what varies between runs."""
    assert labels(front([point(10.0, 0.006, "a"), point(10.09, 0.005, "b")])) == ["b"]
    assert labels(front([point(10.0, 0.006, "a"), point(10.11, 0.005, "b")])) == ["a", "b"]


def test_of_points_that_nothing_tells_apart_the_fastest_stays() -> None:
    """Whatever the order."""
    twins = [
        point(latency_ms, 0, f"{latency_ms}", spread=1.0, scores=SCORES.tolist())
        for latency_ms in (10.0, 10.3, 10.6)
    ]
    for order in itertools.permutations(twins):
        assert labels(front(list(order))) == ["10.0"]


def test_an_open_interval_and_a_single_picture_tell_nothing_apart() -> None:
    """A latency of few runs is tied with all, and so is an error of one picture."""
    sure = point(10.0, 0.005, "sure")
    unsure = point(1.0, 0.006, "unsure", latency_low_ms=-math.inf, latency_high_ms=math.inf)
    assert labels(front([sure, unsure])) == ["sure"]
    one = point(5.0, 0, "one", scores=[0.009])
    other = point(9.0, 0, "other", scores=[0.001])
    assert labels(front([one, other])) == ["one"]


def test_errors_of_other_pictures_count_by_their_numbers() -> None:
    """There is no pair to compare."""
    one = point(5.0, 0, "one", scores=SCORES.tolist())
    fewer = point(9.0, 0, "fewer", scores=np.sort(SCORES)[:99].tolist())
    assert labels(front([one, fewer])) == ["one", "fewer"]


def test_a_chain_of_ties_keeps_its_clearly_better_end() -> None:
    """A is tied with B, B with C, C with D, and D is better than A: both ends are kept."""
    chain = [
        point(10.0 * 1.5**step, 0, "ABCD"[step], scores=(SCORES * 0.9994**step).tolist())
        for step in range(4)
    ]
    assert not any(dominates(slow, fast) for fast, slow in itertools.combinations(chain, 2))
    for order in itertools.permutations(chain):
        assert labels(front(list(order))) == ["A", "C"]


def test_a_wide_interval_does_not_push_out_what_it_does_not_beat() -> None:
    """The noisy one is tied with both; what it would hide is chosen all the same."""
    wide = point(30.0, 0.0050, "wide", spread=29.5)
    fast = point(5.0, 0.0070, "fast", spread=0.1)
    exact_ = point(20.0, 0.00501, "exact", spread=0.1, scores=None)
    assert labels(front([wide, fast, exact_])) == ["wide"]
    tied_ = dataclasses.replace(exact_, error=0.0050)
    assert labels(front([wide, fast, tied_])) == ["fast", "exact"]


def test_a_circle_of_points_that_beat_each_other_has_one_end() -> None:
    """Each beats the next: the fastest stands for it, and nothing that it can be compared with."""
    circle = [
        point(6.5, 0, "x1", spread=0.5, scores=[1.0] * 9),
        point(5.0, 0, "x2", spread=5.0, scores=[1.00101] * 9),
        point(0.5, 0, "x3", spread=0.5, scores=[1.00202] * 9),
        point(2.5, 0, "x4", spread=0.5, scores=[1.0012] * 9),
        point(4.5, 0, "x5", spread=0.5, scores=[1.0004] * 9),
    ]
    assert all(dominates(one, circle[(n + 1) % 5]) for n, one in enumerate(circle))
    for order in itertools.permutations(circle):
        assert labels(front(list(order))) == ["x3", "x5"]


def test_of_many_models_those_are_kept_that_differ() -> None:
    """Of 300 that differ by noise alone, the fastest and few others."""
    rng = np.random.default_rng(2)
    base = rng.lognormal(-5, 0.6, 200)
    many = [
        point(10 + n, 0, f"{n}", spread=0.1, scores=(base * rng.lognormal(0, 0.2, 200)).tolist())
        for n in range(300)
    ]
    kept = front(many)
    assert kept[0] is many[0] and len(kept) < 10


# --- Odd ones ------------------------------------------------------------------


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


def test_mean_iou_is_compared_by_its_complement() -> None:
    """Joined results carry the scores of their pictures, whatever the metric."""
    found = []
    for name, latency_us, lost in (("aa", 1000.0, 0.02), ("bb", 2000.0, 0.01)):
        pictures = tuple(
            PictureScore(f"{n}", {"gradient_error": 0.004, "mean_iou": 1 - lost * (1 + n / 50)})
            for n in range(20)
        )
        file = results.model(name, f"{name}.tflite")
        found += [
            results.evaluation(file, pictures=pictures),
            results.benchmark(file, (latency_us,) * 50),
        ]
    joined = trade_offs.join(found)
    assert labels(front(joined.trade_offs("mean_iou"))) == ["aa", "bb"]
    assert labels(front(joined.trade_offs("gradient_error"))) == ["aa"]
