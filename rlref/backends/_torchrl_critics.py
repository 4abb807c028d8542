"""torchrl's TD3Loss, IQLLoss, DiscreteIQLLoss and QMixerLoss with its own mixers.

They run as they are, on networks that hand over the given arrays. A loss copies the parameters of critics to stack
them, so their leaf is put in the place of the copies afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import torch
from tensordict import TensorDict, TensorDictParams
from tensordict.nn import TensorDictModule
from torchrl.modules import ProbabilisticActor, QMixer, QValueModule, SafeSequential, VDNMixer
from torchrl.objectives import DiscreteIQLLoss, IQLLoss, TD3Loss
from torchrl.objectives.multiagent import QMixerLoss, qmixer

from rlref.backends import Divergence
from rlref.backends._torchrl_leaves import Given, Tensors, ends

Inputs = dict[str, Any]
Outputs = dict[str, torch.Tensor]


def _make_leaf(loss: Any, name: str, rows: torch.Tensor, **more: torch.Tensor) -> None:
    """``rows`` [N, ...] are the tables of the critics from now on. IQLLoss does not stack a single one."""
    batch = getattr(loss, name).batch_size
    tables = {"table": rows if batch else rows[0], **more}
    setattr(loss, name, TensorDictParams(TensorDict({"module": tables}, batch), no_convert=True))


# TD3: an action is what it is worth, and whether it is the policy's


class _Actor(Given):
    def forward(self, state: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.table, torch.ones_like(self.table)], -1)


class _Critic(Given):
    """Its table for the action taken; for the policy's what that is worth, and by every other critic much less."""

    def __init__(self, table: torch.Tensor, less: torch.Tensor) -> None:
        super().__init__(table, last=True)
        self.less = torch.nn.Parameter(less)

    def forward(self, action: torch.Tensor) -> torch.Tensor:
        worth, of_policy = action.split(1, -1)
        return torch.where(of_policy == 1, worth - self.less, self.table[..., None])


def _td3(x: Tensors) -> Outputs:
    steps, rows = x["value_target"].shape, x["state_action_value"].movedim(-1, 0)
    less = 1000 * torch.arange(len(rows), dtype=rows.dtype)
    actor = TensorDictModule(_Actor(x["policy_action_value"]), ["state"], ["action"])
    critics = [TensorDictModule(_Critic(row.detach(), number), ["action"], ["state_action_value"])
               for row, number in zip(rows, less, strict=True)]
    loss = TD3Loss(actor, critics, num_qvalue_nets=len(rows), bounds=(-math.inf, math.inf), policy_noise=0.0,
                   loss_function=x["loss_function"], reduction="none")
    _make_leaf(loss, "qvalue_network_params", rows, less=less)
    state = torch.zeros(*steps, 1)
    data = TensorDict({"state": state, "action": torch.zeros(*steps, 2, dtype=rows.dtype),
                       **ends(x["value_target"][..., None], state=state)}, steps)
    out = loss(data)
    return {"loss_actor": out["loss_actor"], "loss_qvalue": out["loss_qvalue"],
            "td_error": data["td_error"].sqrt()}  # it writes the largest delta^2


# IQL


class _Scored(torch.distributions.Distribution):
    """A policy that gives every action the same log-probability."""

    arg_constraints: dict = {}  # noqa: RUF012  (as in the base class)

    def __init__(self, score: torch.Tensor) -> None:
        super().__init__(score.shape, validate_args=False)
        self.score = score

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        return self.score


class _Head(Given):
    """Adds its table to a feature that it shares with other networks."""

    def forward(self, feature: torch.Tensor) -> torch.Tensor:
        return self.table[..., None] + feature if self.last else self.table + feature[..., 0]


