"""What an argument name means, everywhere in rlref: its symbol, shape, kind, range, unit and meaning.

This is the one contract. ``contract`` checks by it, ``conformance.cases`` samples by it, ``help()`` prints it,
and a test rejects an argument that is not in it.

Axes: ``T`` time steps first, then any batch axes ``*B``, then the axes of one step by name: ``A`` actions, ``N``
critics, ``K`` atoms, ``G`` agents, ``D`` features of an action or a latent state, ``H`` hidden units, ``O`` features of
an observation. A *per-step* array has exactly the axes it is given here; a *parameter*, "scalar or [T, *B]", broadcasts
to them axis by axis; everything else is a *setting* that holds for the whole call.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One argument or output. ``low`` and ``high`` are inclusive; an infinity is legal only as ``infinite``."""

    symbol: str
    axes: str  # "[T, *B]", "[T, *B, A]", "scalar or [T, *B]", "scalar", "[K]", "scalar or [2]", ...
    kind: str  # "real", "bool", "int" or "choice"
    meaning: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    infinite: float | None = None
    unread: str | None = None  # a mask: where it is True ("~mask": False), this is never read and may be NaN
    choices: tuple[str, ...] = ()  # of a choice
    usual: tuple[float, ...] = ()  # values that people use, the commonest first
    below: str | None = None  # of an index: the axis into which it points
    possible: bool = False  # along the last axis, at least one must be finite
    metric: bool = False  # as an output it is reported, not differentiated

    @property
    def per_step(self) -> bool:
        """Whether the argument must have a value for every step."""
        return self.axes.startswith("[T, *B")

    @property
    def parameter(self) -> bool:
        """Whether the argument is one value, or broadcasts to one for each step."""
        return self.axes == PARAMETER

    @property
    def setting(self) -> bool:
        """Whether the argument holds for the whole call."""
        return not self.per_step and not self.parameter

    @property
    def named(self) -> tuple[str, ...]:
        """The axes after [T, *B], or those of a setting: names, or a number for a fixed size."""
        return tuple(re.findall(r"\b[A-Z2]\b", self.axes.replace("T, *B", "")))

    def unread_in(self, arrays: Mapping[str, Any]) -> Any:
        """Where this is never read, by the mask among ``arrays``; None where there is no such mask."""
        mask = arrays.get(self.unread.removeprefix("~")) if self.unread else None
        return ~mask if mask is not None and self.unread and self.unread.startswith("~") else mask

    @property
    def range(self) -> str:
        """The legal values in words."""
        if self.kind == "bool":
            return "True or False"
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}"
        if self.below:
            return f"in [0, {self.below})"
        if self.low == -math.inf and self.high == math.inf:
            return "finite" if self.infinite is None else f"finite or {self.infinite}"
        if self.low == POSITIVE:
            return "> 0, finite"
        if self.high == math.inf:
            return f">= {self.low:g}, " + ("finite" if self.infinite is None else "inf allowed")
        if self.low == -math.inf:
            return f"<= {self.high:g}, " + ("finite" if self.infinite is None else "-inf allowed")
        return f"in [{self.low:g}, {self.high:g}]"


POSITIVE = math.ulp(0.0)  # the smallest float above 0
STEPS = "[T, *B]"
PARAMETER = "scalar or [T, *B]"
SETTING = "scalar"
FRACTIONS = (0.9, 0.0, 1.0, 0.5, 0.99, 0.95, 1e-8, 0.25)
THRESHOLDS = (1.0, 0.5, 2.0, 0.0, math.inf)  # log(2) is no float: only 1 can tie
# Where one name has more axes, or fewer, on a page than elsewhere.
AXES_ON: dict[str, dict[str, str]] = {
    "expected_soft_q": {"next_action_value": "[T, *B, A, N]"},
    "discrete_sac": {"action_value": "[T, *B, A, N]"},
    "ddpg": {"state_action_value": STEPS, "policy_action_value": STEPS},
    "td3": {"policy_action_value": STEPS},
}
# Where the policy as it is now may never take the action: its ratio to the old one is 0, its log-probability -inf.
NEVER_TAKEN = {(page, "log_prob") for page in ("ppo", "clip_ppo", "kl_penalty_ppo")}

