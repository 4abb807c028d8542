"""torchrl: what DQNLoss, TD3Loss, SACLoss, DiscreteSACLoss and REDQLoss back up from the next state.

Each loss runs as it is, on networks that read their values off the observation: what the critics say of a state stands
in it side by side, and the policy's log-probabilities behind. A network's one parameter is its number. V(s') is what
the loss's own TD(0) estimator gives where there is no reward, no discount and no end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule, TensorDictSequential
from torchrl.modules import ProbabilisticActor, QValueModule
from torchrl.objectives import DiscreteSACLoss, DQNLoss, REDQLoss, SACLoss, TD3Loss

from rlref.backends import Divergence
from rlref.backends._torchrl_leaves import Call, Tensors

Inputs = dict[str, Any]


class Reads(torch.nn.Module):
    """A network that reads ``width`` values off the observation, those of its number. ``asked``: its inputs so far."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width, self.number = width, torch.nn.Parameter(torch.zeros(()))
        self.asked: list[tuple[torch.Tensor, ...]] = []

    def forward(self, *asked: torch.Tensor) -> torch.Tensor:
        self.asked.append(asked)
        first = (self.number.detach() * self.width).long()
        return asked[0].index_select(-1, first + torch.arange(self.width))


class Stated(torch.distributions.Distribution):
    """A policy whose log-probabilities are given: that of the action it samples, or of every one."""

    def __init__(self, given: torch.Tensor) -> None:
        self.logits = given
        super().__init__(given.shape[:-1], given.shape[-1:], validate_args=False)

    @property
    def probs(self) -> torch.Tensor:
        return self.logits.exp()

    def rsample(self, sample_shape: Any = ()) -> torch.Tensor:
        return torch.zeros_like(self.logits)

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        return self.logits.squeeze(-1)


def _policy(width: int) -> ProbabilisticActor:
    """It reads its log-probabilities off the end of the observation."""
    network = TensorDictModule(lambda x: x[..., -width:], ["observation"], ["given"])
    return ProbabilisticActor(network, ["given"], distribution_class=Stated, return_log_prob=True)


def _critic(network: Reads) -> TensorDictModule:
    return TensorDictModule(network, ["observation", "action"], ["state_action_value"])


def _number(loss: Any, network: str, online: Any, target: Any) -> None:
    """Which of the values in an observation are those of the online and of the target networks."""
    for kind, number in (("", online), ("target_", target)):
        for parameter in getattr(loss, f"{kind}{network}_params").values(True, True):
            parameter.data.copy_(torch.as_tensor(number))


def _transitions(observation: torch.Tensor, action: torch.Tensor, **more: torch.Tensor) -> TensorDict:
    """Steps that lead to ``observation``, without a reward; none ends."""
    nothing = torch.zeros_like(observation[..., :1])
    never = torch.zeros_like(nothing, dtype=torch.bool)
    state = {"observation": observation, **more}
    return TensorDict({**state, "action": action,
                       "next": {**state, "reward": nothing, "done": never, "terminated": never.clone()}},
                      observation.shape[:-1])


def _backed_up(loss: Any, data: TensorDict) -> dict[str, torch.Tensor]:
    """V(s') as the loss hands it to TD(0), undiscounted."""
    loss.make_value_estimator(gamma=1.0)
    estimate, kept = loss.value_estimator.value_estimate, []

    def value_estimate(*args: Any, **kwargs: Any) -> torch.Tensor:
        kept.append(estimate(*args, **kwargs))
        return kept[-1]

    loss.value_estimator.value_estimate = value_estimate
    with torch.no_grad():
        loss(data)
    return {"next_state_value": kept[-1].squeeze(-1)}


