"""The public collection: Dreamer and world models, and what of the divergences of normal distributions is theirs."""

COLLECTION = {
    "lambda-bootstrap-second-last": "dreamer_actor",
    "continue-weight-of-outcome": "dreamer_actor dreamer_value",
    "actor-scored-at-outcome-state": "no: log-probabilities, which the loss that runs through the dynamics has not",
    "actor-sum-over-time": "no: the reduction; a page gives the loss of every step",
    "entropy-from-taken-action": "no: an entropy, which Dreamer's first version has not",
    "free-nats-per-element-vs-mean": "dreamer_model",
    "free-nats-per-categorical": "dreamer_model",
    "free-nats-offset": "dreamer_model",
    "kl-balance-sides-swapped": "no: one divergence, not balanced; prior- and posterior-gradient-stopped are its like",
    "kl-balanced-vs-separate": "no: one divergence, not balanced",
    "kl-argument-reversed-dreamer": "dreamer_model",
    "continue-loss-sign": "no: nothing predicts the end",
    "reward-time-alignment": "dreamer_actor dreamer_model",
    "gaussian-logp-std-not-variance": "dreamer_model",
    "std-exponentiated-twice": "dreamer_model",
    "kl-to-standard-normal-minus-one": "dreamer_model",
    "discounts-over-batch-axis": "dreamer_actor",
    "critic-returns-bb-broadcast": "dreamer_value",
}
