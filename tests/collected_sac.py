"""The public collection: soft actor-critics and REDQ, as far as sac, sac_value, redq and discrete_sac go.

What is wrong with a target (entropy not masked, the wrong step's log pi) is the bootstraps': here it is given.
"""

SAMPLED, SOFT = "sac sac_value redq", "sac sac_value redq discrete_sac"
COLLECTION = {
    # distances, priorities, ensembles
    "huber-missing-half": SOFT,
    "keras-huber-reduces-last-axis": "sac sac_value discrete_sac",
    "critic-returns-bb-broadcast": SOFT,
    "per-priority-squared": SOFT,
    "td-error-min-of-same-critic": SOFT,
    "td3-twin-loss-of-summed-error": SOFT,
    "td3-stray-constant": SOFT,
    "dpg-actor-uses-replay-action": SAMPLED,
    "actor-loss-single-critic-vs-min": "redq",
    # soft actor-critics
    "sac-twin-q-unused": "sac sac_value discrete_sac",
    "sac-actor-bb-broadcast": SAMPLED,
    "sac-alpha-loss-log-alpha": SOFT,
    "sac-target-entropy-ignores-dim": SOFT,
    "sac-target-entropy-includes-agents": SOFT,
    "sac-target-entropy-half": SOFT,
    "sac-target-entropy-positive": SOFT,
    "sac-target-entropy-shared-over-heads": SOFT,
    "alpha-max-clamp-needs-min": "no: no page bounds alpha; redq-alpha-bounded is its like",
    # discrete actions
    "discrete-sac-prob-as-logprob": "discrete_sac",
    "discrete-sac-mean-not-expectation": "discrete_sac",
    "discrete-sac-alpha-unweighted": "discrete_sac",
    "discrete-sac-alpha-mean-over-actions": "discrete_sac",
    "inf-times-zero-mask": "discrete_sac",
    "soft-value-min-over-reward-dims": "no: rewards of several dimensions",
}