GLOSSARY: dict[str, Entry] = {
    "reward": Entry("r_t", STEPS, "real", "received for acting at step t", "reward"),
    "state_value": Entry("V(s_t)", STEPS, "real", "value of the state acted in", "return"),
    "next_state_value": Entry(
        "V(s'_t)", STEPS, "real",
        "value of the state that step t led to, before any reset; never read where terminated", "return",
        unread="terminated",
    ),
    "done": Entry("done_t", STEPS, "bool", "the trajectory ends at step t, for any reason"),
    "terminated": Entry("terminated_t", STEPS, "bool", "it ends because the MDP did; implies done"),
    "log_pi": Entry("log pi(a_t|s_t)", STEPS, "real", "log-probability of the action taken, target policy",
                    "nat", infinite=-math.inf),
    "log_mu": Entry("log mu(a_t|s_t)", STEPS, "real", "the same under the behaviour policy that took it", "nat"),
    "advantage": Entry("A_t", STEPS, "real", "how much better the action was than the value said", "return"),
    "value_target": Entry("G_t", STEPS, "real", "what V(s_t) is regressed on", "return"),
    "reward_to_go": Entry("G_t", STEPS, "real", "discounted sum of the rewards from step t on", "return"),
    "gamma": Entry("gamma", PARAMETER, "real", "discount", "1", 0.0, 1.0, usual=FRACTIONS),
    "lmbda": Entry("lambda", PARAMETER, "real", "weight of the longer returns", "1", 0.0, 1.0, usual=FRACTIONS),
    "rho_thresh": Entry("rho_bar", PARAMETER, "real", "ceiling of the importance weight of a TD error",
                        "1", 0.0, infinite=math.inf, usual=THRESHOLDS),
    "c_thresh": Entry("c_bar", PARAMETER, "real", "ceiling of the importance weight of a trace",
                      "1", 0.0, infinite=math.inf, usual=THRESHOLDS),
    "rolling_gamma": Entry("", SETTING, "bool", "True: gamma_t and lambda_t belong to step t; "
                           "False: to the whole return that starts at t"),
    "ddof": Entry("ddof", SETTING, "int", "degrees of freedom taken off the count: 1 as torch, 0 as NumPy",
                  "1", 0, 1),
    "std_min": Entry("sigma_min", SETTING, "real", "floor of the standard deviation", "return",
                     low=POSITIVE, usual=(1e-6, 1e-4, 1.0)),
    # bootstraps
    "next_action_value": Entry("Q(s', .)", "[T, *B, A]", "real", "value of every action in the next state, by the "
                               "target network; minus infinity for an illegal one", "return", infinite=-math.inf,
                               possible=True),
    "online_next_action_value": Entry("Q_online(s', .)", "[T, *B, A]", "real", "the same by the online network",
                                      "return", infinite=-math.inf, possible=True),
    "next_state_action_value": Entry("Q_i(s', a')", "[T, *B, N]", "real", "value of the next action, by each critic",
                                     "return"),
    "next_log_prob": Entry("log pi(a'|s')", STEPS, "real", "log-probability of the next action", "nat"),
    "next_log_probs": Entry("log pi(.|s')", "[T, *B, A]", "real", "log-probability of every action in the next state; "
                            "minus infinity for an illegal one", "nat", infinite=-math.inf, possible=True),
    "alpha": Entry("alpha", PARAMETER, "real", "temperature, the weight of the entropy", "return per nat", 0.0,
                   usual=(1.0, 0.2, 0.5, 0.0, 1e-8)),
    "subset": Entry("M", "[M]", "int", "the critics that are asked, each once", "1", below="N"),
    "next_action": Entry("a'", "[T, *B, D]", "real", "action in the next state", "action"),
    "noise": Entry("epsilon", "[T, *B, D]", "real", "drawn from the standard normal distribution", "1"),
    "policy_noise": Entry("sigma", SETTING, "real", "standard deviation of the smoothing noise", "action", 0.0,
                          usual=(0.25, 0.5, 1.0, 0.0)),
    "noise_clip": Entry("c", SETTING, "real", "largest smoothing noise on either side", "action", 0.0,
                        usual=(0.5, 0.25, 2.0, 0.0)),
    "action_low": Entry("a_low", "scalar or [D]", "real", "smallest legal action", "action", infinite=-math.inf,
                        usual=(-1.0, -2.0, -0.25, -math.inf)),
    "action_high": Entry("a_high", "scalar or [D]", "real", "largest legal action", "action", infinite=math.inf,
                         usual=(1.0, 2.0, 0.5, math.inf)),
    "next_atom_probs": Entry("p_j(s', a*)", "[T, *B, K]", "real", "probability of each atom, of the next action", "1",
                             0.0),
    "support": Entry("z", "[K]", "real", "the atoms, in increasing order, at least two", "return"),
    "target_probs": Entry("m_i", "[T, *B, K]", "real", "probability of each atom in the target", "1", 0.0),
    # losses
    "input": Entry("x", STEPS, "real", "what is trained", "return"),
    "target": Entry("y", STEPS, "real", "what it should be", "return"),
    "loss_function": Entry("", SETTING, "choice", "the distance: |u|, u^2, or u^2 / 2 with straight arms from |u| = 1",
                           choices=("l1", "l2", "smooth_l1")),
    "loss": Entry("L", STEPS, "real", "loss of each sample", "loss", unread="~mask"),
    "weight": Entry("w", STEPS, "real", "importance weight of each sample", "1", 0.0, unread="~mask"),
    "mask": Entry("", STEPS, "bool", "the samples that count"),
    "reduction": Entry("", SETTING, "choice", "what is made of the losses of a batch",
                       choices=("none", "mean", "sum")),
    "value": Entry("", PARAMETER, "real", "the reduced loss; one for each sample where there is no reduction", "loss"),
    "old_state_value": Entry("V_old(s_t)", STEPS, "real", "the value when the data was collected", "return"),
    "clip_value": Entry("epsilon_V", SETTING, "real", "how far the value may move from the old one", "return", 0.0,
                        usual=(0.5, 0.25, 1.0, 0.0)),
    "clip_fraction": Entry("", STEPS, "real", "1 where what is clipped changes, else 0; its mean is the fraction", "1",
                           metric=True),
    "action_value": Entry("Q(s, .)", "[T, *B, A]", "real", "value of every action", "return"),
    "action": Entry("a_t", STEPS, "int", "index of the action taken", "1", below="A"),
    "td_error": Entry("|delta|", STEPS, "real", "absolute TD error, by which replay sets priorities; the largest over "
                      "critics", "return", metric=True),
    "action_log_probs": Entry("log p_i(s, a)", "[T, *B, A, K]", "real", "log-probability of each atom, for every "
                              "action", "nat", infinite=-math.inf, possible=True),
    "state_action_value": Entry("Q_i(s, a)", "[T, *B, N]", "real", "value of the action taken, by each critic",
                                "return"),
    "policy_action_value": Entry("Q_i(s, pi(s))", "[T, *B, N]", "real", "value of the policy's own action, by each "
                                 "critic", "return"),
    "target_state_action_value": Entry("Q_i'(s, a)", "[T, *B, N]", "real", "value of the action taken, by each target "
                                       "critic", "return"),
    "log_alpha": Entry("log alpha", SETTING, "real", "logarithm of the temperature", "1", high=700.0,
                       usual=(0.0, -1.5, 0.5, -18.0)),
    "target_entropy": Entry("H", SETTING, "real", "the entropy that the temperature is to keep", "nat",
                            usual=(-1.0, -2.0, 0.5, 0.0)),
    "log_probs": Entry("log pi(.|s)", "[T, *B, A]", "real", "log-probability of every action; minus infinity for an "
                       "illegal one", "nat", infinite=-math.inf, possible=True),
    "log_prob": Entry("log pi(a|s)", STEPS, "real", "log-probability of the action, policy as it is now", "nat"),
    "sample_log_prob": Entry("log pi_old(a|s)", STEPS, "real", "the same when the data was collected", "nat"),
    "entropy": Entry("H(pi(.|s))", STEPS, "real", "entropy of the policy", "nat", metric=True),
    "temperature": Entry("beta", SETTING, "real", "inverse temperature of the advantage weights", "nat per return", 0.0,
                         usual=(1.0, 3.0, 0.5, 0.0)),
    "expectile": Entry("tau", SETTING, "real", "which expectile the value is", "1", 0.0, 1.0,
                       usual=(0.5, 0.75, 0.9, 0.25, 1.0)),
    "entropy_coeff": Entry("c_2", SETTING, "real", "weight of the entropy", "loss per nat", 0.0,
                           usual=(0.01, 0.5, 1.0, 0.0)),
    "critic_coeff": Entry("c_1", SETTING, "real", "weight of the critic's loss", "1", 0.0, usual=(1.0, 0.5, 0.25, 0.0)),
    "clip_epsilon": Entry("epsilon", "scalar or [2]", "real", "how far the ratio may move from 1, down and up",
                          "1", 0.0, usual=(0.2, 0.25, 0.5, 0.0, 1.0)),
    "kl": Entry("KL", STEPS, "real", "divergence of the policy from the one that collected the data", "nat"),
    "beta": Entry("beta", SETTING, "real", "weight of the divergence", "loss per nat", 0.0, usual=(1.0, 0.5, 2.0, 0.0)),
    "dtarg": Entry("d_targ", SETTING, "real", "the divergence aimed at", "nat", 0.0, usual=(0.01, 0.5, 1.0)),
    "increment": Entry("", SETTING, "real", "factor of beta where the divergence is too large", "1", 1.0,
                       usual=(2.0, 1.5)),
    "decrement": Entry("", SETTING, "real", "factor of beta where it is too small", "1", 0.0, 1.0, usual=(0.5, 0.75)),
    "next_beta": Entry("beta'", SETTING, "real", "the weight for the next update", "loss per nat", metric=True),
    "kl_approx": Entry("", STEPS, "real", "log pi_old - log pi, an estimate of the divergence", "nat", metric=True),
    "ESS": Entry("ESS", SETTING, "real", "effective sample size of the importance weights, as a fraction of the batch",
                 "1", metric=True),
    "prior_mean": Entry("mu_p", "[T, *B, D]", "real", "mean of the predicted latent state", "1"),
    "prior_std": Entry("sigma_p", "[T, *B, D]", "real", "its standard deviation", "1", low=POSITIVE),
    "posterior_mean": Entry("mu_q", "[T, *B, D]", "real", "mean of the latent state given the observation", "1"),
    "posterior_std": Entry("sigma_q", "[T, *B, D]", "real", "its standard deviation", "1", low=POSITIVE),
    "observation": Entry("o_t", "[T, *B, O]", "real", "what was observed", "observation"),
    "reco_observation": Entry("o^_t", "[T, *B, O]", "real", "its reconstruction", "observation"),
    "reco_reward": Entry("r^_t", STEPS, "real", "the reward as predicted", "reward"),
    "lambda_kl": Entry("", SETTING, "real", "weight of the divergence", "loss per nat", 0.0, usual=(1.0, 0.5, 0.0)),
    "lambda_reco": Entry("", SETTING, "real", "weight of the reconstruction", "1", 0.0, usual=(1.0, 0.5, 0.0)),
    "lambda_reward": Entry("", SETTING, "real", "weight of the reward's prediction", "1", 0.0, usual=(1.0, 0.5, 0.0)),
    "free_nats": Entry("", SETTING, "real", "divergence below which nothing is trained", "nat", 0.0,
                       usual=(3.0, 1.0, 0.5, 0.0)),
    "delayed_clamp": Entry("", SETTING, "bool", "True: free_nats is a floor of the mean; False: of each divergence"),
    "global_average": Entry("", SETTING, "bool", "True: average over everything; False: sum over features first"),
    "discount_loss": Entry("", SETTING, "bool", "True: step t weighs gamma^t"),
    "local_value": Entry("Q_g(o_g, a_g)", "[T, *B, G]", "real", "value of each agent's own action", "return"),
    "global_value": Entry("Q_tot", STEPS, "real", "value of the joint action", "return", metric=True),
    "hidden_weight": Entry("W_1", "[T, *B, G, H]", "real", "as its hypernetwork gives it, of either sign", "1"),
    "hidden_bias": Entry("b_1", "[T, *B, H]", "real", "as its hypernetwork gives it", "return"),
    "output_weight": Entry("w_2", "[T, *B, H]", "real", "as its hypernetwork gives it, of either sign", "1"),
    "output_bias": Entry("b_2", STEPS, "real", "as its hypernetwork gives it", "return"),
    # targets
    "params": Entry("theta", STEPS, "real", "parameters that are trained; any shape", "1"),
    "target_params": Entry("theta'", STEPS, "real", "parameters of the target network", "1"),
    "tau": Entry("tau", SETTING, "real", "how far the target moves towards the trained parameters", "1", 0.0, 1.0,
                 usual=(0.005, 0.5, 0.25, 1.0, 0.0)),
    "step": Entry("k", SETTING, "int", "number of updates so far, this one included", "1", 1),
    "interval": Entry("n", SETTING, "int", "updates from one copy to the next", "1", 1),
    # distributions
    "sample": Entry("x", "[T, *B, D]", "real", "what was sampled, such as an action", "action"),
    "loc": Entry("mu", "[T, *B, D]", "real", "mean of the normal distribution", "action"),
    "scale": Entry("sigma", "[T, *B, D]", "real", "its standard deviation", "action", low=POSITIVE),
    "other_loc": Entry("mu'", "[T, *B, D]", "real", "mean of the distribution to compare with", "action"),
    "other_scale": Entry("sigma'", "[T, *B, D]", "real", "its standard deviation", "action", low=POSITIVE),
    "low": Entry("low", "scalar or [D]", "real", "least of what tanh is scaled to", "action",
                 usual=(-1.0, -2.0, -0.25, 0.0)),
    "high": Entry("high", "scalar or [D]", "real", "most of what tanh is scaled to, above low", "action",
                  usual=(1.0, 2.0, 0.5, 0.25)),
    "upscale": Entry("c", SETTING, "real", "bound of the scaled mean", "1", low=POSITIVE, usual=(5.0, 1.0, 0.5, 10.0)),
    "logits": Entry("l", "[T, *B, A]", "real", "unnormalized log-probability of every action", "nat",
                    unread="~action_mask"),
    "other_logits": Entry("l'", "[T, *B, A]", "real", "the same of the distribution to compare with", "nat",
                          unread="~action_mask"),
    "action_mask": Entry("", "[T, *B, A]", "bool", "the actions that are legal, at least one"),
}
for _term in ("actor", "value", "qvalue", "alpha", "objective", "entropy", "critic", "model_kl", "model_reco",
              "model_reward"):
    GLOSSARY[f"loss_{_term}"] = Entry(f"L_{_term}", STEPS, "real", f"the {_term.replace('_', ' ')} term of the loss",
                                      "loss")


def entry(name: str, page: str) -> Entry:
    """What ``name`` means on the page called ``page`` (such as "td3")."""
    if (page, name) in NEVER_TAKEN:
        return GLOSSARY[name]._replace(infinite=-math.inf)
    axes = AXES_ON.get(page, {}).get(name)
    # With other axes, what is possible is for another argument to say: of expected_soft_q, for next_log_probs.
    return GLOSSARY[name] if axes is None else GLOSSARY[name]._replace(axes=axes, possible=False)
