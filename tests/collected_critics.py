"""The public collection: several critics, IQL, several agents; as far as td3, iql, vdn and qmix go."""

COLLECTION = {
    # temporal differences and their distances
    "huber-missing-half": "td3 iql vdn qmix",
    "keras-huber-reduces-last-axis": "td3 iql",
    "critic-returns-bb-broadcast": "td3 iql vdn qmix",
    "per-priority-squared": "td3 iql vdn qmix",
    "td-error-min-of-same-critic": "td3 iql",
    # deterministic policy gradients
    "td3-twin-loss-of-summed-error": "td3 iql",
    "td3-stray-constant": "td3 iql",
    "dpg-actor-uses-replay-action": "td3",
    "mixed-actor-critic-graph": "no: the actor is not among what loss_qvalue trains, so it has no gradient to be wrong",
    "td3-action-gradient-averaged": "no: the derivative of Q by the action, within the critic",
    "td3bc-lambda-not-detached": "no: TD3+BC has no page",
    "rebrac-bc-mean-not-sum": "no: ReBRAC has no page",
    "maddpg-target-on-current-obs": "no: which observations the target's critic is given",
    "maddpg-target-uses-replay-actions": "no: which actions it is given",
    "maddpg-action-slice-not-reset": "no: the derivative of Q by the actions, within the critic",
    # IQL
    "iql-mean-of-target-critics": "iql",
    "iql-twin-target-is-online": "iql",
    "iql-weight-attached": "iql",
    "iql-weight-clipped-before-exp": "iql",
    "expectile-gradient-unweighted": "iql",
    "expectile-flipped": "iql",
    "iql-actor-squashed-correction": "no: the log-probability is an input",
    "iql-target-update-wrong": "no: how target networks follow; polyak-reversed is its like",
    # several agents
    "qmix-negative-weights": "qmix",
    "vdn-mean-not-sum": "vdn",
    "qmix-mixer-state-not-next": "no: which state the target's mixer is given",
    "qmix-padded-q-leaks": "no: what stands in for the next observation at the end of a sequence",
    "rnn-reset-with-wrong-done": "no: the state of a recurrent network",
}
