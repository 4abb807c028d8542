"""rlax's losses on flat batches: arrays [n, ...], and [T, n] where time matters; what rlax defines for one is mapped.

What rlax has no function for, such as a weight, a mean or a metric of a loss that it has a part of, is written beside
it in jax.numpy. Where its convention is another (its square is halved), it is brought to the page's, in the open.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import rlax

from rlref.backends import Divergence
from rlref.pages import find

Inputs = dict[str, Any]
Outputs = dict[str, Any]


def _square(prediction, target):
    return 2 * rlax.l2_loss(prediction, target)  # it is halved there


# Bootstraps: the TD error of a value of 0, with no reward and no discount, is the bootstrap


def _max_q(x: Inputs) -> Outputs:
    learn = jax.vmap(lambda q: rlax.q_learning(jnp.zeros(1), 0, 0.0, 1.0, q, stop_target_gradients=False))
    return {"next_state_value": learn(x["next_action_value"])}


def _double_q(x: Inputs) -> Outputs:
    learn = jax.vmap(lambda q, online: rlax.double_q_learning(
        jnp.zeros(1), 0, 0.0, 1.0, q, online, stop_target_gradients=False))
    return {"next_state_value": learn(x["next_action_value"], x["online_next_action_value"])}


def _categorical_projection(x: Inputs) -> Outputs:
    discount = x["gamma"] * (1 - x["terminated"])
    atoms = x["reward"][:, None] + discount[:, None] * x["support"]
    project = jax.vmap(rlax.categorical_l2_project, in_axes=(0, 0, None))
    return {"target_probs": project(atoms, x["next_atom_probs"], x["support"])}


# Losses of values


def _distances(x: Inputs) -> Outputs:
    huber = x["loss_function"] == "smooth_l1"
    return {"loss": rlax.huber_loss(x["input"] - x["target"]) if huber else _square(x["input"], x["target"])}


def _dqn(x: Inputs) -> Outputs:
    """The target is the reward of a step with a discount of 0."""
    learn = jax.vmap(lambda q, action, target: rlax.q_learning(q, action, target, 0.0, jnp.zeros(1)))
    error = learn(x["action_value"], x["action"], x["value_target"])
    return {"loss": _square(error, jnp.zeros_like(error)), "td_error": jnp.abs(error)}


def _iql(x: Inputs) -> Outputs:
    q = jax.lax.stop_gradient(x["target_state_action_value"].min(axis=-1))
    weight = jax.lax.stop_gradient(jnp.minimum(jnp.exp(x["temperature"] * (q - x["state_value"])), 100.0))
    target = x["value_target"][:, None]
    return {"loss_actor": -weight * x["log_prob"],
            "loss_qvalue": _square(x["state_action_value"], target).sum(axis=-1),
            "loss_value": rlax.expectile_loss(x["state_value"], q, x["expectile"]),
            "td_error": jnp.abs(x["state_action_value"] - target).max(axis=-1)}


# Losses of policies


def _policy_gradient(log_prob, advantage):
    """Of the first of two actions, the second of which has what is left of the probability."""
    def one(log_pi, a):
        logits = jnp.stack([log_pi, jnp.log1p(-jnp.exp(log_pi))])
        return rlax.policy_gradient_loss(logits[None], jnp.zeros(1, int), a[None], jnp.ones(1))
    return jax.vmap(one)(log_prob, advantage)


def _reinforce(x: Inputs) -> Outputs:
    return {"loss_actor": _policy_gradient(x["log_prob"], x["advantage"]),
            "loss_value": _square(x["state_value"], x["value_target"])}


def _clip_ppo(x: Inputs) -> Outputs:
    log_ratio, epsilon = x["log_prob"] - x["sample_log_prob"], jnp.ravel(x["clip_epsilon"])[0]
    ratio = jnp.exp(log_ratio)
    surrogate = jax.vmap(lambda r, a: rlax.clipped_surrogate_pg_loss(r[None], a[None], epsilon))
    total, squares = jnp.sum(ratio * x["real"]), jnp.sum(ratio * ratio * x["real"])
    return {"loss_objective": surrogate(ratio, x["advantage"]), "loss_entropy": -x["entropy_coeff"] * x["entropy"],
            "loss_critic": x["critic_coeff"] * _square(x["state_value"], x["value_target"]), "kl_approx": -log_ratio,
            "clip_fraction": (ratio != jnp.clip(ratio, 1 - epsilon, 1 + epsilon)).astype(ratio.dtype),
            "ESS": total * total / (squares * x["real"].sum())}


# Dreamer, and targets


def _dreamer_model(x: Inputs) -> Outputs:
    one = jax.vmap(jax.vmap(lambda *of: rlax.multivariate_normal_kl_divergence(*(number[None] for number in of))))
    kl = one(x["posterior_mean"], x["posterior_std"], x["prior_mean"], x["prior_std"])
    kl = kl if x["global_average"] else kl.sum(axis=-1, keepdims=True)
    if x["delayed_clamp"]:
        kl = jnp.full_like(kl, jnp.sum(kl.mean(axis=-1) * x["real"]) / x["real"].sum())
    kl = jnp.where((kl >= x["free_nats"]) | (x["free_nats"] == 0), kl, x["free_nats"])
    squares = _square(x["reco_observation"], x["observation"])
    return {"loss_model_kl": x["lambda_kl"] * kl.mean(axis=-1),
            "loss_model_reco": x["lambda_reco"] * (squares.mean if x["global_average"] else squares.sum)(axis=-1),
            "loss_model_reward": x["lambda_reward"] * _square(x["reco_reward"], x["reward"])}


def _weights(x: Inputs, like):
    before = jnp.concatenate([jnp.ones_like(like[:1]), x["gamma"][:-1]])
    return jnp.cumprod(before, axis=0) if x["discount_loss"] else jnp.ones_like(like)


def _dreamer_actor(x: Inputs) -> Outputs:
    returns = jax.vmap(rlax.lambda_returns, in_axes=1, out_axes=1)(
        x["reward"], x["gamma"], x["next_state_value"], x["lmbda"])
    return {"loss_actor": -_weights(x, returns) * returns}


def _dreamer_value(x: Inputs) -> Outputs:
    return {"loss_value": _weights(x, x["state_value"]) * _square(x["state_value"], x["value_target"])}


def _hard_update(x: Inputs) -> Outputs:
    return {"target_params": rlax.periodic_update(x["params"], x["target_params"], x["step"], x["interval"])}


# What rlax cannot be asked


def _no_l1(x: Inputs) -> None:
    if x["loss_function"] == "l1":
        raise NotImplementedError("it has the square and Huber's loss")


def _squares_only(x: Inputs) -> None:
    if x["loss_function"] != "l2":
        raise NotImplementedError("it leaves the distance to its user, here the square; its Huber loss is distance's")


def _from_logits(x: Inputs) -> None:
    if (x["log_prob"] > -0.125).any():
        raise NotImplementedError("it takes logits; of a probability near 1, rounding them is no rounding of its log")


def _one_epsilon(x: Inputs) -> None:
    if np.ptp(x["clip_epsilon"]) != 0:
        raise NotImplementedError("one epsilon for both sides")


def _finite_ratio(x: Inputs) -> None:
    if (np.abs(x["log_prob"] - x["sample_log_prob"]) > 300).any():
        raise NotImplementedError("it is given the ratio of probabilities, and float64 does not hold it or its square")


# From arrays [T, *B, ...] and back


def offer(namespace: dict[str, Any], name: str, call: Callable[[Inputs], Outputs], *checks: Callable[[Inputs], None],
          time: bool = False) -> None:
    """Define ``name`` and ``name_vjp`` in ``namespace``. Sizes are padded to powers of two, so that few are compiled:
    by the last sample again, which "real" is 0 for, and by steps after the end, which no step before it looks at."""
    page = find(name.partition("__")[0])
    groups = {each.terms: [one.by for one in page.derivatives if one.terms == each.terms] for each in page.derivatives}

    @partial(jax.jit, static_argnums=1)
    def values(x: Inputs, fixed: tuple) -> Outputs:
        return call(x | dict(fixed))

    @partial(jax.jit, static_argnums=2)
    def gradients(x: Inputs, cotangents: Inputs, fixed: tuple) -> Outputs:
        found: Outputs = {}
        for terms, by in groups.items():
            def of(leaves: Inputs, terms: tuple[str, ...] = terms) -> tuple:
                outputs = call(x | dict(fixed) | leaves)
                return tuple(outputs[term] for term in terms)
            (gradient,) = jax.vjp(of, {key: x[key] for key in by})[1](tuple(cotangents[term] for term in terms))
            found |= {each.name: gradient[each.by] for each in page.derivatives if each.terms == terms}
        return found

    def run(inputs: Inputs, cotangents: Inputs | None = None) -> dict[str, np.ndarray]:
        for check in checks:
            check(inputs)
        steps = page.steps(inputs)
        rows = (steps[0], int(np.prod(steps[1:]))) if time else (int(np.prod(steps)),)
        sizes = tuple(max(8, 1 << (n - 1).bit_length()) for n in rows)

        def padded(a: Any, mode: Any = "edge") -> np.ndarray:
            flat = np.asarray(a).reshape(*rows, *np.shape(a)[len(steps):])
            return np.pad(flat, [(0, size - n) for size, n in zip(sizes, rows, strict=True)]
                          + [(0, 0)] * (flat.ndim - len(rows)), mode=mode)

        dtype = next(a for key, a in inputs.items() if page.arguments[key].per_step and a.dtype.kind == "f").dtype
        x: Inputs = {"real": padded(np.ones(steps, dtype), "constant")}
        for key, entry in page.arguments.items():
            if entry.per_step:
                x[key] = padded(inputs[key])
            elif entry.parameter:
                x[key] = padded(np.broadcast_to(inputs[key], steps).astype(dtype))
            elif not isinstance(inputs[key], (str, bool)):
                x[key] = inputs[key]
        if "lmbda" in x:  # the last step of all is the bootstrap's, also where steps are put behind it
            x["lmbda"][rows[0] - 1] = 0
        fixed = tuple((key, value) for key, value in inputs.items() if isinstance(value, (str, bool)))
        shapes = page.shapes(inputs)
        with (jax.enable_x64(dtype == np.float64),  # for these calls only: the setting is everybody's
              warnings.catch_warnings(action="ignore", category=PendingDeprecationWarning)):  # rlax's of itself
            if cotangents is None:
                found = values(x, fixed)
            else:
                found = gradients(x, {key: padded(c, "constant") if shapes[key] else c
                                      for key, c in cotangents.items()}, fixed)
                shapes = {each.name: np.shape(inputs[each.by]) for each in page.derivatives}
        part = tuple(slice(n) for n in rows)
        return {key: np.asarray(found[key])[part if shape else ()].reshape(shape) for key, shape in shapes.items()}

    namespace[name] = lambda **inputs: run(inputs)
    namespace[f"{name}_vjp"] = lambda cotangent, **inputs: run(inputs, cotangent._asdict())


def _tie(x: Inputs) -> bool:
    q = x["next_action_value"]
    return bool(((q == q.max(axis=-1, keepdims=True)).sum(axis=-1) > 1).any())


def _small_difference(x: Inputs) -> bool:
    size = np.abs(x["input"] - x["target"])
    return x["loss_function"] == "smooth_l1" and bool(((size > 0) & (size < 1 / 16)).any())


FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "max_q": (_max_q,),
    "double_q": (_double_q,),
    "categorical_projection": (_categorical_projection,),
    "distance": (_distances, _no_l1),
    "dqn": (_dqn, _squares_only),
    "iql": (_iql, _squares_only),
    "reinforce": (_reinforce, _squares_only, _from_logits),
    "clip_ppo": (_clip_ppo, _squares_only, _one_epsilon, _finite_ratio),
    "dreamer_model": (_dreamer_model,),
    "dreamer_actor": (_dreamer_actor,),
    "dreamer_value": (_dreamer_value,),
    "hard_update": (_hard_update,),
}
OVER_TIME = ("dreamer_actor", "dreamer_value")
DIVERGENCES: tuple[Divergence, ...] = (
    Divergence("max_q_vjp", _tie, "differs", "0.5 for 1",
               "a convention: jnp.max shares the derivative among the values that tie, rlref gives it to the first"),
    Divergence("distance_vjp", _small_difference, "float32", "eps for eps |u|",
               "huber_loss is |u| + q^2/2 - q with q = min(|u|, 1): the u that is left of its derivative has the "
               "rounding of the 1 and -1 beside it"),
)
