"""torchrl: ReinforceLoss, A2CLoss and the PPO losses, on a policy and a critic that hand over the given arrays.

The same samples are laid out as torchrl knows them: in a row, as steps by trajectories, or in a row with as many copies
of the last sample behind them, marked as padding. Means of what is only reported are left out, so that it can be
compared sample by sample. PPOLoss documents an ESS but does not give it: it comes from ClipPPOLoss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from tensordict import TensorDict
from tensordict.nn import ProbabilisticTensorDictModule, ProbabilisticTensorDictSequential, TensorDictModule
from torch.overrides import TorchFunctionMode
from torchrl.objectives import A2CLoss, ClipPPOLoss, KLPENPPOLoss, PPOLoss, ReinforceLoss

from rlref.backends import Divergence
from rlref.backends._torchrl_leaves import Tensors

Inputs = dict[str, Any]
PARAMETERS = ["log_prob", "entropy", "kl"]  # of the policy's distribution
OF_SAMPLES = ("loss_actor", "loss_value", "loss_objective", "loss_entropy", "loss_critic", "kl_approx", "clip_fraction")


class _Distribution(torch.distributions.Distribution):
    """Its log-probability of whatever action, its entropy and its divergence from any other are what it is made of."""

    arg_constraints: dict = {}  # noqa: RUF012

    def __init__(self, log_prob: torch.Tensor, entropy: torch.Tensor, kl: torch.Tensor) -> None:
        super().__init__(log_prob.shape, validate_args=False)
        self.given = log_prob, entropy, kl

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        return self.given[0]

    def entropy(self) -> torch.Tensor:
        return self.given[1]


@torch.distributions.register_kl(_Distribution, _Distribution)
def _kl(old: _Distribution, new: _Distribution) -> torch.Tensor:
    return new.given[2]


Lay = Callable[[torch.Tensor], torch.Tensor]


class _Policy(torch.nn.Module):
    """A network whose parameters are those of its distribution."""

    def __init__(self, x: Tensors, lay: Lay) -> None:
        super().__init__()
        self.lay = lay
        for name in PARAMETERS:
            given = x.get(name, torch.zeros_like(x["log_prob"]))
            self.register_parameter(name, given if isinstance(given, torch.nn.Parameter) else torch.nn.Parameter(given))

    def forward(self, state: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(self.lay(getattr(self, name)) for name in PARAMETERS)


class _Critic(torch.nn.Module):
    """A network whose parameters are the values."""

    def __init__(self, x: Tensors, lay: Lay) -> None:
        super().__init__()
        self.state_value, self.lay = x["state_value"], lay

    def forward(self, state: torch.Tensor) -> torch.Tensor:
        return self.lay(self.state_value)[..., None]


class _OneForEach(TorchFunctionMode):
    """Leaves out the means of what is only reported, that is, of what has no gradient."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.mean and len(args) == 1 and not args[0].requires_grad:
            return args[0]
        return func(*args, **(kwargs or {}))


def _steps(x: torch.Tensor) -> torch.Tensor:
    return x


def _row(x: torch.Tensor) -> torch.Tensor:
    return x.flatten()


def _padded(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x.flatten(), x.flatten()[-1].expand(x.numel())])


def _run(loss_class: type, x: Tensors, lay: Lay = _row, **settings: Any) -> tuple[Any, dict[str, torch.Tensor]]:
    """The loss, and what its forward gave for each sample, [T, *B]."""
    shape = lay(x["advantage"]).shape
    data: dict[str, Any] = dict.fromkeys(["state", "action", *PARAMETERS], torch.zeros(shape))  # the old policy's too
    data |= {name: lay(x[name])[..., None] for name in ("advantage", "value_target")}
    if "sample_log_prob" in x:
        data["action_log_prob"] = lay(x["sample_log_prob"])
    if lay is _padded:
        data["collector"] = {"mask": torch.arange(len(data["state"]))[:, None] < x["advantage"].numel()}
    actor = ProbabilisticTensorDictSequential(
        TensorDictModule(_Policy(x, lay), ["state"], PARAMETERS),
        ProbabilisticTensorDictModule(PARAMETERS, ["action"], distribution_class=_Distribution, return_log_prob=True))
    critic = TensorDictModule(_Critic(x, lay), ["state"], ["state_value"])
    loss = loss_class(actor, critic, loss_critic_type=x["loss_function"], reduction="none", **settings)
    with _OneForEach():
        out = loss(TensorDict(data, shape))
    nothing = torch.zeros(shape, dtype=x["advantage"].dtype)  # a term whose weight is 0 may be left out
    found = {name: out.get(name, nothing).flatten()[: x["advantage"].numel()].reshape(x["advantage"].shape)
             for name in OF_SAMPLES}
    return loss, {**found, "ESS": out.get("ESS", None)}


