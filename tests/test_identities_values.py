"""The limits that distance, dqn and ddpg state, each on full arrays; and squares beyond float64 on every page."""

from __future__ import annotations

import laws
import numpy as np
import pytest

from rlref.conformance import cases
from rlref.losses import ddpg, distance, dqn
from rlref.pages import pages

RNG = np.random.default_rng(7)
SHAPE = (6, 3)
X, Y = RNG.normal(size=SHAPE) * 3, RNG.normal(size=SHAPE)


def of(difference, loss_function):
    return distance.vectorized(difference, np.zeros(difference.shape), loss_function=loss_function).loss


@pytest.mark.parametrize("form", ["loop", "vectorized"])
def test_distance(form):
    near, far = X / np.abs(X) / 3, X / np.abs(X) * (1 + np.abs(X))
    function = getattr(distance, form)

    def of_zero(u, loss_function):
        return function(u, np.zeros(SHAPE), loss_function=loss_function).loss

    np.testing.assert_allclose(of_zero(near, "smooth_l1"), of_zero(near, "l2") / 2, rtol=1e-15)
    np.testing.assert_allclose(of_zero(far, "smooth_l1"), of_zero(far, "l1") - 0.5, rtol=1e-15)
    for name in ("l1", "l2", "smooth_l1"):
        assert np.array_equal(of_zero(X, name), of_zero(-X, name))
        assert np.all(of_zero(X, name) > 0) and not np.any(of_zero(0 * X, name))


def test_slopes_of_smooth_l1_meet():
    """One float to either side of 1, the derivative is 1 to the last bit but one."""
    u = np.array([np.nextafter(1, 0), 1.0, np.nextafter(1, 2)])
    slope = distance.vjp((np.ones(3),), u, np.zeros(3), loss_function="smooth_l1").input
    np.testing.assert_allclose(slope, 1.0, rtol=2e-16)
    assert np.all(np.diff(of(u, "smooth_l1")) >= 0)


def test_a_step_of_half_the_gradient_is_a_backup():
    values, action = RNG.normal(size=(*SHAPE, 4)), RNG.integers(4, size=SHAPE)
    gradient = dqn.vjp((np.ones(SHAPE), np.zeros(SHAPE)), values, action, Y, loss_function="l2").action_value
    after = values - gradient / 2
    taken = np.eye(4, dtype=bool)[action]
    np.testing.assert_allclose(after[taken], Y.ravel(), rtol=1e-12)
    assert np.array_equal(after[~taken], values[~taken])


def test_a_critic_that_is_right_is_left_alone():
    for name in ("l1", "l2", "smooth_l1"):
        gradient = ddpg.vjp((np.ones(SHAPE),) * 3, Y, Y, X, loss_function=name)
        assert not np.any(gradient.loss_value.state_action_value)
        assert np.array_equal(gradient.loss_actor.policy_action_value, -np.ones(SHAPE))


def test_what_the_actor_is_told_does_not_depend_on_the_critic_s_error():
    one, other = (ddpg.vjp((np.ones(SHAPE),) * 3, y, Y, X, loss_function="l2").loss_actor for y in (X, Y + 5))
    assert np.array_equal(one.policy_action_value, other.policy_action_value)


def test_the_cotangent_of_what_is_reported_does_nothing():
    for c in (0.0, 1.0, -1e6):
        by = ddpg.vjp((np.ones(SHAPE), np.ones(SHAPE), np.full(SHAPE, c)), X, Y, X, loss_function="l2")
        again = ddpg.vjp((np.ones(SHAPE), np.ones(SHAPE), np.zeros(SHAPE)), X, Y, X, loss_function="l2")
        for mine, other in zip(by, again, strict=True):
            assert np.array_equal(mine[0], other[0])


@pytest.mark.parametrize("page", [page for page in pages().values() if "loss_function" in page.arguments],
                         ids=lambda page: page.short)
def test_a_square_that_no_float_holds_is_infinite(page):
    """Without a warning, as float64's own arithmetic would give one."""
    pick = cases.seeded("large")
    inputs = cases.sample(page, pick, (3,), settings={"loss_function": "l2"})
    inputs |= {"target" if page.short == "distance" else "value_target": np.full(3, 1e200)}
    inputs |= {name: 1.0 for name in ("critic_coeff",) if name in inputs}
    cotangents = {name: np.ones(shape) for name, shape in page.shapes(inputs).items()}
    laws.silent(page, inputs, cotangents)
    for form in (page.loop, page.vectorized):
        assert any(np.all(x == np.inf) for x in form(**inputs))
    assert all(np.isfinite(x).all() for x in page.gradients(page.vjp(page.output(**cotangents), **inputs)).values())
