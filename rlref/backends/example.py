"""A small backend with one honest mistake in it, to show what ``rlref verify`` says.

``td0`` and ``reward_to_go`` are right. ``gae`` bootstraps with (1 - done), as many programs do.
"""

import numpy as np


def td0(reward, state_value, next_state_value, done, terminated, gamma):
    value_target = reward + gamma * np.where(terminated, 0, next_state_value)
    return value_target - state_value, value_target


def reward_to_go(reward, done, gamma):
    out = np.zeros_like(reward)
    later = np.zeros_like(reward[0])
    gamma = np.broadcast_to(gamma, reward.shape)
    for t in range(len(reward) - 1, -1, -1):
        later = out[t] = reward[t] + gamma[t] * np.where(done[t], 0, later)
    return out


def gae(reward, state_value, next_state_value, done, terminated, gamma, lmbda):
    advantage = np.zeros_like(reward)
    later = np.zeros_like(reward[0])
    gamma, lmbda = np.broadcast_to(gamma, reward.shape), np.broadcast_to(lmbda, reward.shape)
    for t in range(len(reward) - 1, -1, -1):
        going_on = ~done[t]
        delta = reward[t] + gamma[t] * np.where(going_on, next_state_value[t], 0) - state_value[t]
        later = advantage[t] = delta + gamma[t] * lmbda[t] * np.where(going_on, later, 0)
    return advantage, advantage + state_value
