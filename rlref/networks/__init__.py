"""Networks in NumPy with derivatives written by hand: ``y, pullback = network(parameters, x)``.

A network holds no parameters. ``network.init(rng)`` makes them, plain nested dicts of arrays, named and shaped as
torch names and shapes them. ``pullback(by_y)`` gives the derivatives of sum(by_y * y): by the parameters, in the same
nested dicts, and then by each input.

    mlp = MLP(3, 1, num_cells=(64, 64), activation="tanh")
    parameters = mlp.init(np.random.default_rng(0))
    y, pullback = mlp(parameters, x)
    by_parameters, by_x = pullback(np.ones_like(y))

``network(held(parameters), x)`` saves itself those by the parameters: {} stands in their place.

``Ensemble(network, 2)`` is two of them whose parameters, and y, have one more axis in front. Numbers are of the type of
the parameters and inputs, float64 unless you convert them.
"""

from rlref.networks.activations import Activation
from rlref.networks.concatenated import Concatenated
from rlref.networks.ensemble import Ensemble
from rlref.networks.linear import Linear
from rlref.networks.mixers import QMixer, VDNMixer
from rlref.networks.mlp import MLP
from rlref.networks.normal_params import NormalParamExtractor
from rlref.networks.optimizers import SGD, Adam
from rlref.networks.q import QNetwork
from rlref.networks.sequential import Sequential
from rlref.networks.trees import held, leaves, load, save, stack, tree_map

__all__ = ["MLP", "SGD", "Activation", "Adam", "Concatenated", "Ensemble", "Linear", "NormalParamExtractor", "QMixer",
           "QNetwork", "Sequential", "VDNMixer", "held", "leaves", "load", "save", "stack", "tree_map"]
