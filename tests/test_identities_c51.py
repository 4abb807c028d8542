"""What holds of C51's projection and loss, of reductions, clipped values and target updates, and where it breaks."""

from __future__ import annotations

import numpy as np
import pytest
import rlax
from hypothesis import assume, given
from hypothesis import strategies as st
from jax import enable_x64

from rlref.bootstraps import categorical_projection
from rlref.conformance.cases import Case
from rlref.conformance.judge import judge, prepare
from rlref.conformance.reference import EPS, GRADIENT_UNITS, UNITS
from rlref.conformance.worker import Answer
from rlref.losses import _distance, clipped_value, distributional_dqn, reduction
from rlref.pages import find
from rlref.targets import hard_update, soft_update

PROJECTION, CLIPPED, REDUCTION = (find(name) for name in ("categorical_projection", "clipped_value", "reduction"))
data = given(data=st.data())
both = pytest.mark.parametrize("form", ["loop", "vectorized"])
LOUD = {"over": "raise", "invalid": "raise", "divide": "raise"}


def landed(x):
    """y_j = r + gamma (1 - terminated) z_j."""
    discount = np.where(x["terminated"], 0.0, x["gamma"])[..., None]
    return x["reward"][..., None] + discount * x["support"]


def rounding(x):
    """What one rounding of y costs in u: its eps against the smallest gap."""
    most = np.abs(x["reward"]).max() + 2 * np.abs(x["support"]).max()
    return EPS * most / np.diff(x["support"]).min()


# categorical_projection


@data
@both
def test_no_mass_is_lost(examples, form, data):
    inputs, _ = data.draw(examples(PROJECTION))
    m = getattr(categorical_projection, form)(**inputs).target_probs
    assert (m >= 0).all()
    atoms = m.shape[-1]
    np.testing.assert_allclose(m.sum(axis=-1), inputs["next_atom_probs"].sum(axis=-1), rtol=0, atol=2 * atoms * EPS)


@pytest.mark.parametrize("support", [np.linspace(-10, 10, 51), np.linspace(0, 0.3, 20), np.linspace(-1, 3.3, 8),
                                     np.array([-2.0, -1.75, 0.0, 0.5, 3.0]), np.array([-1e-3, 1e3])])
@both
def test_nothing_moves_without_reward_or_discount(form, support):
    """b = (y - v_min) / dz would be rounded on most of these; here every atom keeps what it had, to the last bit."""
    probs = np.random.default_rng(0).dirichlet(np.ones(support.size), 3)
    m = getattr(categorical_projection, form)(probs, np.zeros(3), np.zeros(3, bool), gamma=1.0, support=support)
    np.testing.assert_array_equal(m.target_probs, probs)


@data
def test_the_mean_is_kept_where_nothing_is_clipped(examples, data):
    inputs, _ = data.draw(examples(PROJECTION))
    probs, y = inputs["next_atom_probs"], landed(inputs)
    inside = ((y >= inputs["support"][0]) & (y <= inputs["support"][-1])).all(axis=-1)
    assume(inside.any())
    mean = categorical_projection.vectorized(**inputs).target_probs @ inputs["support"]
    worst = 32 * rounding(inputs) * (1 + np.abs(inputs["support"]).sum()) * (1 + probs.max())
    np.testing.assert_allclose(mean[inside], np.sum(probs * y, axis=-1)[inside], rtol=0, atol=worst)


def test_the_mean_is_lost_where_something_is_clipped():
    m = categorical_projection.vectorized([[0.5, 0.5]], [1.0], [False], gamma=1.0, support=[0.0, 1.0])
    assert m.target_probs @ [0.0, 1.0] == 1.0  # not r + gamma / 2 = 1.5


@data
def test_is_equation_7_where_gaps_are_equal(examples, data):
    """Bellemare et al. 2017: the sum over j of [1 - |y_j - z_i| / dz] cut off at 0 and 1, times p_j."""
    inputs, _ = data.draw(examples(PROJECTION))
    z = inputs["support"]
    assume(np.ptp(np.diff(z)) == 0)
    y = np.clip(landed(inputs), z[0], z[-1])[..., None, :]
    weights = np.clip(1 - np.abs(y - z[:, None]) / (z[1] - z[0]), 0, 1)
    expected = np.sum(weights * inputs["next_atom_probs"][..., None, :], axis=-1)
    got = categorical_projection.vectorized(**inputs).target_probs
    worst = 16 * rounding(inputs) * (1 + inputs["next_atom_probs"].max())
    np.testing.assert_allclose(got, expected, rtol=0, atol=worst)