def _iql(x: Tensors, network: type[Given] = Given, feature: torch.Tensor | None = None,
         action_space: str = "") -> Outputs:
    steps, last = x["value_target"].shape, not action_space
    rows, targets = (x[name].movedim(-1, 0) for name in ("state_action_value", "target_state_action_value"))
    state = action = torch.zeros(*steps, 1, dtype=rows.dtype)
    if action_space:  # the action taken is one of three
        index = torch.arange(math.prod(steps)).reshape(steps) % 3
        taken = torch.nn.functional.one_hot(index, 3)
        rows, targets = (torch.where(taken.bool(), y[..., None], y[..., None].detach() + 3) for y in (rows, targets))
        action = taken if action_space == "one-hot" else index
    make: Any = partial(DiscreteIQLLoss, action_space=action_space) if action_space else IQLLoss
    policy = TensorDictModule(network(x["log_prob"]), ["state"], ["score"])
    critics = [TensorDictModule(network(row.detach(), last), ["state"], ["state_action_value"]) for row in rows]
    loss = make(ProbabilisticActor(policy, ["score"], distribution_class=_Scored), critics,
                TensorDictModule(network(x["state_value"], last=True), ["state"], ["state_value"]),
                num_qvalue_nets=len(rows), loss_function=x["loss_function"], temperature=x["temperature"],
                expectile=x["expectile"], reduction="none", scalar_output_mode="exclude")
    _make_leaf(loss, "qvalue_network_params", rows)
    _make_leaf(loss, "target_qvalue_network_params", targets)
    data = TensorDict({"state": state if feature is None else feature, "action": action,
                       **ends(x["value_target"][..., None], state=state)}, steps)
    out = loss(data)
    return {**{name: out[name] for name in ("loss_actor", "loss_qvalue", "loss_value")},
            "td_error": data["td_error"].sqrt()}  # it writes the largest delta^2


def _discrete_iql(action_space: str) -> Callable[[Tensors], Outputs]:
    def call(x: Tensors) -> Outputs:
        if x["expectile"] == 1:
            raise NotImplementedError("DiscreteIQLLoss takes expectiles below 1")
        return _iql(x, action_space=action_space)
    return call


def _iql_shared(x: Tensors) -> Outputs:
    """What comes back to the feature, which is 0, comes back to log_prob and state_value, to which it was added."""
    heads = {name: x[name].detach() for name in ("log_prob", "state_value")}
    shared = x["log_prob"] + x["state_value"]
    return _iql(x | heads, _Head, (shared - shared.detach())[..., None])


# QMixerLoss


class _Agents(torch.nn.Module):
    """Of as many actions as ``taken`` has, that one is worth what the table says, the others something else."""

    def __init__(self, table: torch.Tensor, taken: torch.Tensor) -> None:
        super().__init__()
        self.table, self.taken = table, taken

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        others = self.table.detach()[..., None] + 3
        return torch.where(self.taken, self.table[..., None], others)


def _mixed(x: Tensors, mixer: torch.nn.Module, action_space: str = "categorical", column: bool = False,
           strided: bool = False) -> Outputs:
    """It gives only the mean of the losses: they are caught where it takes them, and so is Q_tot.

    ``column``: actions [.., G, 1], of which there are as many as agents.
    """
    steps, agents = x["value_target"].shape, x["local_value"].shape
    actions = agents[-1] if column else 3
    index = torch.arange(math.prod(agents)).reshape(agents) % actions
    taken = torch.nn.functional.one_hot(index, actions)
    action = taken if action_space == "one-hot" else index[..., None] if column else index
    names = [("agents", name) for name in ("observation", "action_value", "action", "chosen_action_value")]
    network = TensorDictModule(_Agents(x["local_value"], taken.bool()), names[:1], names[1:2])
    choice = QValueModule(action_space=action_space, action_value_key=names[1], out_keys=[names[2], *names[1::2]])
    keys = [names[3], "state"] if mixer.needs_state else names[3:]
    loss = QMixerLoss(SafeSequential(network, choice), TensorDictModule(mixer, keys, ["chosen_action_value"]),
                      loss_function=x["loss_function"], action_space=action_space)
    state = torch.zeros(*steps, 2)
    if strided:  # as where a batch of trajectories has been put time first
        state = state.movedim(tuple(range(len(steps))), tuple(reversed(range(len(steps))))).contiguous()
        state = state.movedim(tuple(range(len(steps))), tuple(reversed(range(len(steps)))))
    team = TensorDict({"observation": torch.zeros(*agents, 1)}, agents)
    data = TensorDict({"agents": team.clone().set("action", action), "state": state,
                       **ends(x["value_target"][..., None], agents=team, state=state)}, steps)
    seen = []

    def catch(prediction: torch.Tensor, target: torch.Tensor, loss_function: str) -> torch.Tensor:
        seen.append((prediction, torchrls(prediction, target, loss_function)))
        return seen[-1][1]

    torchrls = qmixer.distance_loss
    with mock.patch.object(qmixer, "distance_loss", catch):
        loss(data)
    ((global_value, losses),) = seen
    return {"loss": losses, "td_error": data["td_error"][..., 0].sqrt(), "global_value": global_value}  # delta^2


