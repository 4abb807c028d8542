"""What the tests of the contract share: arguments that are legal, and what a refusal says."""

from __future__ import annotations

import re

import numpy as np
import pytest
from module_laws import FORMS

from rlref.conformance.edges import SIZES
from rlref.pages import pages

T, B = SHAPE = (3, 2)
PAGES = tuple(pages().values())
OFF = np.zeros(SHAPE, bool)
PARAMETERS = {"gamma": 0.5, "lmbda": 0.5, "rho_thresh": 1.0, "c_thresh": 1.0}
LEGAL = PARAMETERS | {"alpha": 0.5, "rolling_gamma": True, "ddof": 1, "std_min": 1.0, "subset": [0], "mask": ~OFF,
                      "support": np.arange(5.0), "weight": np.ones(SHAPE), "delayed_clamp": True, "action_low": -1.0,
                      "global_average": False, "discount_loss": True, "step": 1, "interval": 2, "action_high": 1.0,
                      "action_mask": np.ones((*SHAPE, SIZES["A"]), bool)}


def full(shape, entry):
    """An array for ``entry`` that holds nothing remarkable."""
    dtype = {"bool": bool, "int": int}.get(entry.kind, float)
    shape = (*shape, *(SIZES[axis] for axis in entry.named)) if entry.per_step else shape
    return np.full(shape, 1.0 if entry.low > 0 else 0).astype(dtype)


def legal(page, form):
    """Arguments that every function of ``page`` accepts."""
    inputs = {name: LEGAL[name] if name in LEGAL else full(SHAPE, entry) if entry.per_step else
              entry.choices[0] if entry.choices else entry.usual[0] for name, entry in page.arguments.items()}
    return inputs | ({"cotangent": ones(page, inputs)} if form == "vjp" else {})


def ones(page, inputs):
    """A cotangent of ones."""
    return page.output(*(np.ones(shape) for shape in page.shapes(inputs).values()))


def once(value, index=(1, 0), elsewhere=0.5):
    """An array with ``value`` at one place."""
    x = np.full(SHAPE, elsewhere)
    x[index] = value
    return x


def refused(page, error, name, expected, came, forms=FORMS, **wrong):
    """All three functions raise ``error``, and say ``name: expected ..., got ...``."""
    for form in forms:
        with pytest.raises(error) as caught:
            getattr(page, form)(**{**legal(page, form), **wrong})
        message = str(caught.value)
        assert re.fullmatch(rf"{re.escape(name)}: expected .*{expected}.*, got .*(?:{came}).*", message, re.S), message


def each(bad, select):
    """Every page, every argument of it that ``select`` takes by its name and entry, every row of ``bad``."""
    return pytest.mark.parametrize("page, name, case", [
        pytest.param(page, name, case, id=f"{page.short}-{name}-{case}")
        for page in PAGES for name, entry in page.arguments.items() if select(name, entry) for case in bad])
