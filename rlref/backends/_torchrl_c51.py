"""torchrl: DistributionalDQNLoss, reductions, the clipped value loss and target updates, run as they are.

DistributionalDQNLoss makes its target in torch's default dtype, and crashes where the inputs have another. So it is run
in float32, as a user must who changes nothing, and again with the inputs' dtype as the default one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule
from torch.distributions import Normal
from torchrl.modules import DistributionalQValueActor, ProbabilisticActor
from torchrl.objectives import (
    A2CLoss,
    ClipPPOLoss,
    DistributionalDQNLoss,
    HardUpdate,
    ReinforceLoss,
    SoftUpdate,
    ValueEstimators,
)
from torchrl.objectives.common import LossModule
from torchrl.objectives.utils import _clip_value_loss, _reduce, distance_loss

from rlref.backends._torchrl_c51_known import DIVERGENCES
from rlref.backends._torchrl_leaves import Tensors

__all__ = ["DIVERGENCES", "FUNCTIONS"]

Outputs = dict[str, torch.Tensor]


# DistributionalDQNLoss


class _Atoms(torch.nn.Module):
    """Log-probabilities [S, K, A]: its parameter, [T, *B, A, K], where the state is NaN, else the state itself."""

    def __init__(self, table: torch.nn.Parameter) -> None:
        super().__init__()
        self.table = table

    def forward(self, state: torch.Tensor) -> torch.Tensor:
        return torch.where(state.isnan(), self.table.flatten(0, -3).transpose(1, 2), state)


def _loss(table: torch.nn.Parameter, action: torch.Tensor, next_probs: torch.Tensor, reward: torch.Tensor,
          terminated: torch.Tensor, gamma: Any, support: torch.Tensor, one_hot: bool) -> torch.Tensor:
    """The loss of each sample [S]. ``next_probs`` [S, K] are those of every next action."""
    network = TensorDictModule(_Atoms(table), ["state"], ["action_value"])
    actor = DistributionalQValueActor(network, support=support, action_space="one-hot" if one_hot else "categorical",
                                      make_log_softmax=False)
    steps = {}
    if isinstance(gamma, torch.Tensor):  # it takes gamma ** steps_to_next_obs, which has this shape from MultiStep
        steps = {"steps_to_next_obs": -gamma.log2()}
        gamma = 0.5
    loss = DistributionalDQNLoss(actor, gamma=gamma, reduction="none")
    actions = table.shape[-2]
    after = next_probs.log().clamp(max=0.0)[..., None].expand(-1, -1, actions)  # it refuses a probability above 1
    action = torch.nn.functional.one_hot(action, actions) if one_hot else action[:, None]
    done = terminated[:, None]
    data = TensorDict({"state": torch.full_like(after, torch.nan), "action": action, **steps,
                       "next": {"state": after, "reward": reward[:, None], "done": done, "terminated": done}},
                      [len(reward)])
    return loss(data)["loss"]


def _in(dtype: Callable[[Tensors], torch.dtype], call: Callable[[Tensors], Outputs]) -> Callable[[Tensors], Outputs]:
    """``call`` with torch's default dtype and every real tensor in ``dtype``, and back to what they came in."""
    def run(x: Tensors) -> Outputs:
        before, own = torch.get_default_dtype(), x["reward" if "reward" in x else "target_probs"].dtype
        torch.set_default_dtype(dtype(x))
        try:
            found = call({name: y.to(dtype(x)) if isinstance(y, torch.Tensor) and y.is_floating_point() else y
                          for name, y in x.items()})
        finally:
            torch.set_default_dtype(before)
        return {name: y.to(own) for name, y in found.items()}
    return run


def _float32(x: Tensors) -> torch.dtype:
    return torch.float32


def _own(x: Tensors) -> torch.dtype:
    return x["reward" if "reward" in x else "target_probs"].dtype


def _distributional_dqn(one_hot: bool) -> Callable[[Tensors], Outputs]:
    """With gamma = 1 and no reward on the atoms 0, 1, 2, ... the projected target is what the next state has."""
    def call(x: Tensors) -> Outputs:
        steps, atoms = x["action"].shape, x["target_probs"].shape[-1]
        if atoms == 1:
            raise NotImplementedError("there is no gap between atoms")
        table, action = x["action_log_probs"], x["action"].flatten()
        never = torch.zeros_like(action, dtype=torch.bool)
        loss = _loss(table, action, x["target_probs"].reshape(-1, atoms), torch.zeros(len(action)), never, 1.0,
                     torch.arange(float(atoms)), one_hot)
        return {"loss": loss.reshape(steps)}
    return call