def _dqn(action_space: str) -> Call:
    """The target network is number 0, the online network of double DQN number 1."""
    def call(x: Tensors) -> dict[str, torch.Tensor]:
        values = x["next_action_value"].detach()
        online = x.get("online_next_action_value")
        observation = values if online is None else torch.cat([values, online], -1)
        network = TensorDictSequential(
            TensorDictModule(Reads(values.shape[-1]), ["observation"], ["action_value"]),
            QValueModule(action_space=action_space, action_mask_key="action_mask"))
        loss = DQNLoss(network, action_space=action_space, double_dqn=online is not None, reduction="none")
        _number(loss, "value_network", int(online is not None), 0)
        steps = values.shape[:-1] if action_space == "categorical" else values.shape
        action = torch.zeros(steps, dtype=torch.long)
        return _backed_up(loss, _transitions(observation, action, action_mask=values.isfinite()))
    return call


def _td3(x: Tensors) -> dict[str, torch.Tensor]:
    values = x["next_state_action_value"].detach()
    count = values.shape[-1]
    actor = TensorDictModule(Reads(1), ["observation"], ["action"])
    loss = TD3Loss(actor, _critic(Reads(1)), bounds=(-1.0, 1.0), num_qvalue_nets=count, reduction="none")
    _number(loss, "qvalue_network", torch.arange(count), torch.arange(count))
    return _backed_up(loss, _transitions(values, values[..., :1]))


def _smoothed(written: Callable[[Any], Any]) -> Call:
    """The target critic is asked about the smoothed action, second of all. ``written``: how the bounds are."""
    def call(x: Tensors) -> dict[str, torch.Tensor]:
        action, critic = x["next_action"].detach(), Reads(1)
        actor = TensorDictModule(Reads(action.shape[-1]), ["observation"], ["action"])
        loss = TD3Loss(actor, _critic(critic), bounds=(written(x["action_low"]), written(x["action_high"])),
                       num_qvalue_nets=1, policy_noise=x["policy_noise"], noise_clip=x["noise_clip"],
                       deactivate_vmap=True, reduction="none")
        with mock.patch("torch.randn_like", lambda like: x["noise"]):
            _backed_up(loss, _transitions(action, action))
        return {"next_action": critic.asked[1][1]}
    return call


def _as_written(bound: Any) -> Any:
    """-1 where the bound is -1.0, as people write it."""
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound


def _soft(module: type, truncate: bool = False, **settings: Any) -> Call:
    """SACLoss or REDQLoss. The temperature is what training has made of it, or, with fixed_alpha, as constructed."""
    def call(x: Tensors) -> dict[str, torch.Tensor]:
        values, log_prob = x["next_state_action_value"].detach(), x["next_log_prob"].detach()
        count = values.shape[-1]
        subset = x["subset"].tolist() if "subset" in x else []
        drawn = torch.tensor([*subset, *(i for i in range(count) if i not in subset)])
        redq = {"sub_sample_len": len(subset), "min_alpha": 0.0, "max_alpha": math.inf} if subset else {}
        loss = module(_policy(1), _critic(Reads(1)), num_qvalue_nets=count, target_entropy=0.0, reduction="none",
                      scalar_output_mode="exclude", **redq, **_temperature(x["alpha"], **settings))
        _heat(loss, x["alpha"], values.dtype)
        _number(loss, "qvalue_network", torch.arange(count), torch.arange(count))
        observation = torch.cat([values, log_prob[..., None]], -1)
        data = _transitions(observation, torch.zeros_like(log_prob[..., None]))
        data["next", "done"][1:][-1:] = truncate
        with mock.patch("torch.randperm", lambda count: drawn):
            return _backed_up(loss, data)
    return call


