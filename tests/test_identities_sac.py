"""The limits of sac, sac_value, redq and discrete_sac, each with its condition, and what they do far out."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_by_hand import both

from rlref.bootstraps import soft_min_q
from rlref.conformance import exact, reference
from rlref.losses import ddpg, discrete_sac, redq, sac, sac_value
from rlref.pages import find

data = given(data=st.data())
FORMS = ("loop", "vectorized")
SAMPLED = ("sac", "sac_value", "redq")
COMMON = ("loss_actor", "loss_qvalue", "loss_alpha", "td_error", "entropy")


def same(one, other):
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def alone(inputs):
    """The first critic alone."""
    return inputs | {name: inputs[name][..., :1] for name in ("state_action_value", "policy_action_value")}


# sac


@data
def test_sac_without_temperature_and_with_one_critic_is_ddpg(examples, data):
    """log alpha -800 is alpha 0 in float64."""
    inputs, cotangents = data.draw(examples(find("sac")))
    inputs = alone(inputs) | {"log_alpha": -800.0}
    first = {name: inputs[name][..., 0] for name in ("state_action_value", "policy_action_value")}
    others = {name: inputs[name] for name in ("value_target", "loss_function")} | first
    for form in FORMS:
        got, expected = getattr(sac, form)(**inputs), getattr(ddpg, form)(**others)
        same(got.loss_actor, expected.loss_actor)
        same(got.loss_qvalue, expected.loss_value)
        same(got.td_error, expected.td_error)
    cotangent = ddpg.DDPG(cotangents["loss_actor"], cotangents["loss_qvalue"], cotangents["td_error"])
    got, expected = sac.vjp(sac.SAC(**cotangents), **inputs), ddpg.vjp(cotangent, **others)
    same(got.loss_actor.policy_action_value[..., 0], expected.loss_actor.policy_action_value)
    same(got.loss_actor.log_prob, np.zeros_like(inputs["log_prob"]))
    same(got.loss_qvalue.state_action_value[..., 0], expected.loss_value.state_action_value)


@data
def test_sac_critics_are_trained_as_if_each_were_alone(examples, data):
    inputs, cotangents = data.draw(examples(find("sac")))
    together = sac.vjp(sac.SAC(**cotangents), **inputs).loss_qvalue.state_action_value
    for i in range(together.shape[-1]):
        one = inputs | {"state_action_value": inputs["state_action_value"][..., i:i + 1],
                        "policy_action_value": inputs["policy_action_value"][..., :1]}
        same(together[..., i], sac.vjp(sac.SAC(**cotangents), **one).loss_qvalue.state_action_value[..., 0])


def test_sac_temperature_falls_where_there_is_entropy_enough():
    """-log pi = 3 against a target of 1, and 1/2: descent on loss_alpha lowers alpha, and raises it."""
    for log_prob, sign in ((-3.0, 1), (-0.5, -1)):
        gradient = sac.vjp(([0.0], [0.0], [1.0], [0.0], [0.0]), [[0.0]], [0.0], [log_prob], [[0.0]], log_alpha=-1.0,
                           target_entropy=1.0, loss_function="l2")
        assert np.sign(gradient.loss_alpha.log_alpha) == sign


@pytest.mark.parametrize("page", ["sac", "sac_value"])
def test_the_first_of_equal_critics_is_trained(page):
    shape = (4, 3)
    inputs = {"state_action_value": np.zeros(shape), "value_target": np.zeros(4), "log_prob": np.zeros(4),
              "policy_action_value": np.repeat([[1.0], [0.0], [-2.0], [0.5]], 3, axis=1), "log_alpha": 0.0,
              "target_entropy": -1.0, "loss_function": "l1"} | ({"state_value": np.zeros(4)} if "v" in page else {})
    page = find(page)
    ones = page.output(*(np.ones(4) for _ in page.outputs))
    by = page.vjp(ones, **inputs)
    same(by.loss_actor.policy_action_value, [[-1, 0, 0]] * 4)
    same(by.loss_qvalue.state_action_value, np.zeros(shape))  # l1 at no error


# sac_value


@data
def test_sac_value_is_sac_and_a_value_network(examples, data):
    inputs, cotangents = data.draw(examples(find("sac_value")))
    without = {name: x for name, x in inputs.items() if name != "state_value"}
    for form in FORMS:
        got, expected = getattr(sac_value, form)(**inputs), getattr(sac, form)(**without)
        for name in COMMON:
            same(getattr(got, name), getattr(expected, name))
    got = sac_value.vjp(sac_value.SACValue(**cotangents), **inputs)
    expected = sac.vjp(sac.SAC(**{name: cotangents[name] for name in COMMON}), **without)
    for term in ("loss_actor", "loss_qvalue", "loss_alpha"):
        for one, other in zip(getattr(got, term), getattr(expected, term), strict=True):
            same(one, other)


@data
def test_sac_value_rests_at_the_soft_value(examples, data):
    """At V(s) = min_i Q_i - alpha log pi there is no loss and no gradient; as soft_min_q rounds it, next to none."""
    inputs, cotangents = data.draw(examples(find("sac_value")))
    alpha = math.exp(inputs["log_alpha"])
    for form in FORMS:
        met = getattr(soft_min_q, form)(inputs["policy_action_value"], inputs["log_prob"], alpha=alpha).next_state_value
        result = getattr(sac_value, form)(**inputs | {"state_value": met})
        size = np.abs(inputs["policy_action_value"]).max(axis=-1) + np.abs(alpha * inputs["log_prob"])
        least = reference.UNITS * reference.EPS * size
        assert np.all(result.loss_value <= (least**2 if inputs["loss_function"] == "l2" else least))
    by = sac_value.vjp(sac_value.SACValue(**cotangents), **inputs | {"state_value": -result.loss_actor})
    same(by.loss_value.state_value, np.zeros_like(met))


# redq


@data
def test_redq_with_one_critic_is_sac(examples, data):
    """But for loss_alpha, which is by the other convention: its derivative is alpha times that of sac."""
    inputs, cotangents = data.draw(examples(find("redq")))
    inputs = alone(inputs)
    for form in FORMS:
        got, expected = getattr(redq, form)(**inputs), getattr(sac, form)(**inputs)
        for name in ("loss_actor", "loss_qvalue", "td_error", "entropy"):
            same(getattr(got, name), getattr(expected, name))
    got, expected = (module.vjp(output(**cotangents), **inputs)
                     for module, output in ((redq, redq.REDQ), (sac, sac.SAC)))
    for term in ("loss_actor", "loss_qvalue"):
        for one, other in zip(getattr(got, term), getattr(expected, term), strict=True):
            same(one, other)
    same(got.loss_alpha.log_alpha, np.exp(inputs["log_alpha"]) * expected.loss_alpha.log_alpha)


@both
def test_redq_of_equal_critics_does_not_depend_on_their_number(form):
    few, many = ({"state_action_value": np.full((3, n), 2.0), "policy_action_value": np.full((3, n), -1.5)}
                 for n in (2, 8))
    rest = {"value_target": np.array([1.0, 2.0, 2.5]), "log_prob": np.array([-1.0, 0.0, 0.5]), "log_alpha": -1.0,
            "target_entropy": -2.0, "loss_function": "smooth_l1"}
    for one, other in zip(getattr(redq, form)(**few, **rest), getattr(redq, form)(**many, **rest), strict=True):
        same(one, other)


# discrete_sac


@data
def test_discrete_sac_is_the_expectation_of_sac(examples, data):
    """Over an action of the policy: sum_a pi(a) loss_actor(log pi(a), Q(s, a)); a masked action is never drawn."""
    page = find("discrete_sac")
    inputs, _ = data.draw(examples(page))
    pi = np.exp(inputs["log_probs"])
    settings = {name: inputs[name] for name in ("log_alpha", "target_entropy", "loss_function")}
    scale = reference.outputs(page, inputs).scales["loss_actor"]
    for form in FORMS:
        expected = np.zeros(pi.shape[:-1])
        for a in range(pi.shape[-1]):
            drawn = np.where(pi[..., a] > 0, inputs["log_probs"][..., a], 0.0)
            loss = getattr(sac, form)(inputs["action_value"][..., a, :], inputs["value_target"], drawn,
                                      inputs["action_value"][..., a, :], **settings).loss_actor
            expected += pi[..., a] * loss
        got = getattr(discrete_sac, form)(**inputs).loss_actor
        assert np.all(np.abs(got - expected) <= 2 * reference.UNITS * reference.EPS * scale)


@both
def test_discrete_sac_of_a_certain_policy_has_no_entropy(form):
    """Whatever the critics make of the masked actions."""
    values = np.array([[[1e300, -1e300], [3.0, 2.0], [-7.0, 0.0]]])
    result = getattr(discrete_sac, form)(values, [1], [0.5], [[-np.inf, 0.0, -np.inf]], log_alpha=2.0,
                                         target_entropy=0.5, loss_function="l1")
    same(result, [[-2.0], [4.0], [-1.0], [2.5], [0.0]])


def test_discrete_sac_masked_actions_are_not_trained():
    """Finite everywhere, silent, and 0 at the mask, down to alpha 1e-8 and up to where pi underflows."""
    log_probs = np.array([[math.log(0.5), math.log(0.5), -np.inf], [-np.inf, 0.0, -np.inf], [0.0, -800.0, -1e300]])
    values = np.arange(18.0).reshape(3, 3, 2) - 9
    for log_alpha in (math.log(1e-8), 0.0, 700.0):
        arguments = (values, [2, 1, 0], [1.0, 2.0, 3.0], log_probs)
        settings = {"log_alpha": log_alpha, "target_entropy": 1.0, "loss_function": "smooth_l1"}
        with np.errstate(all="raise", under="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")
            for form in FORMS:
                assert all(np.isfinite(out).all() for out in getattr(discrete_sac, form)(*arguments, **settings))
            by = discrete_sac.vjp((np.ones(3),) * 5, *arguments, **settings)
        assert all(np.isfinite(x).all() for term in by for x in term)
        same(by.loss_actor.log_probs[np.exp(log_probs) == 0], 0.0)


# Far out


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("log_alpha", [math.log(1e-8), -800.0, 0.5, 700.0])
def test_extreme_temperatures_and_densities(name, log_alpha):
    """log-probabilities of 800 and -800, at every temperature there may be: right, and silent."""
    page = find(name)
    inputs = {"state_action_value": np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 3.0]]), "log_alpha": log_alpha,
              "value_target": np.array([0.0, 1.0, -1.0]), "log_prob": np.array([800.0, -800.0, 0.0]),
              "policy_action_value": np.array([[1.0, -1.0], [0.5, 2.0], [4.0, 4.0]]), "target_entropy": -6.0,
              "loss_function": "smooth_l1", "state_value": np.array([0.0, 1.0, -4.0])}
    inputs = {argument: inputs[argument] for argument in page.arguments}
    expected = exact.outputs(page, inputs)
    with np.errstate(all="raise", under="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        for form in FORMS:
            for output, x in getattr(page, form)(**inputs)._asdict().items():
                np.testing.assert_allclose(x, expected[output], rtol=1e-14, atol=0)
        page.vjp(page.output(*(np.ones(3) for _ in page.outputs)), **inputs)


@pytest.mark.parametrize("name", [*SAMPLED, "discrete_sac"])
def test_what_float64_cannot_hold_is_infinite(name):
    """A square beyond 1e308, silently; its derivative is not."""
    page = find(name)
    values = np.full((2, 2), 1e200)
    inputs = {"state_action_value": values, "value_target": np.zeros(2), "log_prob": np.array([-1.0, 1.0]),
              "policy_action_value": values, "log_alpha": 0.0, "target_entropy": 0.0, "loss_function": "l2",
              "state_value": np.zeros(2), "action_value": np.full((2, 3, 2), 1e200), "action": np.zeros(2, int),
              "log_probs": np.zeros((2, 3))}
    inputs = {argument: inputs[argument] for argument in page.arguments}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for form in FORMS:
            same(getattr(page, form)(**inputs).loss_qvalue, [np.inf, np.inf])
        by = page.vjp(page.output(*(np.ones(2) for _ in page.outputs)), **inputs)
    assert all(np.isfinite(x).all() for term in by for x in term)