def _projection(per_sample: bool) -> Callable[[Tensors], Outputs]:
    """The loss is linear in the log-probabilities, and its derivative by them is minus the target."""
    def call(x: Tensors) -> Outputs:
        probs, reward, gamma = x["next_atom_probs"].detach(), x["reward"].flatten(), x["gamma"]
        if per_sample:
            gamma = gamma.flatten() if isinstance(gamma, torch.Tensor) else torch.full_like(reward, gamma)
        elif isinstance(gamma, torch.Tensor):
            raise NotImplementedError("DistributionalDQNLoss documents gamma as a scalar")
        atoms = probs.shape[-1]
        table = torch.nn.Parameter(torch.zeros(len(reward), 1, atoms))
        loss = _loss(table, torch.zeros(len(reward), dtype=torch.int64), probs.reshape(-1, atoms), reward,
                     x["terminated"].flatten(), gamma, x["support"], one_hot=False)
        (gradient,) = torch.autograd.grad(loss.sum(), table)
        return {"target_probs": -gradient.reshape(probs.shape)}
    return call


# Reductions


class _Reducer(LossModule):
    """A loss that reads its losses from the data and reduces them as every loss of torchrl does."""

    def __init__(self, reduction: str) -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, data: TensorDict) -> torch.Tensor:
        return self._reduce_loss(data["loss"], tensordict=data, weights=data.get("priority_weight", None))


def _reduction(weighted: bool) -> Callable[[Tensors], Outputs]:
    def call(x: Tensors) -> Outputs:
        data = TensorDict({"loss": x["loss"], "collector": {"mask": x["mask"]}}, x["loss"].shape)
        if weighted:
            data["priority_weight"] = x["weight"]
        elif (x["weight"][x["mask"]] != (x["weight"][x["mask"]][0] if x["reduction"] == "mean" else 1)).any():
            raise NotImplementedError("without weights")
        return {"value": _Reducer(x["reduction"])(data)}
    return call


def _reduction_function(x: Tensors) -> Outputs:
    value = _reduce(x["loss"], x["reduction"], mask=x["mask"], weights=x["weight"])
    if x["reduction"] == "none":  # it leaves out what is masked
        value = torch.zeros_like(x["loss"]).masked_scatter(x["mask"], value)
    return {"value": value}


# The clipped value loss


