"""The limits of Dreamer's losses, what other pages they are made of, and what they do with extreme numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tensordict import TensorDict
from tensordict.nn import TensorDictModule, TensorDictSequential
from test_identities import close
from torchrl.objectives import DreamerModelLoss

from rlref.conformance import exact, reference
from rlref.losses import distance, dreamer_model
from rlref.pages import find

ACTOR, MODEL, VALUE = (find(f"dreamer_{name}") for name in ("actor", "model", "value"))
LATENTS = ("prior_mean", "prior_std", "posterior_mean", "posterior_std")
WEIGHTS = {"lambda_kl": 1.0, "lambda_reco": 1.0, "lambda_reward": 1.0}
data = given(data=st.data())
both = pytest.mark.parametrize("form", ["loop", "vectorized"])


def latents(prior_std, posterior_std, shift=0.0, **settings):
    """One sample of one latent feature, nothing to reconstruct."""
    numbers = {"prior_mean": 0.0, "prior_std": prior_std, "posterior_mean": shift, "posterior_std": posterior_std,
               "observation": 0.0, "reco_observation": 0.0}
    inputs = {name: np.array([[x]]) for name, x in numbers.items()}
    inputs |= {"reward": np.zeros(1), "reco_reward": np.zeros(1)}
    return inputs | WEIGHTS | {"free_nats": 0.0, "delayed_clamp": False, "global_average": False} | settings


ONES = {name: np.ones(1) for name in MODEL.outputs}


# The world model


@data
def test_nothing_to_learn_where_the_posterior_is_the_prior(examples, data):
    """Each divergence is 0 to the last bit: what is left are the free nats."""
    inputs, cotangents = data.draw(examples(MODEL))
    inputs |= {"posterior_mean": inputs["prior_mean"], "posterior_std": inputs["prior_std"]}
    free = inputs["lambda_kl"] * inputs["free_nats"]
    for form in (MODEL.loop, MODEL.vectorized):
        np.testing.assert_allclose(form(**inputs).loss_model_kl, free, rtol=4 * reference.EPS, atol=0)
    for gradient in MODEL.vjp(MODEL.output(**cotangents), **inputs).loss_model_kl:
        assert not gradient.any()


@data
def test_without_free_nats_the_clamp_may_come_at_any_time(examples, data):
    """The mean over samples is the same, and its derivative."""
    inputs, cotangents = data.draw(examples(MODEL))
    once, delayed = (inputs | {"free_nats": 0.0, "delayed_clamp": late} for late in (False, True))
    found = [{"loss_model_kl": MODEL.vectorized(**x).loss_model_kl.mean()} for x in (once, delayed)]
    scales = [{"loss_model_kl": reference.outputs(MODEL, x).scales["loss_model_kl"].mean()} for x in (once, delayed)]
    close(*found, scales, reference.UNITS)
    c = {name: np.ones_like(x) for name, x in cotangents.items()}
    gradients = [MODEL.gradients(MODEL.vjp(MODEL.output(**c), **x)) for x in (once, delayed)]
    scales = [reference.gradients(MODEL, x, c).scales for x in (once, delayed)]
    close(*gradients, scales, reference.GRADIENT_UNITS)


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("free_nats", [0.0, 1.5, 3.0, 100.0])
def test_the_mean_over_samples_is_what_torchrl_gives_for_a_batch(delayed, average, free_nats):
    """Two trajectories of three steps, images of two rows and three columns, in one call of DreamerModelLoss."""
    draw = np.random.default_rng(0).normal
    batch = {name: draw(size=(2, 3, 4)) for name in LATENTS}
    batch |= {name: np.abs(batch[name]) + 0.1 for name in ("prior_std", "posterior_std")}
    batch |= {"observation": draw(size=(2, 3, 6)), "reco_observation": draw(size=(2, 3, 6)),
              "reward": draw(size=(2, 3)), "reco_reward": draw(size=(2, 3))}
    settings = {"lambda_kl": 0.5, "lambda_reco": 0.25, "lambda_reward": 2.0, "free_nats": free_nats,
                "delayed_clamp": delayed, "global_average": average}
    x = {name: torch.tensor(array, requires_grad=True) for name, array in batch.items()}
    images = {name: x[name].reshape(2, 3, 1, 2, 3) for name in ("observation", "reco_observation")}
    encoder = TensorDictModule(lambda _: tuple(x[name] for name in LATENTS), ["state"],
                               [("next", name) for name in LATENTS])
    decoder = TensorDictModule(lambda _: images["reco_observation"], ["state"], [("next", "reco_pixels")])
    rewards = TensorDictModule(lambda _: x["reco_reward"][..., None], ["state"], [("next", "reward")])
    loss = DreamerModelLoss(TensorDictSequential(TensorDictSequential(encoder, decoder), rewards), **settings)
    seen = {"reward": x["reward"][..., None], "pixels": images["observation"]}
    out, _ = loss(TensorDict({"state": torch.zeros(2, 3), "next": seen}, [2, 3]))
    swapped = {name: np.swapaxes(array, 0, 1) for name, array in batch.items()} | settings
    ours = MODEL.vectorized(**swapped)
    gradient = MODEL.gradients(MODEL.vjp(MODEL.output(*(np.full((3, 2), 1 / 6) for _ in MODEL.outputs)), **swapped))
    for term in MODEL.outputs:
        np.testing.assert_allclose(getattr(ours, term).mean(), out[term].item(), rtol=1e-13)
    for each in MODEL.derivatives:
        (theirs,) = torch.autograd.grad(out[each.terms[0]], [x[each.by]], retain_graph=True, materialize_grads=True)
        np.testing.assert_allclose(gradient[each.name], np.swapaxes(theirs.numpy(), 0, 1), rtol=1e-13, atol=1e-15)


@both
def test_deviations_whose_squares_no_float_holds(form):
    """torchrl 0.14.1 squares them: 0/0 and inf/inf."""
    for size in (1e-170, 1e170):
        inputs = latents(size, size, shift=size)
        assert getattr(dreamer_model, form)(**inputs).loss_model_kl == [0.5]
        gradient = dreamer_model.vjp(([1], [0], [0]), **inputs).loss_model_kl
        np.testing.assert_allclose([x.item() * size for x in gradient], [-1, -1, 1, 0], rtol=1e-15)
    far = latents(1e200, 1e-200)  # (0 + 0 - 1)/2 + 400 log 10
    np.testing.assert_allclose(getattr(dreamer_model, form)(**far).loss_model_kl, 400 * np.log(10) - 0.5, rtol=1e-15)


@both
def test_a_divergence_that_no_float_holds_is_infinite(form):
    assert getattr(dreamer_model, form)(**latents(1e-200, 1.0)).loss_model_kl == [np.inf]
    assert getattr(dreamer_model, form)(**latents(1e-200, 1e-200, shift=1.0)).loss_model_kl == [np.inf]
    unwanted = latents(1e-200, 1.0, lambda_kl=0.0)
    assert getattr(dreamer_model, form)(**unwanted).loss_model_kl == [0]
    assert not any(x.any() for x in dreamer_model.vjp(([1], [0], [0]), **unwanted).loss_model_kl)
    gradient = dreamer_model.vjp(([1], [0], [0]), **latents(1e-120, 1e20)).loss_model_kl  # 1e20/1e-240
    np.testing.assert_allclose(gradient.posterior_std, [[1e260]], rtol=1e-15)


def test_what_is_not_asked_for_is_not_trained_however_far_the_means_are_apart():
    """Their distance in deviations is beyond float64: 0 times it is 0."""
    inputs = latents(1e-200, 1.0, shift=1e200)
    assert dreamer_model.vectorized(**inputs).loss_model_kl == [np.inf]
    assert not any(x.any() for x in dreamer_model.vjp(([0], [1], [1]), **inputs).loss_model_kl)


@pytest.mark.parametrize(("std", "apart"), [(0.3, 3e-9), (0.7, -1e-9), (0.3, 1e-12), (0.001, -1e-15)])
def test_almost_equal_deviations_are_trained_without_free_nats(std, apart):
    """The divergence is rounded to less than 0: that must not stop its gradient."""
    inputs = latents(std, std * (1 + apart))
    assert dreamer_model.vectorized(**inputs).loss_model_kl < 0
    expected, forward = exact.gradients(MODEL, inputs, ONES), reference.gradients(MODEL, inputs, ONES)
    close(forward.values, expected, [forward.scales], reference.GRADIENT_UNITS)
    got = MODEL.gradients(MODEL.vjp(MODEL.output(**ONES), **inputs))
    for name in ("loss_model_kl.prior_std", "loss_model_kl.posterior_std"):
        assert expected[name].item() != 0
        np.testing.assert_allclose(got[name], expected[name], rtol=4 * reference.EPS)


# Behaviour in imagination


def weights(inputs, like):
    """Step by step: 1, gamma_0, gamma_0 gamma_1, ..."""
    gamma, found = np.broadcast_to(inputs["gamma"], like.shape), [np.ones(like.shape[1:])]
    for t in range(len(like) - 1):
        found.append(found[-1] * (gamma[t] if inputs["discount_loss"] else 1.0))
    return np.stack(found)


def endless(inputs):
    """What the estimators of returns want to know besides: V(s_t), which no target has in it, and no ends."""
    reward = inputs["reward"]
    never = {name: np.zeros(reward.shape, bool) for name in ("done", "terminated")}
    same = {name: inputs[name] for name in ("reward", "next_state_value", "gamma", "lmbda")}
    return same | never | {"state_value": np.zeros(reward.shape), "rolling_gamma": True}


@pytest.mark.parametrize(("name", "lmbda"), [("td_lambda", None), ("td0", 0.0), ("td1", 1.0)])
@data
def test_the_actors_loss_is_a_return_negated_and_weighed(name, lmbda, examples, data):
    """TD(lambda)'s target always, TD(0)'s at lambda = 0, TD(1)'s at 1; and so is the gradient."""
    inputs, cotangents = data.draw(examples(ACTOR))
    inputs |= {} if lmbda is None else {"lmbda": lmbda}
    page = find(name)
    others = {key: x for key, x in endless(inputs).items() if key in page.arguments}
    weight = -weights(inputs, inputs["reward"])
    zero = np.zeros(inputs["reward"].shape)
    for form in ("loop", "vectorized"):
        theirs = {"loss_actor": weight * getattr(page, form)(**others).value_target}
        scales = [reference.outputs(ACTOR, inputs).scales,
                  {"loss_actor": abs(weight) * reference.outputs(page, others).scales["value_target"]}]
        close(getattr(ACTOR, form)(**inputs)._asdict(), theirs, scales, reference.UNITS)
    by = {"advantage": zero, "value_target": weight * cotangents["loss_actor"]}
    found = [ACTOR.vjp(ACTOR.output(**cotangents), **inputs)._asdict(), page.vjp(page.output(**by), **others)._asdict()]
    scales = [reference.gradients(ACTOR, inputs, cotangents).scales, reference.gradients(page, others, by).scales]
    close(*found, scales, reference.GRADIENT_UNITS)


