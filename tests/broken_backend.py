"""Backends of GAE that are wrong in every way that verify must name; loaded as a user's file."""

import os
import time
from collections import namedtuple

import numpy as np

from rlref.returns import gae as page
from rlref.returns import td_lambda as lambda_page

VERSION = "of many mistakes"


def _right(x):
    return page.vectorized.__wrapped__(**x)


def gae__right(**x):
    return _right(x)


gae__right_vjp = page.vjp


def gae__as_dict(**x):
    return _right(x)._asdict()


def gae__float32(**x):
    return [out.astype(np.float32) for out in _right(x)]


def gae__nan(**x):
    advantage, target = _right(x)
    if len(advantage) == 7:
        advantage[3] = np.nan
    return advantage, target


def gae__one_output(**x):
    return _right(x)[0]


def gae__shape(**x):
    return [out.T[..., None] for out in _right(x)]


def gae__integers(**x):
    return [np.round(out).astype(int) for out in _right(x)]


def gae__objects(**x):
    return [out.astype(object) for out in _right(x)]


def gae__raises(**x):
    if x["done"].all():
        raise IndexError("no step goes on")
    return _right(x)


def gae__dies(**x):
    if x["done"].all():
        os._exit(7)
    return _right(x)


def gae__hangs(**x):
    if len(x["reward"]) == 3:
        time.sleep(3600)
    return _right(x)


def gae__scribbles(**x):
    x["reward"][0] = 0.0
    return _right(x)


def gae__masked(**x):
    return [np.ma.masked_array(out, mask=True) for out in _right(x)]


def gae__complex(**x):
    return [out + 0j for out in _right(x)]


def gae__by_name(**x):
    advantage, target = _right(x)
    return namedtuple("Reversed", "value_target advantage")(target, advantage)


def gae__forks(**x):
    if x["done"].all():
        os.fork()
    return _right(x)


def gae__dies_always(**x):
    os._exit(3)


class _Silent(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def gae__cannot_say(**x):
    raise _Silent


def gae__says_too_much(**x):
    raise ValueError("\x1b[31m\ud800\n" + 1000 * "x")


def gae__positional(reward, state_value, /, **x):
    return reward, state_value


def gae__partial(**x):
    if np.ndim(x["gamma"]):
        raise NotImplementedError("gamma is a number here")
    return _right(x)


def gae__never(**x):
    raise NotImplementedError("some day")


def gae__one_mistake(**x):
    return _right(x | {"terminated": x["done"]})


def gae__two_mistakes(**x):
    """V(s'_t) from the next row, and the bootstrap cut by done."""
    following = np.concatenate([x["state_value"][1:], x["next_state_value"][-1:]])
    return _right(x | {"next_state_value": following, "terminated": x["done"]})


def gae__nobody_knows(**x):
    advantage, target = _right(x)
    return advantage * 1.25, target


def gae__stop_gradient(**x):
    return _right(x)


def gae__stop_gradient_vjp(cotangent, **x):
    gradient = page.vjp(cotangent, **x)
    return gradient._replace(next_state_value=np.zeros_like(gradient.next_state_value))


def td_lambda(**x):
    print("chatter that must not reach the report")
    return lambda_page.vectorized(**x)
