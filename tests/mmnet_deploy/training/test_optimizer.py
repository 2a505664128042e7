"""Learning rates by schedule, and optimizers by name."""

import keras
import numpy as np
import pytest

from mmnet_deploy.runs.recipe import Recipe
from mmnet_deploy.training import optimizer


def _rates(steps=100, **changes):
    schedule = optimizer.LearningRate(Recipe(learning_rate=0.5, **changes), steps)
    return np.array([float(keras.ops.convert_to_numpy(schedule(step))) for step in range(steps)])


def test_a_fixed_rate_stays():
    """Every step has the rate of the recipe."""
    np.testing.assert_allclose(_rates(schedule="fixed"), 0.5)


def test_a_cosine_falls_from_the_rate_to_0():
    """It is that of Loshchilov and Hutter without restarts."""
    expected = 0.25 * (1 + np.cos(np.pi * np.arange(100) / 100))
    np.testing.assert_allclose(_rates(), expected, rtol=1e-4, atol=1e-7)


def test_a_piecewise_rate_falls_at_its_milestones():
    """At each share of the steps it is multiplied by the factor."""
    rates = _rates(schedule="piecewise", milestones=(0.5, 0.8), milestone_factor=0.1)
    np.testing.assert_allclose(rates[[0, 49, 50, 79, 80, 99]], [0.5, 0.5, 5e-2, 5e-2, 5e-3, 5e-3])


@pytest.mark.parametrize("schedule", ["fixed", "cosine", "piecewise"])
def test_a_warmup_rises_to_the_rate(schedule):
    """It rises by equal steps, and the schedule goes on from the rate."""
    rates = _rates(schedule=schedule, warmup_share=0.1)
    np.testing.assert_allclose(rates[:10], 0.05 * np.arange(1, 11), rtol=1e-5)
    assert rates[10] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("adam", keras.optimizers.Adam),
        ("sgd", keras.optimizers.SGD),
        ("rmsprop", keras.optimizers.RMSprop),
    ],
)
def test_optimizers_by_name(name, kind):
    """Each is Keras's own, with averages where the recipe wants them."""
    assert type(optimizer.build(Recipe(optimizer=name), 10)) is kind
    averaged = optimizer.build(Recipe(optimizer=name, ema_decay=0.9), 10)
    variable = keras.Variable([1.0, 2.0])
    averaged.build([variable])
    assert list(optimizer.averages(averaged)) == [id(variable)]


def test_the_average_is_that_of_the_weights():
    """After steps of gradient 1, the average lags behind by the decay."""
    new = optimizer.build(
        Recipe(optimizer="sgd", momentum=0.0, schedule="fixed", learning_rate=1.0, ema_decay=0.5),
        10,
    )
    variable = keras.Variable([0.0])
    new.build([variable])
    expected = None
    for step in range(1, 5):
        new.apply([keras.ops.ones(1)])
        expected = -step if expected is None else 0.5 * expected - 0.5 * step
    (average,) = optimizer.averages(new).values()
    assert float(average[0]) == pytest.approx(expected)