@pytest.mark.parametrize("seed", range(8))
def test_rlax_agrees_on_any_gaps(seed):
    """value and gradient, 51 atoms in a random order of magnitude of gaps."""
    rng = np.random.default_rng(seed)
    z = np.cumsum(10 ** rng.uniform(-2, 1, 51)) - 30
    probs, reward = rng.dirichlet(np.ones(51)), rng.normal() * 20
    cotangent = rng.normal(size=51)
    with enable_x64(True):
        import jax
        expected, pull = jax.vjp(lambda p: rlax.categorical_l2_project(reward + 0.9 * z, p, jax.numpy.asarray(z)),
                                 jax.numpy.asarray(probs))
        (gradient,) = pull(jax.numpy.asarray(cotangent))
    arguments = probs[None], np.array([reward]), np.array([False])
    got = categorical_projection.vectorized(*arguments, gamma=0.9, support=z).target_probs[0]
    by = categorical_projection.vjp((cotangent[None],), *arguments, gamma=0.9, support=z).next_atom_probs[0]
    worst = EPS * (np.abs(z).max() + abs(reward)) / np.diff(z).min()
    np.testing.assert_allclose(got, np.asarray(expected), rtol=0, atol=UNITS * worst)
    np.testing.assert_allclose(by, np.asarray(gradient), rtol=0, atol=GRADIENT_UNITS * worst)


@both
def test_rewards_of_any_size_are_clipped_in_silence(form):
    with np.errstate(**LOUD):
        m = getattr(categorical_projection, form)([[0.25, 0.75]] * 4, [1e308, -1e308, 1e-320, 1.7e308], [False] * 4,
                                                  gamma=1.0, support=[-1e308, 0.0])
    np.testing.assert_array_equal(m.target_probs, [[0, 1], [1, 0], [0.25, 0.75], [0, 1]])


def test_more_than_a_block_of_samples():
    """Blocks are put together in order: the same, whether asked for at once or one by one."""
    rng = np.random.default_rng(1)
    n, z = 1500, np.linspace(-2.0, 2.0, 7)
    probs, reward, ended = rng.dirichlet(np.ones(7), n), rng.normal(size=n), rng.random(n) < 0.2
    gamma, cotangent = rng.random(n), rng.normal(size=(n, 7))
    whole = categorical_projection.vectorized(probs, reward, ended, gamma=gamma, support=z).target_probs
    by = categorical_projection.vjp((cotangent,), probs, reward, ended, gamma=gamma, support=z).next_atom_probs
    for i in (0, 511, 512, 513, 1023, 1024, 1499):
        one = slice(i, i + 1)
        rest = probs[one], reward[one], ended[one]
        alone = categorical_projection.vectorized(*rest, gamma=gamma[one], support=z)
        np.testing.assert_array_equal(whole[one], alone.target_probs)
        alone = categorical_projection.vjp((cotangent[one],), *rest, gamma=gamma[one], support=z)
        np.testing.assert_array_equal(by[one], alone.next_atom_probs)


# distributional_dqn


@both
def test_a_point_target_gives_its_log_probability(form):
    log_p = np.log(np.random.default_rng(2).dirichlet(np.ones(6), (6, 2)))
    found = getattr(distributional_dqn, form)(log_p, [1] * 6, np.eye(6)).loss
    np.testing.assert_array_equal(found, -log_p[:, 1].diagonal())


def test_the_least_loss_is_the_entropy_of_the_target():
    rng = np.random.default_rng(3)
    m, others = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5), 50)
    log_p = np.log(np.concatenate([m[None], others]))[:, None]
    loss = distributional_dqn.vectorized(log_p, [0] * 51, np.tile(m, (51, 1))).loss
    np.testing.assert_allclose(loss[0], -np.sum(m * np.log(m)), rtol=1e-15)
    assert (loss[1:] > loss[0]).all()


@both
def test_an_impossible_atom_of_the_target_costs_infinity(form):
    function = getattr(distributional_dqn, form)
    with np.errstate(**LOUD):
        assert function([[[-np.inf, -1.0]]], [0], [[0.5, 0.5]]).loss == np.inf
        assert function([[[-np.inf, -1.0]]], [0], [[0.0, 1.0]]).loss == 1
    by = distributional_dqn.vjp(([2.0],), [[[-np.inf, -1.0]]], [0], [[0.5, 0.5]]).action_log_probs
    np.testing.assert_array_equal(by, [[[-1, -1]]])


def test_takes_what_the_projection_gives():
    """Sums of softmax outputs that are rounded to more than 1 all land on one atom."""
    probs = np.random.default_rng(4).dirichlet(np.ones(51), 200)
    m = categorical_projection.vectorized(probs, np.full(200, 99.0), np.zeros(200, bool), gamma=1.0,
                                          support=np.linspace(-10, 10, 51)).target_probs
    assert (m > 1).any()
    distributional_dqn.vectorized(np.full((200, 1, 51), -1.0), np.zeros(200, int), m)


# reduction


@data
@both
def test_equal_weights_give_the_plain_mean(examples, form, data):
    inputs, _ = data.draw(examples(REDUCTION))
    function, mask = getattr(reduction, form), inputs["mask"]
    losses = inputs["loss"][mask]
    value = function(inputs["loss"], np.full(mask.shape, 0.3), mask, reduction="mean").value
    assert value.shape == ()
    worst = 2 * UNITS * EPS * np.abs(losses).mean()
    np.testing.assert_allclose(value, losses.mean(), rtol=0, atol=worst)
    total = function(inputs["loss"], np.ones(mask.shape), mask, reduction="sum").value
    np.testing.assert_allclose(total, losses.size * value, rtol=0, atol=losses.size * worst)


