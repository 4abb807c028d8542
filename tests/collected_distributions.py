"""The public collection: Gaussian, squashed and categorical log-probabilities, entropies and divergences."""

GAUSSIAN = "normal_log_prob tanh_normal_log_prob"
SQUASHED = "tanh_normal_log_prob tanh_normal_rsample"
CATEGORICAL = "categorical_log_prob categorical_entropy categorical_kl"
COLLECTION = {
    "tanh-jacobian-missing-action-scale": SQUASHED,
    "tanh-applied-twice-in-jacobian": SQUASHED,
    "tanh-jacobian-at-squashed-action": SQUASHED,
    "tanh-inverse-is-identity": "tanh_normal_log_prob",
    "tanh-logprob-from-rounded-action": "tanh_normal_rsample",
    "tanh-boundary-minus-inf": "tanh_normal_log_prob",
    "tanh-eps-inside-log": "tanh_normal_rsample",  # of an action near its bound, the logarithm has no such digits
    "jacobian-sign": SQUASHED,
    "gaussian-logp-std-not-variance": GAUSSIAN,
    "gaussian-inverse-std-weight": GAUSSIAN,
    "std-exponentiated-twice": f"normal_entropy normal_kl normal_rsample tanh_normal_rsample {GAUSSIAN}",
    "entropy-not-summed-over-dims": "normal_entropy",
    "entropy-constant-not-times-dim": "normal_entropy",
    "unsquashed-entropy-for-squashed": "no: the entropy of tanh_normal is an estimate, and no page",
    "kl-to-standard-normal-minus-one": "normal_kl",
    "kl-nested-actions-reduced-wrongly": "no: an action here has one part",
    "log-prob-of-clipped-action": "normal_log_prob",
    "masked-logit-zero": CATEGORICAL,
    "inactive-head-entropy-counted": "no: a policy here has one head",
    "class-axis-moved-wrong": "categorical_log_prob",
    "truncnormal-loc-shifted-twice": "no: there is no truncated normal distribution here",
    # discrete SAC, whose expectations these are
    "discrete-sac-prob-as-logprob": "categorical_log_prob",
    "discrete-sac-mean-not-expectation": "categorical_entropy",
    "discrete-sac-alpha-unweighted": "categorical_entropy",
}
