"""torchrl's SACLoss, with and without a value network, DiscreteSACLoss and REDQLoss, on networks that look things up.

The state is the number of the sample. An action of the policy *is* what the critics make of it, one component each, so
that a gradient through it is a gradient by Q_i(s, a); the action in the data has a last component of 1, and a critic
then gives its own parameter, Q_i(s, a_t). So what the losses hold still (critics, targets, the policy) is held still.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from tensordict import TensorDict, TensorDictParams
from tensordict.nn import TensorDictModule
from torchrl.modules import ProbabilisticActor
from torchrl.objectives import DiscreteSACLoss, REDQLoss, SACLoss

from rlref.backends import Divergence
from rlref.backends._torchrl_leaves import Tensors, ends

Inputs = dict[str, Any]


class _Drawn(torch.distributions.Distribution):
    """A policy that draws the given action, with the given log-probability."""

    arg_constraints: ClassVar[dict] = {}
    has_rsample = True

    def __init__(self, log_prob: torch.Tensor, action: torch.Tensor) -> None:
        super().__init__(log_prob.shape, action.shape[-1:], validate_args=False)
        self.drawn, self.score = action, log_prob

    def rsample(self, sample_shape: Any = ()) -> torch.Tensor:
        return self.drawn

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        return self.score

    deterministic_sample = property(rsample)


class _Choice(torch.distributions.Distribution):
    """A categorical policy with the given log-probabilities, which are not normalized once more."""

    arg_constraints: ClassVar[dict] = {}

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__(logits.shape[:-1], validate_args=False)
        self.logits, self.probs = logits, logits.exp()


class _Rows(torch.nn.Module):
    """Gives the row of each of its tables that belongs to the sample."""

    def __init__(self, *tables: torch.nn.Parameter, axes: int) -> None:
        super().__init__()
        self.tables, self.axes = torch.nn.ParameterList(tables), axes

    def forward(self, state: torch.Tensor) -> Any:
        rows = [_rows(table, self.axes, state) for table in self.tables]
        return rows[0] if len(rows) == 1 else tuple(rows)


class _Policy(_Rows):
    """Gives log pi(a|s) and a."""

    def forward(self, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        log_prob, action = super().forward(state)
        return log_prob, torch.cat([action, torch.zeros_like(action[..., :1])], -1)


class _Critic(torch.nn.Module):
    """Gives Q_i(s, a): of the policy's action its own component, of the data's its own row."""

    def __init__(self, which: torch.Tensor, rows: torch.Tensor) -> None:
        super().__init__()
        self.which, self.rows = torch.nn.Parameter(which), torch.nn.Parameter(rows)

    def forward(self, state: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        of_policy = (action[..., :-1] * self.which).sum(-1, keepdim=True)
        return torch.where(action[..., -1:] == 1, _rows(self.rows, self.rows.ndim, state)[..., None], of_policy)


def _rows(table: torch.Tensor, axes: int, state: torch.Tensor) -> torch.Tensor:
    """As they are where every sample is asked for, once or several times over, for torch is slow at looking up."""
    steps, asked = table.shape[:axes], state.shape[:-1]
    if asked == steps:
        return table
    if asked[1:] == steps[1:] and asked[0] and asked[0] % steps[0] == 0:
        return torch.cat([table] * (asked[0] // steps[0]))
    return table.flatten(0, axes - 1)[state[..., 0]]


def _continuous(make: type, x: Tensors, copies: int = 1, value: Any = (), **settings: Any) -> tuple[Any, TensorDict]:
    """A loss module of this class with the leaves for parameters, and its data, ``copies`` times over."""
    steps, values = x["log_prob"].shape, x["state_action_value"]
    policy = TensorDictModule(_Policy(x["log_prob"], x["policy_action_value"], axes=len(steps)),
                              ["state"], ["log_prob", "drawn"])
    actor = ProbabilisticActor(policy, {"log_prob": "log_prob", "action": "drawn"}, ["action"],
                               distribution_class=_Drawn, return_log_prob=True)
    rows, which = values.movedim(-1, 0), torch.eye(values.shape[-1], dtype=values.dtype)
    critics = [TensorDictModule(_Critic(which[i], rows[i].detach()), ["state", "action"], ["state_action_value"])
               for i in range(len(which))]
    loss = make(actor, critics, *value, num_qvalue_nets=len(which), **_settings(x), **settings)
    _set(loss, x, {"which": which, "rows": rows})
    state = torch.arange(math.prod(steps)).reshape(*steps, 1)
    action = torch.zeros(*steps, len(which) + 1, dtype=values.dtype)
    action[..., -1] = 1
    data = TensorDict({"state": state, "action": action, **ends(x["value_target"][..., None], state=state)}, steps)
    return loss, torch.cat([data] * copies)


def _settings(x: Tensors) -> dict[str, Any]:
    return {"loss_function": x["loss_function"], "target_entropy": x["target_entropy"], "reduction": "none",
            "scalar_output_mode": "exclude"}


def _set(loss: Any, x: Tensors, critics: dict[str, torch.Tensor]) -> None:
    """Make the leaves the parameters of the ensemble, which the module has copied, and of the temperature."""
    ensemble = TensorDict({"module": critics}, [loss.num_qvalue_nets])
    loss.qvalue_network_params = TensorDictParams(ensemble, no_convert=True)
    loss.log_alpha = x["log_alpha"]


def _sac(**settings: Any) -> Callable[[Tensors], dict[str, torch.Tensor]]:
    def call(x: Tensors) -> dict[str, torch.Tensor]:
        loss, data = _continuous(SACLoss, x, **settings)
        out = dict(loss(data).items())
        return out | {"td_error": data["td_error"], "entropy": -loss.actor_loss(data)[1]["log_prob"]}
    return call


def _sac_value(x: Tensors) -> dict[str, torch.Tensor]:
    """Each critic is shown its own N-th part of the batch; here each part is the whole batch, so (3) can be summed up.

    Of the other terms, which see N copies, the first is taken. It writes delta^2.
    """
    steps, critics = x["log_prob"].shape, x["state_action_value"].shape[-1]
    value = TensorDictModule(_Rows(x["state_value"][..., None], axes=len(steps)), ["state"], ["state_value"])
    loss, data = _continuous(SACLoss, x, copies=critics, value=(value,))
    loss.value_network_params["module", "tables", "0"] = x["state_value"][..., None]
    parts = {name: y.unflatten(0, (critics, steps[0])) for name, y in loss(data).items()}
    out = {name: y.sum(0) if name == "loss_qvalue" else y[0] for name, y in parts.items()}
    td_error = data["td_error"].unflatten(0, (critics, steps[0])).sqrt().amax(0)
    return out | {"td_error": td_error, "entropy": -loss.actor_loss(data)[1]["log_prob"][: steps[0]]}


def _redq(x: Tensors) -> dict[str, torch.Tensor]:
    """Without its bounds of alpha. It leaves the mean over critics to the reduction, gives loss_alpha for s and for s',
    of which the first is taken, and writes delta^2.
    """
    loss, data = _continuous(REDQLoss, x, min_alpha=0.0, max_alpha=math.inf)
    out, steps = loss(data), data.shape
    return {"loss_actor": out["loss_actor"].mean(0), "loss_qvalue": out["loss_qvalue"].mean(0),
            "loss_alpha": out["loss_alpha"][0].reshape(steps), "td_error": data["td_error"].sqrt(),
            "entropy": -out["action_log_prob_actor"].reshape(steps)}


def _discrete_sac(action_space: str, column: bool = False) -> Callable[[Tensors], dict[str, torch.Tensor]]:
    def call(x: Tensors) -> dict[str, torch.Tensor]:
        steps, (actions, critics) = x["action"].shape, x["action_value"].shape[-2:]
        rows = x["action_value"].movedim(-1, 0)
        actor = ProbabilisticActor(TensorDictModule(_Rows(x["log_probs"], axes=len(steps)), ["state"], ["logits"]),
                                   ["logits"], ["action"], distribution_class=_Choice)
        networks = [_Rows(torch.nn.Parameter(row.detach()), axes=len(steps)) for row in rows]
        networks = [TensorDictModule(network, ["state"], ["action_value"]) for network in networks]
        loss = DiscreteSACLoss(actor, networks, action_space=action_space, num_qvalue_nets=critics, **_settings(x))
        _set(loss, x, {"tables": TensorDict({"0": rows}, [critics])})  # type: ignore[dict-item]
        state = torch.arange(math.prod(steps)).reshape(*steps, 1)
        action = torch.nn.functional.one_hot(x["action"], actions) if action_space == "one-hot" else x["action"]
        action = action[..., None] if column else action
        data = TensorDict({"state": state, "action": action, **ends(x["value_target"][..., None], state=state)}, steps)
        out = dict(loss(data).items())
        return out | {"td_error": data["td_error"], "entropy": -loss.actor_loss(data)[1]["log_prob"]}
    return call


FUNCTIONS = {"sac": _sac(), "sac__skip_done_states": _sac(skip_done_states=True), "sac_value": _sac_value,
             "redq": _redq, "discrete_sac__categorical": _discrete_sac("categorical"),
             "discrete_sac__column": _discrete_sac("categorical", column=True),
             "discrete_sac__one_hot": _discrete_sac("one-hot")}


def _entropy_rounded(x: Inputs) -> bool:
    return float(np.float32(x["target_entropy"])) != x["target_entropy"]


def _masked(x: Inputs) -> bool:
    return bool(np.isneginf(x["log_probs"]).any())


def _choice(x: Inputs) -> bool:
    return x["log_probs"].shape[-1] > 1


def _last_axis_of_one(x: Inputs) -> bool:
    steps = x["log_prob"].shape
    return len(steps) > 1 and steps[-1] == 1 and math.prod(steps) > 1


def _batch_axes(x: Inputs) -> bool:
    return x["log_prob"].ndim > 1


_CONSTANT = "target_entropy is made a float32 tensor"
_NAN = "prob * (alpha * log_prob - min_q) and log_prob * prob are 0 * -inf"
_SQUEEZE = "sample_log_prob.squeeze(-1), meant for an axis of one behind the batch, takes the batch's own last axis"
_SKIPPED = "the next action, which indexing by ~done has made [n, D], is put back into zeros of the mask's shape"
_COLUMN = "action.shape != action_value.shape is asked where DQNLoss asks ndim: an action [..., 1] gets another axis"
_NAN_LINK = "https://github.com/pytorch/rl/pull/1750"

DIVERGENCES: tuple[Divergence, ...] = (
    *(Divergence(f"{name}{end}", _entropy_rounded, "float32", "1e-8", _CONSTANT)
      for name in FUNCTIONS if "column" not in name for end in ("", "_vjp")),
    *(Divergence(f"{name}{end}", _masked, "differs", "nan", _NAN, _NAN_LINK)
      for name in ("discrete_sac__categorical", "discrete_sac__one_hot") for end in ("", "_vjp")),
    *(Divergence(f"discrete_sac__column{end}", _choice, "crashes", "RuntimeError", _COLUMN) for end in ("", "_vjp")),
    *(Divergence(f"redq{end}", _last_axis_of_one, "crashes", "RuntimeError", _SQUEEZE) for end in ("", "_vjp")),
    *(Divergence(f"sac__skip_done_states{end}", _batch_axes, "crashes", "RuntimeError", _SKIPPED)
      for end in ("", "_vjp")),
)