def _discrete(truncate: bool = False, **settings: Any) -> Call:
    def call(x: Tensors) -> dict[str, torch.Tensor]:
        values, log_probs = x["next_action_value"].detach(), x["next_log_probs"].detach()
        actions, count = values.shape[-2:]
        network = TensorDictModule(Reads(actions), ["observation"], ["action_value"])
        loss = DiscreteSACLoss(_policy(actions), network, num_qvalue_nets=count, num_actions=actions,
                               action_space="one-hot", reduction="none", scalar_output_mode="exclude",
                               **_temperature(x["alpha"], **settings))
        _heat(loss, x["alpha"], values.dtype)
        _number(loss, "qvalue_network", torch.arange(count), torch.arange(count))
        observation = torch.cat([values.transpose(-1, -2).flatten(-2), log_probs], -1)
        data = _transitions(observation, torch.zeros_like(log_probs, dtype=torch.long))
        data["next", "done"][1:][-1:] = truncate
        return _backed_up(loss, data)
    return call


def _temperature(alpha: Any, **settings: Any) -> dict[str, Any]:
    if isinstance(alpha, torch.Tensor):
        raise NotImplementedError("torchrl has one temperature")
    return {**settings, **({"alpha_init": alpha} if "fixed_alpha" in settings else {})}


def _heat(loss: Any, alpha: float, dtype: torch.dtype) -> None:
    if not loss.fixed_alpha:
        loss.log_alpha.data = torch.tensor(alpha, dtype=dtype).log()


FUNCTIONS: dict[str, Call] = {
    "max_q__categorical": _dqn("categorical"),
    "max_q__one_hot": _dqn("one_hot"),
    "double_q__categorical": _dqn("categorical"),
    "double_q__one_hot": _dqn("one_hot"),
    "min_q": _td3,
    "target_policy_smoothing": _smoothed(lambda bound: bound),
    "target_policy_smoothing__whole_bounds": _smoothed(_as_written),
    "soft_min_q": _soft(SACLoss),
    "soft_min_q__fixed_alpha": _soft(SACLoss, fixed_alpha=True),
    "soft_min_q__skip_done_states": _soft(SACLoss, truncate=True, skip_done_states=True),  # the last step, if not alone
    "subset_min_q": _soft(REDQLoss),
    "subset_min_q__fixed_alpha": _soft(REDQLoss, fixed_alpha=True),
    "expected_soft_q": _discrete(),
    "expected_soft_q__fixed_alpha": _discrete(fixed_alpha=True),
    "expected_soft_q__skip_done_states": _discrete(truncate=True, skip_done_states=True),
}


# What is wrong


def _ties(name: str) -> Callable[[Inputs], bool]:
    """Several actions attain the largest value of ``name``, and their values do not add up to one of them."""
    def when(x: Inputs) -> bool:
        best = x[name] == x[name].max(axis=-1, keepdims=True)
        added = np.sum(x["next_action_value"], axis=-1, where=best)
        return bool((added != np.take_along_axis(x["next_action_value"], best.argmax(-1)[..., None], -1)[..., 0]).any())
    return when


def _bounds_rounded(x: Inputs) -> bool:
    """The lower bound is a float, so that bounds that are floats are held in float32."""
    bounds = [x["action_low"], x["action_high"]]
    return isinstance(bounds[0], float) and any(isinstance(b, float) and float(np.float32(b)) != b for b in bounds)


def _whole(x: Inputs, infinite: bool) -> bool:
    """The lower bound is a whole number, the upper one a float that is none."""
    low, high = x["action_low"], x["action_high"]
    return isinstance(low, float) and isinstance(high, float) and low.is_integer() and not high.is_integer() and \
        math.isinf(high) == infinite


def _later_entropy(x: Inputs) -> bool:
    """The last of several steps has an entropy."""
    return len(x["next_log_prob"]) > 1 and x["alpha"] != 0.0 and bool(x["next_log_prob"][-1].any())


def _nearly_certain(x: Inputs) -> bool:
    return bool(np.any((x["next_log_probs"] != 0) & (np.abs(x["next_log_probs"]) < 1 / 16)))


def _last_axis_of_one(x: Inputs) -> bool:
    """The last batch axis is one, and there are several samples."""
    return x["next_log_prob"].size > 1 == x["next_log_prob"].shape[-1] and x["next_log_prob"].ndim > 1


