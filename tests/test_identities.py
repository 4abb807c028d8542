"""Identities between the pages, each with its condition, and what happens where the condition is broken.

Two pages are each within 16 eps-units of the truth, so they agree within 16 units of one and 16 of the other. Under
V(s'_t) = V(s_{t+1}) the two arrays hold one quantity, so the derivatives by them are added before they are compared.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rlref.conformance import reference
from rlref.pages import find

GAE, TD0, TD1, TD_LAMBDA, VTRACE = (find(name) for name in ("gae", "td0", "td1", "td_lambda", "vtrace"))
REWARD_TO_GO, STANDARDIZE = find("reward_to_go"), find("standardize")
data = given(data=st.data())


def take(page, inputs):
    """The arguments that ``page`` has."""
    return {name: inputs[name] for name in page.arguments}


def consistent(inputs):
    """The same with V(s'_t) = V(s_{t+1}) inside every trajectory: wherever t is neither done nor the last step."""
    inside = ~inputs["done"][:-1]
    bootstrap = inputs["next_state_value"].copy()
    bootstrap[:-1][inside] = inputs["state_value"][1:][inside]
    return inputs | {"next_state_value": bootstrap}


def by_value(gradient, done):
    """The derivative by V where each V(s'_t) inside a trajectory is V(s_{t+1}), and by the V(s'_t) that are left."""
    inside = np.concatenate([~done[:-1], np.zeros_like(done[-1:])])
    value, bootstrap = gradient["state_value"].copy(), gradient["next_state_value"]
    value[1:] += np.where(inside, bootstrap, 0.0)[:-1]
    return {"reward": gradient["reward"], "V": value, "V'": np.where(inside, 0.0, bootstrap)}


def close(got, other, scales, units):
    """Equal within ``units`` of each of the two scales, whichever of their names both have."""
    names = got.keys() & other.keys()
    assert names
    for name in names:
        scale = np.maximum(sum(scale[name] for scale in scales), np.finfo(float).tiny / reference.EPS)
        assert np.all(np.abs(got[name] - other[name]) <= units * reference.EPS * scale), (name, got, other)


def agree(page, inputs, other, others):
    """The two pages give the same outputs, as far as they have the same."""
    inputs, others = take(page, inputs), take(other, others)
    scales = reference.outputs(page, inputs).scales, reference.outputs(other, others).scales
    for form in ("loop", "vectorized"):
        got, expected = getattr(page, form)(**inputs), getattr(other, form)(**others)
        close(got._asdict(), expected._asdict(), scales, reference.UNITS)


def agree_in_gradient(page, inputs, other, others, cotangents, view=lambda gradient: gradient):
    """So do the derivatives, as far as both have the input."""
    gradients, scales = [], []
    for p, x in ((page, take(page, inputs)), (other, take(other, others))):
        c = {name: cotangents[name] for name in p.outputs}
        gradients.append(view(p.vjp(p.output(**c), **x)._asdict()))
        scales.append(view(reference.gradients(p, x, c).scales))
    close(*gradients, scales, reference.GRADIENT_UNITS)


# Where V(s'_t) = V(s_{t+1}) inside a trajectory


@data
def test_gae_plus_value_is_the_lambda_return(examples, data):
    """gamma and lambda may vary in time (rolling_gamma=True)."""
    inputs, cotangents = data.draw(examples(TD_LAMBDA))
    inputs = consistent(inputs | {"rolling_gamma": True})
    agree(GAE, inputs, TD_LAMBDA, inputs)
    agree_in_gradient(GAE, inputs, TD_LAMBDA, inputs, cotangents, lambda g: by_value(g, inputs["done"]))


@data
def test_gae_of_lambda_one_plus_value_is_the_td1_return(examples, data):
    inputs, cotangents = data.draw(examples(TD1))
    inputs = consistent(inputs | {"rolling_gamma": True, "lmbda": 1.0})
    agree(GAE, inputs, TD1, inputs)
    agree_in_gradient(GAE, inputs, TD1, inputs, cotangents, lambda g: by_value(g, inputs["done"]))


@data
def test_vtrace_on_policy_is_the_td1_return(examples, data):
    """With thresholds 1, or anything above."""
    inputs, cotangents = data.draw(examples(VTRACE))
    thresholds = {name: data.draw(st.sampled_from([1.0, 1.5, np.inf])) for name in ("rho_thresh", "c_thresh")}
    inputs = consistent(inputs | thresholds | {"log_pi": inputs["log_mu"], "rolling_gamma": True})
    agree(VTRACE, inputs, TD1, inputs)
    agree_in_gradient(VTRACE, inputs, TD1, inputs, cotangents, lambda g: by_value(g, inputs["done"]))


# Three steps of reward 1, V = 4, gamma = lambda = 1/2; V' = 4 as well where the condition holds. Exact in binary.
STEPS = {"reward": np.ones(3), "state_value": np.full(3, 4.0), "next_state_value": np.full(3, 4.0),
         "done": np.zeros(3, bool), "terminated": np.zeros(3, bool), "gamma": 0.5, "lmbda": 0.5, "rolling_gamma": True,
         "log_pi": np.zeros(3), "log_mu": np.zeros(3), "rho_thresh": 1.0, "c_thresh": 1.0}
BROKEN = STEPS | {"next_state_value": np.array([4.0, 8.0, 4.0])}  # V(s'_1) = 8, but V(s_2) = 4


def targets(page, inputs):
    """The value targets of both forms, one above the other."""
    return np.stack([getattr(page, form)(**take(page, inputs)).value_target for form in ("loop", "vectorized")])


def test_without_the_condition_gae_is_not_the_lambda_return():
    """The difference is gamma lambda (V(s'_1) - V(s_2)) = 1 at step 1, and a quarter of it at step 0."""
    assert np.array_equal(targets(GAE, STEPS), targets(TD_LAMBDA, STEPS))
    assert np.array_equal(targets(GAE, BROKEN) - targets(TD_LAMBDA, BROKEN), [[0.25, 1.0, 0.0]] * 2)


def test_at_an_end_the_condition_is_not_needed():
    """Between two trajectories V(s'_1) = 8 and V(s_2) = 4 have nothing to do with each other."""
    inputs = BROKEN | {"done": np.array([False, True, False])}
    assert np.array_equal(targets(GAE, inputs), targets(TD_LAMBDA, inputs))
    assert np.array_equal(targets(VTRACE, inputs), targets(TD1, inputs))


def test_without_the_condition_gae_of_lambda_one_is_not_td1():
    """gamma (V(s'_1) - V(s_2)) = 2 at step 1, half of it at step 0."""
    inputs = BROKEN | {"lmbda": 1.0}
    assert np.array_equal(targets(GAE, inputs) - targets(TD1, inputs), [[1.0, 2.0, 0.0]] * 2)


def test_without_its_conditions_vtrace_is_not_td1():
    """V(s'_1) differs; off-policy; a threshold below 1. At step 2, v = V + rho (1 + 2 - 4)."""
    assert np.array_equal(targets(VTRACE, STEPS), targets(TD1, STEPS))
    assert np.array_equal(targets(VTRACE, BROKEN) - targets(TD1, BROKEN), [[1.0, 2.0, 0.0]] * 2)
    off_policy = STEPS | {"log_pi": np.array([0.0, 0.0, -np.inf])}
    assert np.array_equal(targets(VTRACE, off_policy) - targets(TD1, off_policy), [[0.25, 0.5, 1.0]] * 2)
    clipped = STEPS | {"rho_thresh": 0.5}
    assert np.array_equal((targets(VTRACE, clipped) - targets(TD1, clipped))[:, 2], [0.5, 0.5])
    uncut = STEPS | {"c_thresh": 0.5}  # v_1 = 4 - 1 + 1/2 1/2 (3 - 4) = 2.75; the TD(1) return is 1 + 3/2 = 2.5
    assert np.array_equal((targets(VTRACE, uncut) - targets(TD1, uncut))[:, 1], [0.25, 0.25])


# Always


@data
def test_gae_of_lambda_zero_is_td0(examples, data):
    inputs, cotangents = data.draw(examples(GAE))
    inputs |= {"lmbda": 0.0}
    agree(GAE, inputs, TD0, inputs)
    agree_in_gradient(GAE, inputs, TD0, inputs, cotangents)


@data
def test_td_lambda_of_zero_is_td0(examples, data):
    inputs, cotangents = data.draw(examples(TD_LAMBDA))
    inputs |= {"lmbda": 0.0}
    agree(TD_LAMBDA, inputs, TD0, inputs)
    agree_in_gradient(TD_LAMBDA, inputs, TD0, inputs, cotangents)


@data
def test_td_lambda_of_one_is_td1(examples, data):
    inputs, cotangents = data.draw(examples(TD_LAMBDA))
    inputs |= {"lmbda": 1.0}
    agree(TD_LAMBDA, inputs, TD1, inputs)
    agree_in_gradient(TD_LAMBDA, inputs, TD1, inputs, cotangents)


@data
def test_reward_to_go_is_td1_of_no_values(examples, data):
    inputs, cotangents = data.draw(examples(REWARD_TO_GO))
    zero = np.zeros(inputs["reward"].shape)
    others = inputs | {"state_value": zero, "next_state_value": zero, "terminated": zero > 0, "rolling_gamma": True}
    agree_under_names = {"value_target": REWARD_TO_GO.vectorized(**inputs).reward_to_go,
                         "advantage": REWARD_TO_GO.loop(**inputs).reward_to_go}
    scale = reference.outputs(REWARD_TO_GO, inputs).scales["reward_to_go"]
    for form in ("loop", "vectorized"):
        got = getattr(TD1, form)(**others)._asdict()
        close(got, agree_under_names, [dict.fromkeys(got, scale)] * 2, reference.UNITS)
    cotangents |= {"value_target": cotangents["reward_to_go"], "advantage": zero}
    agree_in_gradient(REWARD_TO_GO, inputs, TD1, others, cotangents)


@pytest.mark.parametrize("page", [TD1, TD_LAMBDA], ids=["td1", "td_lambda"])
@data
def test_a_constant_gamma_rolls_or_not(examples, page, data):
    inputs, cotangents = data.draw(examples(page))
    inputs |= {name: float(np.max(inputs[name])) for name in ("gamma", "lmbda") if name in inputs}
    rolling, fixed = inputs | {"rolling_gamma": True}, inputs | {"rolling_gamma": False}
    agree(page, rolling, page, fixed)
    agree_in_gradient(page, rolling, page, fixed, cotangents)


def test_a_varying_gamma_does_not():
    """gamma = 1, 1/2, 1/2. Rolled: 1 + 1 (1 + 1/2 (1 + 1/2 4)) = 3.5. Fixed: 1 + 1 + 1 + 4 = 7."""
    inputs = STEPS | {"gamma": np.array([1.0, 0.5, 0.5])}
    for form in ("loop", "vectorized"):
        function = getattr(TD1, form)
        assert function(**take(TD1, inputs)).value_target[0] == 3.5
        assert function(**take(TD1, inputs | {"rolling_gamma": False})).value_target[0] == 7.0


# standardize


@data
def test_standardized_has_mean_zero_and_deviation_one(examples, data):
    inputs, _ = data.draw(examples(STANDARDIZE))
    scale = reference.outputs(STANDARDIZE, inputs).scales["advantage"]
    for form in ("loop", "vectorized"):
        out = getattr(STANDARDIZE, form)(**inputs).advantage
        error = reference.UNITS * reference.EPS * scale
        assert abs(out.sum()) <= error.sum()
        spread = np.sum(out * out) / (out.size - inputs["ddof"])
        if np.std(inputs["advantage"], ddof=inputs["ddof"]) > inputs["std_min"] * (1 + 1e-9):
            assert abs(spread - 1) <= np.sum((2 * abs(out) + error) * error) / (out.size - inputs["ddof"])
        else:
            assert spread <= 1 + 1e-9


@data
def test_standardized_does_not_see_shift_nor_scale(examples, data):
    """As long as sigma is above sigma_min before and after."""
    inputs, cotangents = data.draw(examples(STANDARDIZE))
    inputs |= {"std_min": 1e-9}
    assume(np.std(inputs["advantage"], ddof=inputs["ddof"]) > 1e-8)
    a, b = data.draw(st.sampled_from([0.5, 2.0, 3.0])), data.draw(st.sampled_from([0.0, 1.0, -16.0]))
    moved = inputs | {"advantage": a * inputs["advantage"] + b}
    agree(STANDARDIZE, inputs, STANDARDIZE, moved)
    by_input, by_moved = (STANDARDIZE.vjp(STANDARDIZE.output(**cotangents), **x).advantage for x in (inputs, moved))
    scale, scale_moved = (reference.gradients(STANDARDIZE, x, cotangents).scales["advantage"] for x in (inputs, moved))
    limit = reference.GRADIENT_UNITS * reference.EPS * (scale + a * scale_moved)
    assert np.all(np.abs(by_input - a * by_moved) <= limit)


def test_below_the_floor_standardized_does_see_scale():
    for form in ("loop", "vectorized"):
        small, large = (getattr(STANDARDIZE, form)(np.array([-s, s]), ddof=0, std_min=4.0).advantage[1] for s in (1, 2))
        assert (small, large) == (0.25, 0.5)