@both
@pytest.mark.parametrize("mask, weight", [([False, False], [1.0, 1.0]), ([True, False], [0.0, 1.0])])
def test_a_mean_over_nothing_is_an_error(form, mask, weight):
    function = getattr(reduction, form)
    with pytest.raises(ValueError, match=r"weight: expected a sum > 0 over the mask for a mean, got 0"):
        function([1.0, 2.0], weight, mask, reduction="mean")
    assert function([1.0, 2.0], weight, mask, reduction="sum").value == 0
    with pytest.raises(ValueError, match="weight: expected a sum > 0"):
        reduction.vjp((1.0,), [1.0, 2.0], weight, mask, reduction="mean")


@both
def test_only_the_ratios_of_weights_count_in_a_mean(form):
    function = getattr(reduction, form)
    with np.errstate(**LOUD):
        for scale in (1e-300, 1.0, 1e300):
            value = function([1e-20, 3e-20], [scale, scale], [True, True], reduction="mean").value
            np.testing.assert_allclose(value, 2e-20, rtol=4 * EPS)
        assert function([1.5e308, 1.5e308], [1.0, 1.0], [True, True], reduction="mean").value == 1.5e308


# clipped_value


@data
@both
def test_inside_the_clip_it_is_the_plain_loss_and_never_less(examples, form, data):
    inputs, _ = data.draw(examples(CLIPPED))
    loss, clipped = getattr(clipped_value, form)(**inputs)
    plain = _distance.value(inputs["state_value"] - inputs["value_target"], inputs["loss_function"])
    inside = np.abs(inputs["state_value"] - inputs["old_state_value"]) <= inputs["clip_value"]
    np.testing.assert_array_equal(loss[inside], plain[inside])
    np.testing.assert_array_equal(clipped, ~inside)
    assert (loss >= plain).all()


@both
def test_values_of_any_size_are_clipped_in_silence(form):
    with np.errstate(**LOUD):
        loss, clipped = getattr(clipped_value, form)([1.7e308, 1e200], [-1.7e308, 0.0], [0.0, 0.0], clip_value=1.0,
                                                     loss_function="l2")
        by = clipped_value.vjp(([1.0, 1.0], [0.0, 0.0]), [1.7e308, 1e200], [-1.7e308, 0.0], [0.0, 0.0], clip_value=1.0,
                               loss_function="l1").state_value
    np.testing.assert_array_equal(loss, [np.inf, np.inf])
    np.testing.assert_array_equal(clipped, [1, 1])
    np.testing.assert_array_equal(by, [1, 1])


# target networks


@both
def test_the_limits_of_tau(form):
    function = getattr(soft_update, form)
    theta, target = np.array([0.1, -7.0, 1e-20]), np.array([1e9, 0.3, 1.0])
    np.testing.assert_array_equal(function(theta, target, tau=1.0).target_params, theta)
    np.testing.assert_array_equal(function(theta, target, tau=0.0).target_params, target)
    hard = hard_update.vectorized(theta, target, step=7, interval=1).target_params
    np.testing.assert_array_equal(function(theta, target, tau=1.0).target_params, hard)


@both
def test_the_target_closes_in_on_what_stands_still(form):
    function = getattr(soft_update, form)
    theta, start = np.array([0.1, -7.0]), np.array([1e3, 0.3])
    target = start
    for _ in range(50):
        target = function(theta, target, tau=0.005).target_params
    np.testing.assert_allclose(target - theta, (start - theta) * 0.995**50, rtol=50 * 4 * EPS, atol=50 * 4 * EPS)


@both
def test_a_copy_is_made_every_n_updates_and_at_no_other(form):
    function = getattr(hard_update, form)
    copied = [k for k in range(1, 21) if function([1.0], [2.0], step=k, interval=6).target_params == 1]
    assert copied == [6, 12, 18]
    assert all(function([1.0], [2.0], step=k, interval=1).target_params == 1 for k in range(1, 9))


def test_where_mass_lands_may_be_counted_from_the_first_atom():
    """b = (y - z_1) / gap, as Algorithm 1 has it, rounds away what lands 2^-60 above an atom at 0: no mistake. Beside
    the mass of the other atom, an error of 1e-14 is one."""
    inputs = {"next_atom_probs": np.array([[0.25, 0.5, 0.25]]), "reward": np.array([2.0**-60]), "gamma": 0.9,
              "terminated": np.array([True]), "support": np.array([-1.0, 0.0, 1.0])}
    task = prepare(PROJECTION, Case("beside", "", inputs), None, "float64")
    for lost, kind in ((0.0, "ok"), (1e-14, "float32"), (1e-5, "differs")):
        got = Answer("ok", [np.array([[lost, 1.0 - lost, 0.0]])])
        assert judge(task, got, gradient=False, dtype="float64").kind == kind
