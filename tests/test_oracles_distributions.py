"""The outside cases of distributions that are said to be another library's are what that library gives."""

from __future__ import annotations

import warnings

import distrax
import jax
import numpy as np
import rlax
import scipy.integrate
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax

from rlref.conformance.outside.distributions import LOGITS, MU, NU, OTHERS, OUTSIDE, SIGMA, TAU, X

data = given(data=st.data())
EPS = 2.0**-52


def scaled(mu, sigma, low, high):
    """As rlax's squashed_gaussian, without its own maps of mu and sigma."""
    bijector = distrax.Chain([distrax.ScalarAffine(shift=low, scale=(high - low) / 2),
                              distrax.ScalarAffine(shift=1.0), distrax.Tanh()])
    return distrax.Transformed(distrax.MultivariateNormalDiag(mu, sigma), distrax.Block(bijector, ndims=1))


def other_libraries():
    """Page and id, and what the library gives."""
    gaussian, categorical, norm = rlax.gaussian_diagonal(), rlax.softmax(), scipy.stats.norm
    three, four = np.array([0.0, -2.0, 1.5]), np.array([1.0, 1.0, -1.0])
    tanh, wide = scaled(MU, SIGMA, -1.0, 1.0), scaled(MU, SIGMA, -2.0, 4.0)
    u = MU + SIGMA * np.array([[0.5, -1.0], [1.0, 0.0]])
    yield "normal_log_prob rlax-gaussian", {"log_prob": gaussian.logprob(X, MU, SIGMA)}
    yield "normal_log_prob scipy-norm", {"log_prob": norm.logpdf([1.5, -3], [1, 2], [0.25, 2.5])}
    yield "normal_entropy rlax-gaussian", {"entropy": gaussian.entropy(MU, SIGMA)}
    yield "normal_entropy scipy-norm", {"entropy": norm.entropy(0, [0.25, 2.5, 10])}
    yield "normal_kl rlax-gaussian", {"kl": gaussian.kl(MU, SIGMA, NU, TAU)}
    yield "tanh_loc numpy-five", {"loc": [5 * np.tanh(np.array([0.5, 2, -10]) / 5)]}
    yield "tanh_normal_log_prob distrax-tanh", {"log_prob": tanh.log_prob(np.array([[0.5, -0.25], [-0.75, 0]]))}
    yield "tanh_normal_log_prob distrax-scaled", {"log_prob": wide.log_prob(np.array([[1, 3.5], [-0.5, 2]]))}
    yield "tanh_normal_rsample distrax-scaled", {
        "sample": wide.bijector.forward(u),
        "log_prob": wide.distribution.log_prob(u) - wide.bijector.forward_log_det_jacobian(u)}
    yield "categorical_log_prob rlax-softmax", {"log_prob": categorical.logprob(np.array([1, 2]), LOGITS)}
    yield "categorical_log_prob scipy-log-softmax", {"log_prob": log_softmax(three)}
    yield "categorical_entropy rlax-softmax", {"entropy": categorical.entropy(LOGITS)}
    yield "categorical_entropy scipy-entropy", {"entropy": [scipy.stats.entropy(softmax(three))]}
    yield "categorical_kl rlax-softmax", {"kl": categorical.kl(LOGITS, OTHERS)}
    yield "categorical_kl scipy-entropy", {"kl": [scipy.stats.entropy(softmax(three), softmax(four))]}


def test_what_other_libraries_are_said_to_give_they_give():
    with jax.enable_x64(True), warnings.catch_warnings(action="ignore"):
        given = {name: {key: np.asarray(x) for key, x in found.items()} for name, found in other_libraries()}
    cases = {f"{one.page.removeprefix('distributions.')} {one.id}": one for one in OUTSIDE if "hand" not in one.id}
    assert given.keys() == cases.keys()
    for name, found in given.items():
        for key, published in cases[name].published.items():
            np.testing.assert_allclose(found[key], published, rtol=1e-14, atol=1e-15, err_msg=name)
