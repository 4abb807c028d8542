"""The public collection: the DQN family and deterministic policy gradients, as far as distance, dqn and ddpg go."""

COLLECTION = {
    "huber-missing-half": "distance dqn ddpg",
    "keras-huber-reduces-last-axis": "dqn",
    "per-priority-squared": "dqn ddpg",
    "critic-returns-bb-broadcast": "distance",
    "dpg-actor-uses-replay-action": "ddpg",
    "td3-stray-constant": "ddpg",
    "quantile-unconditional-stop-gradient": "no: of quantiles; its like is unconditional-stop-gradient of distance",
    "huber-linear-minus-half-at-beta": "no: the threshold is 1 here, as in torch.nn",
    "huber-vs-smooth-l1-scale": "no: the same function at a threshold of 1",
}
