"""torchrl's Dreamer losses, run as they are: on networks that look up the given arrays.

Each gives one number for a batch. What a sample, or a step, has to do with it comes out of the loss's own forward too:

    DreamerModelLoss   one call for each sample; one for all where delayed_clamp makes the divergence one number
    DreamerValueLoss   one call for each step, the targets of all others being their values
    DreamerActorLoss   one call: it is linear in the returns, so its derivative by each return is that one's weight
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule, TensorDictSequential
from torchrl.data import Composite, Unbounded
from torchrl.envs.model_based.dreamer import DreamerEnv
from torchrl.modules import WorldModelWrapper
from torchrl.objectives import DreamerActorLoss, DreamerModelLoss, DreamerValueLoss
from torchrl.objectives.utils import ValueEstimators

from rlref.backends import Divergence
from rlref.backends._torchrl_known import (
    _BUFFER,
    _CUT,
    _EMPTY,
    _buffers_rounded,
    _cut_filter,
    _empty_filter,
    _rounded,
)
from rlref.backends._torchrl_leaves import Tensors

Inputs = dict[str, Any]
Module = Callable[[torch.Tensor], Any]
LATENTS = ("prior_mean", "prior_std", "posterior_mean", "posterior_std")
TERMS = ("loss_model_kl", "loss_model_reco", "loss_model_reward")
SETTINGS = ("lambda_kl", "lambda_reco", "lambda_reward", "free_nats", "delayed_clamp", "global_average")


class Rows(torch.nn.Module):
    """A network that has tables [T, *B, ...] for parameters: it looks up the samples that its input names."""

    def __init__(self, axes: int, *tables: torch.Tensor, then: Module = lambda found: found) -> None:
        super().__init__()
        self.axes, self.tables, self.then = axes, torch.nn.ParameterList(tables), then

    def forward(self, samples: torch.Tensor) -> Any:
        found = tuple(self.then(table.flatten(0, self.axes - 1)[samples]) for table in self.tables)
        return found if len(found) > 1 else found[0]


def _last(x: torch.Tensor) -> torch.Tensor:
    return x[..., None]


# The world model


def _model(images: bool, x: Tensors) -> dict[str, torch.Tensor]:
    """Observations as images of a single row; or as features, and each sample as a trajectory of two equal steps."""
    steps, axes = x["reward"].shape, x["reward"].ndim

    def observed(features: torch.Tensor) -> torch.Tensor:
        return features[..., None, None, :] if images else features

    def network(*names: str, out: tuple[str, ...], then: Module = lambda found: found) -> TensorDictModule:
        tables = Rows(axes, *(x[name] for name in names), then=then)
        return TensorDictModule(tables, ["state"], [("next", name) for name in out])

    encoder = network(*LATENTS, out=LATENTS)
    decoder = network("reco_observation", out=("reco_pixels",), then=observed)
    rewards = network("reco_reward", out=("reward",), then=_last)
    loss = DreamerModelLoss(TensorDictSequential(TensorDictSequential(encoder, decoder), rewards),
                            **{name: x[name] for name in SETTINGS})

    def run(rows: torch.Tensor) -> TensorDict:
        pixels = observed(x["observation"].flatten(0, axes - 1)[rows])
        seen = {"reward": _last(x["reward"].flatten()[rows]), "pixels": pixels}
        return loss(TensorDict({"state": rows, "next": seen}, rows.shape))[0]

    samples = torch.arange(x["reward"].numel())
    each = [run(row[None] if images else row.expand(1, 2)) for row in samples]
    found = {term: torch.cat([one[term] for one in each]).reshape(steps) for term in TERMS}
    if x["delayed_clamp"]:
        found["loss_model_kl"] = run(samples if images else samples[None])["loss_model_kl"].expand(steps)
    return found


# Imagination. Step t of trajectory b is the sample t N + b.


class Actor(torch.nn.Module):
    """Its action is the reward and the value that it leads to, and the sample after that in whose state it acts."""

    def __init__(self, rows: Rows, count: int) -> None:
        super().__init__()
        self.rows, self.count = rows, count

    def forward(self, state: torch.Tensor) -> torch.Tensor:
        return torch.cat([*self.rows(state[..., 2].long()), state[..., 2:] + self.count], dim=-1)


def _value(x: Tensors) -> dict[str, torch.Tensor]:
    _refuse_arrays(x["gamma"])
    steps, count = len(x["state_value"]), x["state_value"][0].numel()
    network = TensorDictModule(Rows(x["state_value"].ndim, x["state_value"], then=_last), ["state"], ["state_value"])
    loss = DreamerValueLoss(network, discount_loss=x["discount_loss"], gamma=x["gamma"])
    found = []
    for sample, target in enumerate(x["value_target"].flatten()):
        targets = x["state_value"].detach().flatten().clone()
        targets[sample] = target
        rows = torch.arange(steps)[None] * count + sample % count
        found.append(loss(TensorDict({"state": rows, "lambda_target": _last(targets[rows])}, rows.shape))[0])
    return {"loss_value": torch.stack([one["loss_value"] for one in found]).reshape(x["state_value"].shape)}


def _actor(x: Tensors, **arguments: Any) -> dict[str, torch.Tensor]:
    """The dynamics make the action the state: the reward model reads its first entry, and the critic its second."""
    _refuse_arrays(x["gamma"], x["lmbda"])
    steps, count, like = len(x["reward"]), x["reward"][0].numel(), torch.float64  # for all step numbers
    table = Rows(x["reward"].ndim, x["reward"], x["next_state_value"], then=_last)
    actor = TensorDictModule(Actor(table, count), ["state"], ["action"])
    dynamics = TensorDictModule(lambda state, action: action, ["state", "action"], ["state"])
    rewards = TensorDictModule(lambda state: state[..., :1], ["state"], ["reward"])
    critic = TensorDictModule(lambda state: state[..., 1:2], ["state"], ["state_value"])
    env = DreamerEnv(WorldModelWrapper(dynamics, rewards), prior_shape=(3,), belief_shape=(1,), batch_size=[])
    env.observation_spec = Composite(state=Unbounded((3,), dtype=like), belief=Unbounded((1,), dtype=like))
    env.state_spec = env.observation_spec.clone()
    env.action_spec, env.reward_spec = Unbounded((3,), dtype=like), Unbounded((1,), dtype=like)
    loss = DreamerActorLoss(actor, critic, env, imagination_horizon=steps, discount_loss=x["discount_loss"])
    loss.make_value_estimator(ValueEstimators.TDLambda, gamma=x["gamma"], lmbda=x["lmbda"], **arguments)
    estimate, returns = loss.lambda_target, list[torch.Tensor]()

    def seen(reward: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        returns.append(estimate(reward, value))
        return returns[-1]

    loss.lambda_target = seen
    start = torch.cat([torch.zeros(count, 2, dtype=like), torch.arange(count, dtype=like)[:, None]], dim=-1)
    out, _ = loss(TensorDict({"state": start, "belief": start[:, :1]}, [count]))
    (weights,) = torch.autograd.grad(out["loss_actor"], returns, retain_graph=True)  # of the mean over trajectories
    return {"loss_actor": (returns[0] * weights * count)[..., 0].T.reshape(x["reward"].shape)}


def _refuse_arrays(*parameters: Any) -> None:
    if any(isinstance(one, torch.Tensor) for one in parameters):
        raise NotImplementedError("gamma and lambda are documented as one number")


FUNCTIONS = {
    "dreamer_model__images": partial(_model, True),
    "dreamer_model__features": partial(_model, False),
    "dreamer_value": _value,
    "dreamer_actor": _actor,
    "dreamer_actor__time_dim": partial(_actor, time_dim=-2),  # as nobody is told to, but then lambda is used
}


def _endless(condition: Callable[[Inputs], bool]) -> Callable[[Inputs], bool]:
    """What is known of TD(lambda), which these losses call for trajectories without an end."""
    return lambda x: condition(x | {"rolling_gamma": True, "done": np.zeros(x["reward"].shape, bool)})


def _weights_rounded(x: Inputs) -> bool:
    """gamma is no float32, or its powers, which are multiplied in float32, are none."""
    powers = x["discount_loss"] and len(x["reward"]) > 2 and isinstance(x["gamma"], float) and 0 < x["gamma"] < 1
    return powers or _rounded(x["gamma"])


def _all_rounded(x: Inputs) -> bool:
    return _weights_rounded(x) or _endless(_buffers_rounded)(x)


def _later_steps_count(x: Inputs) -> bool:
    return len(x["reward"]) > 1 and np.max(x["gamma"] * x["lmbda"]) > 0


def _summed_over_samples(x: Inputs) -> bool:
    return not x["global_average"] and x["lambda_reco"] > 0


@np.errstate(over="ignore")
def _squares_overflow(x: Inputs) -> bool:
    largest = np.maximum(x["posterior_std"], np.abs(x["prior_mean"] - x["posterior_mean"]))
    return not np.isfinite(largest * largest + 2 * x["prior_std"] * x["prior_std"]).all()


_SQUARES = "deviations and the distance of the means are squared before they are divided: inf, or inf / inf"
_TIME = "lambda_target passes a TensorDict without batch axes, so _get_time_dim takes axis -1, of size 1; TD1 likewise"
_SUM = "reco_loss.sum((-3, -2, -1)): of [B, T, O] also over samples and time, though documented as over the rest only"
_KNOWN = tuple(Divergence(*row) for row in (
    ("dreamer_model__features", _summed_over_samples, "differs", "2 for 1; in a batch of n, n for 1", _SUM),
    ("dreamer_model__images", _squares_overflow, "differs", "inf for 1e300", _SQUARES),
    ("dreamer_model__features", _squares_overflow, "differs", "inf for 1e300", _SQUARES),
    ("dreamer_actor", _later_steps_count, "differs", "9.5 on N(0, 1) data, T = 15: it is lambda = 0", _TIME),
    ("dreamer_actor", _endless(_empty_filter), "crashes", "IndexError", _EMPTY),
    ("dreamer_actor__time_dim", _endless(_empty_filter), "crashes", "IndexError", _EMPTY),
    ("dreamer_actor__time_dim", _endless(_cut_filter), "differs", "0 for 9e-8", _CUT),
    ("dreamer_actor", _weights_rounded, "float32", "5.6e-7 on the same", _BUFFER),
    ("dreamer_actor__time_dim", _all_rounded, "float32", "1.6e-6", _BUFFER),
))
DIVERGENCES = _KNOWN + tuple(one._replace(implementation=f"{one.implementation}_vjp") for one in _KNOWN)