def _clipped_function(x: Tensors) -> Outputs:
    """One sample at a time: clip_fraction is a mean over what it is given."""
    def each(value: torch.Tensor, old: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        loss = distance_loss(target, value, x["loss_function"])
        return _clip_value_loss(old, value, x["clip_value"], target, loss, x["loss_function"])

    flat = (x[name].flatten() for name in ("state_value", "old_state_value", "value_target"))
    loss, clipped = torch.vmap(each)(*flat)
    steps = x["state_value"].shape
    return {"loss": loss.reshape(steps), "clip_fraction": clipped.reshape(steps)}


class _Critic(torch.nn.Module):
    """V of the samples asked for, [..., 1]; its parameter holds V of all."""

    def __init__(self, table: torch.nn.Parameter) -> None:
        super().__init__()
        self.table = table

    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        return self.table.flatten()[sample]


def _clipped_module(kind: type, forward: bool = False) -> Callable[[Tensors], Outputs]:
    """``loss_critic``, or the critic's part of ``forward``, which then has to estimate advantages itself."""
    def call(x: Tensors) -> Outputs:
        value, like = x["state_value"], x["state_value"].detach().flatten()[:, None]
        network = TensorDictModule(lambda state: (state, torch.ones_like(state)), ["mean"], ["loc", "scale"])
        actor = ProbabilisticActor(network, ["loc", "scale"], distribution_class=Normal, return_log_prob=True)
        critic = TensorDictModule(_Critic(value), ["sample"], ["state_value"])
        coefficient = {} if kind is ReinforceLoss else {"critic_coeff": 1.0}
        loss = kind(actor, critic, clip_value=x["clip_value"], loss_critic_type=x["loss_function"], reduction="none",
                    **coefficient)
        if forward:
            loss.make_value_estimator(ValueEstimators.TD0, gamma=0.5)
        here = {"sample": torch.arange(len(like))[:, None], "mean": torch.zeros_like(like)}
        target, ended = x["value_target"].flatten()[:, None], torch.ones_like(like, dtype=torch.bool)
        data = TensorDict({**here, "action": torch.zeros_like(like), "value_target": target,
                           "state_value": x["old_state_value"].flatten()[:, None],
                           "next": {**here, "state_value": like, "reward": target, "done": ended,
                                    "terminated": ended}}, [len(like)])
        losses, clipped = [], []
        for one in data.split(1):  # clip_fraction is a mean over what it is given
            if forward:
                out = loss(one.exclude("value_target"))
                found, share = out["loss_value"], out.get("value_clip_fraction")
            else:
                found, share = loss.loss_critic(one)[:2]
            losses.append(found.reshape(()))
            clipped.append(torch.zeros(()) if share is None else share)
        return {"loss": torch.stack(losses).reshape(value.shape),
                "clip_fraction": torch.stack(clipped).reshape(value.shape).to(value.dtype)}
    return call


# Target networks


class _Network(torch.nn.Module):
    """The numbers as a parameter, or as a buffer beside a parameter that means nothing."""

    def __init__(self, numbers: torch.Tensor, buffer: bool) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1) if buffer else numbers.clone())
        if buffer:
            self.register_buffer("numbers", numbers.clone())

    def forward(self, state: torch.Tensor) -> torch.Tensor:
        return state


class _Target(LossModule):
    """A loss that has a network and a target network, and no more."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        module = TensorDictModule(network, ["state"], ["value"])
        self.convert_to_functional(module, "value_network", create_target_params=True)

    def forward(self, data: TensorDict) -> TensorDict:
        return data


def _updated(updater: Callable[[LossModule, Tensors], Any], buffer: bool = False) -> Callable[[Tensors], Outputs]:
    """As many steps of the updater as the page counts, or one; before the last, the target is as given."""
    def call(x: Tensors) -> Outputs:
        loss = _Target(_Network(x["params"].detach(), buffer))
        update = updater(loss, x)
        (target,) = (tensor for key, tensor in loss.target_value_network_params.items(True, True)
                     if key[-1] == ("numbers" if buffer else "weight"))
        for _ in range(x.get("step", 1) - 1):
            update.step()
        target.data.copy_(x["target_params"].detach())
        update.step()
        return {"target_params": target.data.clone()}
    return call


def _soft(loss: LossModule, x: Tensors) -> SoftUpdate:
    return SoftUpdate(loss, tau=x["tau"])


def _hard(loss: LossModule, x: Tensors) -> HardUpdate:
    return HardUpdate(loss, value_network_update_interval=x["interval"])


FUNCTIONS: dict[str, Callable[[Tensors], Outputs]] = {
    "distributional_dqn__float32": _in(_float32, _distributional_dqn(one_hot=True)),
    "distributional_dqn__default_dtype": _in(_own, _distributional_dqn(one_hot=False)),
    "categorical_projection__float32": _in(_float32, _projection(per_sample=False)),
    "categorical_projection__default_dtype": _in(_own, _projection(per_sample=False)),
    "categorical_projection__multi_step": _in(_own, _projection(per_sample=True)),
    "reduction__module": _reduction(weighted=True),
    "reduction__unweighted": _reduction(weighted=False),
    "reduction__function": _reduction_function,
    "clipped_value__function": _clipped_function,
    "clipped_value__ppo": _clipped_module(ClipPPOLoss),
    "clipped_value__a2c": _clipped_module(A2CLoss),
    "clipped_value__reinforce": _clipped_module(ReinforceLoss),
    "clipped_value__reinforce_forward": _clipped_module(ReinforceLoss, forward=True),
    "soft_update": _updated(_soft),
    "soft_update__buffers": _updated(_soft, buffer=True),
    "hard_update": _updated(_hard),
    "hard_update__buffers": _updated(_hard, buffer=True),
}
