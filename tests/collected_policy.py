"""The public collection: policy gradients, as far as reinforce, a2c, ppo, clip_ppo and kl_penalty_ppo go."""

PPO = "ppo clip_ppo kl_penalty_ppo"
WEIGHTED = f"a2c {PPO}"
ALL = f"reinforce {WEIGHTED}"

COLLECTION = {
    # the ratio and its clip
    "clip-min-before-advantage": "clip_ppo",
    "clip-applied-to-surrogate": "clip_ppo",
    "dual-clip-for-positive-advantage": "clip_ppo",
    "dual-clip-c-below-one": "clip_ppo",
    "ratio-inverted": f"vtrace {PPO}",
    "ratio-from-mean-logprob": PPO,
    "importance-ratio-applied-twice": PPO,
    "truly-ppo-sign": "no: another loss, with a rollback in place of the clip",
    "vmpo-weights-not-stopped": "no: V-MPO's temperature, which no page has",
    # what is reported
    "clip-fraction-is-mean-ratio": "clip_ppo",
    "clip-fraction-ignores-advantage-sign": "no: that is the page's definition, and torchrl's; the other one is "
                                            "clip-fraction-minds-advantage-sign",
    "clip-fraction-minds-advantage-sign": "clip_ppo",
    "approx-kl-is-minus-ratio": PPO,
    "approx-kl-of-clamped-ratio": PPO,
    # the critic
    "value-loss-half-missing": ALL,
    "critic-returns-bb-broadcast": ALL,
    "huber-missing-half": ALL,
    # the entropy
    "entropy-sign-flipped": WEIGHTED,
    "entropy-fallback-sign": WEIGHTED,
    "entropy-from-taken-action": WEIGHTED,
    # the penalty
    "adaptive-kl-factors": "kl_penalty_ppo",
    "kl-coef-applied-when-disabled": "no: there is no flag; a penalty that is off has beta = 0",
    # upstream
    "reward-not-detached": "no: a loss is not differentiated by rewards, which are upstream of its advantage",
    "value-clip-mixed-normalisation": "no: values are normalized upstream",
    "value-norm-not-denormalised-in-gae": "no: values are normalized upstream",
    "advnorm-includes-padding": "no: a page has no padding",
}