def _vdn(x: Tensors, **settings: Any) -> Outputs:
    return _mixed(x, VDNMixer(n_agents=x["local_value"].shape[-1], device="cpu"), **settings)


def _qmix(x: Tensors, **settings: Any) -> Outputs:
    """Its hypernetworks give the arrays; what is made of these is its own."""
    agents, units = x["hidden_weight"].shape[-2:]
    mixer = QMixer(state_shape=(2,), mixing_embed_dim=units, n_agents=agents, device="cpu")
    for name, output in (("hyper_w_1", "hidden_weight"), ("hyper_b_1", "hidden_bias"),
                         ("hyper_w_final", "output_weight"), ("V", "output_bias")):
        setattr(mixer, name, Given(x[output]))
    return _mixed(x, mixer, **settings)


FUNCTIONS: dict[str, Callable[[Tensors], Any]] = {
    "td3": _td3, "iql": _iql, "iql__shared_feature": _iql_shared,
    "iql__discrete": _discrete_iql("categorical"), "iql__discrete_one_hot": _discrete_iql("one-hot"),
    "vdn__categorical": _vdn, "vdn__one_hot": partial(_vdn, action_space="one-hot"),
    "vdn__action_column": partial(_vdn, column=True),
    "qmix__categorical": _qmix, "qmix__one_hot": partial(_qmix, action_space="one-hot"),
    "qmix__strided_state": partial(_qmix, strided=True),
}


def _expectile_rounded(x: Inputs) -> bool:
    return any(float(np.float32(weight)) != weight for weight in (x["expectile"], 1 - x["expectile"]))


def _critics_move(x: Inputs) -> bool:
    """V, or the weight, would be another if the critics said something else."""
    differs = x["target_state_action_value"].min(axis=-1) != x["state_value"]
    return bool(differs.any() or (x["temperature"] and x["log_prob"].any()))


def _several_actions(x: Inputs) -> bool:
    return x["local_value"].shape[-1] > 1


def _two_axes(x: Inputs) -> bool:
    return sum(n > 1 for n in x["value_target"].shape) > 1


_EXPECTILE = "torch.where(diff > 0, expectile, 1 - expectile) of two plain numbers is float32"
_ATTACHED = ("target critics run with gradients: what the policy shares with them learns through the weight (0 * inf "
             "if that overflows), what V shares with them through the expectile, which DiscreteIQLLoss holds still")
_COLUMN = "action.shape != pred_val.shape is asked where action.ndim is meant, as DQNLoss has it"
_VIEW = "state.view(-1, state_dim)"

DIVERGENCES: tuple[Divergence, ...] = (
    *(Divergence(f"{name}{end}", _expectile_rounded, "float32", "3e-8 of the term", _EXPECTILE)
      for name in ("iql", "iql__shared_feature", "iql__discrete", "iql__discrete_one_hot") for end in ("", "_vjp")
      if name + end != "iql__shared_feature_vjp"),  # there every case differs by more, as below
    Divergence("iql__shared_feature_vjp", _critics_move, "differs", "0 for -2; nan for -100", _ATTACHED),
    *(Divergence(f"vdn__action_column{end}", _several_actions, "crashes", "RuntimeError", _COLUMN)
      for end in ("", "_vjp")),
    *(Divergence(f"qmix__strided_state{end}", _two_axes, "crashes", "RuntimeError", _VIEW) for end in ("", "_vjp")),
)