def _weights(x: Tensors) -> dict[str, Any]:
    return {"entropy_coeff": x["entropy_coeff"], "critic_coeff": x["critic_coeff"]}


def _reinforce(x: Tensors) -> dict[str, torch.Tensor]:
    return _run(ReinforceLoss, x)[1]


def _a2c(x: Tensors) -> dict[str, torch.Tensor]:
    return _run(A2CLoss, x, **_weights(x))[1]


def _ppo(x: Tensors) -> dict[str, torch.Tensor]:
    return {**_run(PPOLoss, x, **_weights(x))[1], "ESS": _run(ClipPPOLoss, x, **_weights(x))[1]["ESS"]}


def _clip_ppo(lay: Lay) -> Callable[[Tensors], dict[str, torch.Tensor]]:
    def call(x: Tensors) -> dict[str, torch.Tensor]:
        epsilon = x["clip_epsilon"]
        if isinstance(epsilon, torch.Tensor):
            epsilon = tuple(epsilon.tolist())
            if epsilon[0] >= 1:
                raise NotImplementedError("of a pair, ClipPPOLoss refuses eps_low >= 1")
        return _run(ClipPPOLoss, x, lay, clip_epsilon=epsilon, **_weights(x))[1]
    return call


def _kl_penalty_ppo(lay: Lay = _row, whole: bool = False) -> Callable[[Tensors], dict[str, torch.Tensor]]:
    """``whole``: whole numbers as Python has them, such as beta=1."""
    def call(x: Tensors) -> dict[str, torch.Tensor]:
        settings = {name: x[name] for name in ("beta", "dtarg", "increment", "decrement")}
        if whole:
            if settings["beta"] != int(settings["beta"]):
                raise NotImplementedError("this beta is not whole")
            settings = {name: int(number) if number == int(number) else number for name, number in settings.items()}
        loss, found = _run(KLPENPPOLoss, x, lay, **settings, **_weights(x))
        return {**found, "next_beta": loss.beta.to(x["kl"].dtype)}
    return call


FUNCTIONS = {"reinforce": _reinforce, "a2c": _a2c, "ppo": _ppo, "clip_ppo__row": _clip_ppo(_row),
             "clip_ppo__steps": _clip_ppo(_steps), "kl_penalty_ppo__row": _kl_penalty_ppo(),
             "kl_penalty_ppo__padded": _kl_penalty_ppo(_padded), "kl_penalty_ppo__whole": _kl_penalty_ppo(whole=True)}


# What is known to be wrong


@np.errstate(over="ignore")
def _rounded(*numbers: float) -> bool:
    """One of them is no float32."""
    return any(float(np.float32(number)) != number for number in numbers)


@np.errstate(invalid="ignore")
def _log_r(x: Inputs) -> np.ndarray:
    return x["log_prob"] - x["sample_log_prob"]


@np.errstate(over="ignore")
def _overflows(x: Inputs) -> np.ndarray:
    return np.isinf(np.exp(_log_r(x)))


def _nothing_times_inf(x: Inputs) -> bool:
    """A ratio beyond float64, and no advantage."""
    return bool((_overflows(x) & (x["advantage"] == 0)).any())


def _inf_behind_the_clip(x: Inputs) -> bool:
    """A ratio beyond float64, where the clip is to take it or there is no advantage."""
    return bool((_overflows(x) & (x["advantage"] >= 0)).any())


def _never_taken(x: Inputs) -> bool:
    return bool(np.all(_log_r(x) == -np.inf))


def _flat(x: Inputs) -> bool:
    """A clipped ratio decides, and its bound is neither 1 nor 0."""
    log_r, (low, high) = _log_r(x), np.broadcast_to(x["clip_epsilon"], 2)
    above = (log_r > np.log1p(high)) & (x["advantage"] > 0)
    below = (log_r < np.log1p(-low if low < 1 else 0.0)) & (x["advantage"] < 0)
    return bool((above.any() and high > 0) or (below.any() and 0 < low < 1))


def _more_than_all(x: Inputs) -> bool:
    return bool(np.ndim(x["clip_epsilon"]) == 0 and x["clip_epsilon"] > 1)