@data
def test_an_actor_without_a_future_has_its_first_reward(examples, data):
    inputs, _ = data.draw(examples(ACTOR))
    inputs |= {"gamma": 0.0, "discount_loss": True}
    for form in (ACTOR.loop, ACTOR.vectorized):
        loss = form(**inputs).loss_actor
        assert np.array_equal(loss[0], -inputs["reward"][0]) and not loss[1:].any()


@data
def test_the_critics_loss_is_the_squared_distance(examples, data):
    """Without weights, or with weights of 1."""
    inputs, cotangents = data.draw(examples(VALUE))
    for change in ({"discount_loss": False}, {"gamma": 1.0}):
        inputs |= change
        there = {"input": inputs["state_value"], "target": inputs["value_target"], "loss_function": "l2"}
        for form in ("loop", "vectorized"):
            theirs = getattr(distance, form)(**there).loss
            np.testing.assert_allclose(getattr(VALUE, form)(**inputs).loss_value, theirs, rtol=4 * reference.EPS)
        by = distance.vjp((cotangents["loss_value"],), **there).input
        np.testing.assert_allclose(VALUE.vjp(VALUE.output(**cotangents), **inputs).state_value, by,
                                   rtol=4 * reference.EPS)


@both
def test_a_critic_without_a_future_learns_the_first_step(form):
    """Not even a square that no float holds has a part in it; where it has one, it is infinite."""
    inputs = {"state_value": np.array([1.0, 1e200]), "value_target": np.array([3.0, -1e200]), "discount_loss": True}
    assert np.array_equal(getattr(VALUE, form)(**inputs, gamma=0.0).loss_value, [4, 0])
    assert np.array_equal(getattr(VALUE, form)(**inputs, gamma=0.5).loss_value, [4, np.inf])
    assert np.array_equal(VALUE.vjp(([1, 1],), **inputs, gamma=0.0).state_value, [-4, 0])