def _one_temperature(when: Callable[[Inputs], bool]) -> Callable[[Inputs], bool]:
    return lambda x: isinstance(x["alpha"], float) and when(x)


_TIES = "QValueModule._one_hot marks every action that attains the maximum, and the product with the values is summed"
_FLOAT32 = "a temperature or bound given as a float is made a float32 tensor"
_WHOLE = "torch.tensor(high, dtype=low.dtype): next to a bound that is written as an int, 0.5 becomes 0"
_DONE = "skip_done_states masks by done, though it says non-terminating: a truncated state is not evaluated"
_SQUEEZE = "sample_log_prob.squeeze(-1) takes away a batch axis of one: values [M, T, 1] then meet entropies [T]"
_LOG = "log pi is taken as log(probs), which has no digits left where pi is nearly 1"
_ALL = "sub_sample_len = max(1, min(sub_sample_len, num_qvalue_nets - 1)): never all critics"
_ZERO = "0 * -inf is nan: pi (Q - alpha log pi) is not masked where pi is 0"
_DONE_LINK = "https://github.com/pytorch/rl/pull/2613"

DIVERGENCES: tuple[Divergence, ...] = (
    Divergence("max_q__one_hot", _ties("next_action_value"), "differs", "2 for max(1, 1, 0)", _TIES),
    Divergence("double_q__one_hot", _ties("online_next_action_value"), "differs", "8 for 3", _TIES),
    Divergence("target_policy_smoothing", _bounds_rounded, "float32", "6e-9 at 0.4", _FLOAT32),
    Divergence("target_policy_smoothing__whole_bounds", _bounds_rounded, "float32", "6e-9 at 0.4", _FLOAT32),
    Divergence("target_policy_smoothing__whole_bounds", lambda x: _whole(x, False), "differs", "0 for 0.5", _WHOLE),
    Divergence("target_policy_smoothing__whole_bounds", lambda x: _whole(x, True), "crashes", "RuntimeError", _WHOLE),
    Divergence("soft_min_q__skip_done_states", _one_temperature(_later_entropy), "differs", "Q for Q - alpha log pi",
               _DONE, _DONE_LINK),
    Divergence("expected_soft_q__skip_done_states", lambda x: len(x["next_log_probs"]) > 1, "differs", "0 for V",
               _DONE, _DONE_LINK),
    Divergence("expected_soft_q__skip_done_states", lambda x: bool(np.isinf(x["next_log_probs"]).any()), "differs",
               "nan", _ZERO, "https://github.com/pytorch/rl/pull/1750"),
    *(Divergence(f"expected_soft_q{variant}", lambda x: bool(np.isinf(x["next_action_value"]).any()), "differs", "nan",
                 _ZERO) for variant in ("", "__fixed_alpha")),
    *(Divergence(f"expected_soft_q{variant}", _nearly_certain, "differs", "1e-17 of 7.6e-12", _LOG)
      for variant in ("", "__fixed_alpha")),
    *(Divergence(f"subset_min_q{variant}", lambda x: len(x["subset"]) == x["next_state_action_value"].shape[-1] > 1,
                 "differs", "1 for min(1, 0)", _ALL) for variant in ("", "__fixed_alpha")),
    *(Divergence(f"subset_min_q{variant}", _last_axis_of_one, "crashes", "RuntimeError", _SQUEEZE)
      for variant in ("", "__fixed_alpha")),
    *(Divergence(f"{page}__fixed_alpha", _one_temperature(lambda x: x["alpha"] not in (0.0, 1.0)), "float32",
                 "3e-8 at 0.2", _FLOAT32) for page in ("soft_min_q", "subset_min_q", "expected_soft_q")),
    *(Divergence(f"{page}__fixed_alpha", _one_temperature(lambda x: x["alpha"] == 0.0), "crashes", "ValueError",
                 "math.log(alpha_init), a temperature of 0")
      for page in ("soft_min_q", "subset_min_q", "expected_soft_q")),
)