def _weights_rounded(x: Inputs) -> bool:
    return _rounded(x["entropy_coeff"], x["critic_coeff"])


def _factor(x: Inputs, mean: float) -> float:
    return x["increment"] if mean > 1.5 * x["dtarg"] else x["decrement"] if mean < x["dtarg"] / 1.5 else 1.0


def _adapts(x: Inputs) -> bool:
    return bool(x["beta"] != 0 and _factor(x, x["kl"].mean()) != 1)


def _padded_mean(x: Inputs) -> float:
    return (x["kl"].mean() + x["kl"].flat[-1]) / 2


def _adapts_to_padding(x: Inputs) -> bool:
    return bool(x["beta"] != 0 and _factor(x, _padded_mean(x)) != _factor(x, x["kl"].mean()))


def _adapts_padded(x: Inputs) -> bool:
    return bool(x["beta"] != 0 and _factor(x, _padded_mean(x)) != 1)


def _whole_times_fraction(x: Inputs) -> bool:
    factor = _factor(x, x["kl"].mean())
    return bool(x["beta"] == int(x["beta"]) and factor != int(factor))


_ZERO = "exp(log_weight) * advantage is inf * 0"
_BEHIND = "min passes 0 back to the product that it does not choose, and exp multiplies that by inf"
_BUFFER = "a coefficient is made a float32 buffer, and multiplied in that precision"
_BOUND = "clip_epsilon is made a float32 buffer, and its log1p taken in that precision"
_ESS = "of ratios that are all 0, the logarithms of two sums are subtracted: inf - inf; equal ratios have 1"
_COLUMNS = "logsumexp(0) / shape[0]: of each column of the first axis, where the documentation has one of the batch"
_LOG1P = "log1p(-clip_epsilon) is NaN above 1, and clamp passes it on; a pair is checked, one number is not"
_BETA = "beta.data is multiplied in place between forward and backward: the derivative by KL has the new beta"
_PADDING = "kl.mean() is taken over padding too, which the mask of the loss keeps out of the loss alone"
_WHOLE = "a whole beta is made an integer buffer, and multiplied in place by a fraction: RuntimeError"
_NAN_LINK = "https://github.com/MakazhanAlpamys/Soup/issues/342"
_CLIPS = "clip_ppo__row clip_ppo__steps"
_PENALTIES = "kl_penalty_ppo__row kl_penalty_ppo__padded kl_penalty_ppo__whole"



def _both(names: str) -> str:
    """Values and gradients."""
    return " ".join(f"{name} {name}_vjp" for name in names.split())


def _gradients(names: str) -> str:
    return " ".join(f"{name}_vjp" for name in names.split())


_KNOWN: tuple[tuple[str, Callable[[Inputs], bool], str, str, str, str], ...] = (
    (_both(f"a2c ppo {_CLIPS} {_PENALTIES}"), _weights_rounded, "float32", "2.2e-8 of c_2 = 0.01", _BUFFER, ""),
    (_CLIPS, _flat, "float32", "1e-8 of A", _BOUND, ""),
    (_both("ppo kl_penalty_ppo__row kl_penalty_ppo__padded"), _nothing_times_inf, "differs", "nan for 0", _ZERO, ""),
    (_CLIPS, _nothing_times_inf, "differs", "nan for 0", _ZERO, ""),
    (_gradients(_CLIPS), _inf_behind_the_clip, "differs", "nan for 0", _BEHIND, _NAN_LINK),
    (f"ppo {_CLIPS}", _never_taken, "differs", "nan for 1", _ESS, ""),
    ("clip_ppo__steps", lambda x: x["log_prob"].ndim > 1, "malformed", "[0.63, 0.82] for 0.57", _COLUMNS, ""),
    (_both(_CLIPS), _more_than_all, "differs", "nan for 2.2", _LOG1P, ""),
    ("kl_penalty_ppo__row_vjp kl_penalty_ppo__whole_vjp", _adapts, "differs", "2 for 1, or 0.5 for 1", _BETA, ""),
    ("kl_penalty_ppo__padded_vjp", _adapts_padded, "differs", "2 for 1, or 0.5 for 1", _BETA, ""),
    ("kl_penalty_ppo__padded", _adapts_to_padding, "differs", "a next beta of 2 for 0.5", _PADDING, ""),
    (_both("kl_penalty_ppo__whole"), _whole_times_fraction, "crashes", "RuntimeError", _WHOLE, ""),
)
DIVERGENCES = tuple(Divergence(name, *row[1:]) for row in _KNOWN for name in row[0].split())
