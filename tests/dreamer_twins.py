"""A small world model, ours and in torch: states of 3 numbers, beliefs of 4, actions of 2, images of 4 pixels.

    belief'    = f(state, belief, action)           prior     = normal distribution from belief'
    posterior  = the same from belief' and pixels'  state'    = mean + deviation * noise, of one of both
    reco_pixels, reward                             from state' and belief'
"""

from __future__ import annotations

import numpy as np
import torch
import torch_twins as twins
from tensordict.nn import NormalParamExtractor as TorchExtractor
from tensordict.nn import TensorDictModule, TensorDictSequential
from torchrl.data import Composite, Unbounded
from torchrl.envs.model_based.dreamer import DreamerEnv as TorchDreamerEnv
from torchrl.modules import ProbabilisticActor as TorchActor
from torchrl.modules import TanhNormal, WorldModelWrapper
from torchrl.objectives import DreamerActorLoss as TorchActorLoss
from torchrl.objectives import ValueEstimators as TorchEstimators

from rlref.distributions import tanh_normal
from rlref.networks import MLP, Concatenated, NormalParamExtractor, Sequential, leaves
from rlref.objectives import (
    DreamerActorLoss,
    DreamerEnv,
    Module,
    ModuleSequential,
    ProbabilisticActor,
    ValueEstimators,
)

STATE, BELIEF, ACTION, IMAGE = 3, 4, 2, (1, 2, 2)
LATENT = ["state", "belief"]


class Flat:
    """``network`` of an image [..., C, H, W] as a row of pixels, or giving one."""

    def __init__(self, network, reads=False):
        self.network, self.reads = network, reads

    def __call__(self, parameters, x):
        y, back = self.network(parameters, x.reshape(*x.shape[:-3], -1) if self.reads else x)
        if not self.reads:
            return y.reshape(*y.shape[:-1], *IMAGE), lambda by: back(by.reshape(y.shape))

        def pullback(by):
            by_parameters, by_x = back(by)
            return by_parameters, by_x.reshape(x.shape)
        return y, pullback


class Drawn:
    """mean + deviation * noise."""

    def __call__(self, parameters, mean, std, noise):
        return mean + std * noise, lambda by: ({}, by, by * noise, by * std)


class TorchFlat(torch.nn.Module):
    """As ``Flat``."""

    def __init__(self, module, reads=False):
        super().__init__()
        self.mlp, self.reads = module, reads

    def forward(self, *inputs):
        if self.reads:
            return self.mlp(inputs[0].flatten(-3))
        return self.mlp(*inputs).unflatten(-1, IMAGE)


class Pieces:
    """Networks with their parameters, each as a module of ours or of torch with the keys that are asked for."""

    def __init__(self, seed=0, image=True):
        rng = np.random.default_rng(seed)
        pixels = int(np.prod(IMAGE))
        self.image, self.networks = image, {}
        for name, features, outputs in (
                ("dynamics", STATE + BELIEF + ACTION, BELIEF), ("prior", BELIEF, 2 * STATE), ("encoder", pixels, 3),
                ("posterior", BELIEF + 3, 2 * STATE), ("decoder", STATE + BELIEF, pixels),
                ("reward", STATE + BELIEF, 1), ("value", STATE + BELIEF, 1), ("actor", STATE + BELIEF, 2 * ACTION)):
            network = MLP(features, outputs, (5,))
            self.networks[name] = features, outputs, network, network.init(rng)

    def ours(self, name, in_keys, out_keys):
        _, _, network, parameters = self.networks[name]
        if name in ("prior", "posterior", "actor"):
            network, parameters = Sequential(network, NormalParamExtractor()), {"0": parameters}
        network = Concatenated(network) if len(in_keys) > 1 else network
        if self.image and name == "encoder":
            network = Flat(network, reads=True)
        if self.image and name == "decoder":
            network = Concatenated(Flat(network.network))
        if name == "actor":
            return ProbabilisticActor(network, parameters, tanh_normal, in_keys, out_keys)
        return Module(network, parameters, in_keys, out_keys)

    def theirs(self, name, in_keys, out_keys):
        features, outputs, _, parameters = self.networks[name]
        module = twins.mlp(features, outputs, (5,), "tanh", parameters)
        if name in ("prior", "posterior", "actor"):
            module = torch.nn.Sequential(module, TorchExtractor())
        module = twins.Concatenated(module) if len(in_keys) > 1 else module
        if self.image and name in ("encoder", "decoder"):
            module = TorchFlat(module, reads=name == "encoder")
        return TensorDictModule(module, in_keys, out_keys)


def of_next(*names):
    return [("next", name) for name in names]


def world_models(pieces):
    """The model that learns from a batch: entry "noise" is what its states are drawn with."""
    latent = of_next(*LATENT)
    steps = [("dynamics", [*LATENT, "action"], of_next("belief")),
             ("prior", of_next("belief"), of_next("prior_mean", "prior_std")),
             ("encoder", of_next("pixels"), of_next("encoded")),
             ("posterior", of_next("belief", "encoded"), of_next("posterior_mean", "posterior_std"))]
    drawn = [*of_next("posterior_mean", "posterior_std"), "noise"]
    made = ("decoder", latent, of_next("reco_pixels")), ("reward", latent, of_next("reward"))
    ours = ModuleSequential(*(pieces.ours(*step) for step in steps), Module(Drawn(), {}, drawn, of_next("state")),
                            *(pieces.ours(*step) for step in made))
    draw = TensorDictModule(lambda mean, std, noise: mean + std * noise, drawn, of_next("state"))
    theirs = TensorDictSequential(TensorDictSequential(*(pieces.theirs(*step) for step in steps), draw,
                                                       pieces.theirs(*made[0])), pieces.theirs(*made[1]))
    return ours, theirs


def environments(pieces):
    """The same model imagining: states are drawn from the prior."""
    steps = [("dynamics", [*LATENT, "action"], ["belief"]), ("prior", ["belief"], ["prior_mean", "prior_std"])]
    reward = "reward", LATENT, ["reward"]
    ours = DreamerEnv(ModuleSequential(
        *(pieces.ours(*step) for step in steps),
        Module(Drawn(), {}, ["prior_mean", "prior_std", "noise"], ["state"]), pieces.ours(*reward)))
    draw = TensorDictModule(lambda mean, std: torch.distributions.Normal(mean, std).rsample(),
                            ["prior_mean", "prior_std"], ["state"])
    transition = TensorDictSequential(*(pieces.theirs(*step) for step in steps), draw)
    theirs = TorchDreamerEnv(WorldModelWrapper(transition, pieces.theirs(*reward)), prior_shape=(STATE,),
                             belief_shape=(BELIEF,), batch_size=[])
    theirs.observation_spec = Composite(state=Unbounded((STATE,), dtype=torch.float64),
                                        belief=Unbounded((BELIEF,), dtype=torch.float64))
    theirs.state_spec = theirs.observation_spec.clone()
    theirs.action_spec, theirs.reward_spec = (Unbounded((n,), dtype=torch.float64) for n in (ACTION, 1))
    return ours, theirs


def actors(pieces):
    theirs = TorchActor(pieces.theirs("actor", LATENT, ["loc", "scale"]), in_keys=["loc", "scale"],
                        distribution_class=TanhNormal)
    return pieces.ours("actor", LATENT, ["loc", "scale"]), theirs


def values(pieces):
    return tuple(make("value", LATENT, ["state_value"]) for make in (pieces.ours, pieces.theirs))


def batch(*shape, seed=0, image=True):
    rng = np.random.default_rng(seed)

    def normal(*features):
        return rng.normal(size=(*shape, *features))
    return {"state": normal(STATE), "belief": normal(BELIEF), "action": normal(ACTION), "noise": normal(STATE),
            "next": {"pixels": normal(*(IMAGE if image else (4,))), "reward": normal(1)}}


def named(module):
    """A torch module's parameters by their place in its twin's, whose sequence has no sequences in it."""
    if isinstance(module, (TensorDictSequential, WorldModelWrapper)) and not isinstance(module, TorchActor):
        parts = []
        for part in module.module:
            parts += list(part.module) if isinstance(part, TensorDictSequential) else [part]
        return {f"{i}.{place}": x for i, part in enumerate(parts) for place, x in named(part).items()}
    found = {}
    for name, x in module.named_parameters():
        parts = name.split(".")
        found[".".join(parts[1 + max(i for i, part in enumerate(parts) if part in ("module", "mlp")):])] = x
    return found


def agree(ours, got, expected, network, module):
    """Losses, and the gradient of every parameter by each of them."""
    (found, _), gradients = got
    assert set(found) == set(ours.out_keys) == set(expected.keys())
    parameters = named(module)
    assert parameters.keys() == dict(leaves(ours.parameters[network])).keys()
    for name in found:
        twins.close(found[name], expected[name].squeeze(), name)  # torchrl's have shape (1,) for the model
        twins.same_gradients(gradients, expected.apply(torch.sum), name, network, parameters)


def entries(made, expected, names):
    for name in names:
        of_next = made["next"][name[1]] if isinstance(name, tuple) else made[name]
        twins.close(of_next, expected[name], str(name))


def actor_losses(horizon, estimator, hyper, right=None, **options):
    """Ours and torchrl's; ``right`` is what its estimator is given beside the hyper-parameters."""
    pieces = Pieces(1)
    pairs = [make(pieces) for make in (actors, values, environments)]
    (ours, theirs) = (kind(*(pair[i] for pair in pairs), imagination_horizon=horizon, **options)
                      for i, kind in enumerate((DreamerActorLoss, TorchActorLoss)))
    ours.make_value_estimator(ValueEstimators[estimator], **hyper)
    right = ({} if estimator == "TD0" else {"time_dim": -2}) if right is None else right
    theirs.make_value_estimator(TorchEstimators[estimator], **hyper, **right)
    return ours, theirs


def start(*shape, seed=0):
    data = batch(*shape, seed=seed)
    return {"state": data["state"], "belief": data["belief"]}
