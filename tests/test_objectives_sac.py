"""SACLoss against torchrl's, both versions: losses, what is reported, the gradient of every parameter, and training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch_twins as twins
from torchrl.modules import ValueOperator as TorchValueOperator
from torchrl.objectives import SACLoss as TorchSACLoss
from torchrl.objectives import ValueEstimators as TorchEstimators

from rlref.networks import MLP, QNetwork, leaves
from rlref.objectives import Actor, SACLoss, ValueEstimators, ValueOperator

SECOND = [{}, {"loss_function": "l2", "num_qvalue_nets": 3}, {"loss_function": "l1", "reduction": "sum"},
          {"reduction": "none"}, {"fixed_alpha": True, "alpha_init": 0.5}, {"delay_qvalue": False},
          {"min_alpha": 0.75, "max_alpha": 2.0, "alpha_init": 4.0}, {"max_alpha": 0.5}, {"delay_actor": True},
          {"separate_losses": True}]
FIRST = [{}, {"loss_function": "l2", "delay_value": False}, {"delay_actor": True, "reduction": "sum"},
         {"separate_losses": True, "alpha_init": 0.25}]
CASES = [(False, options) for options in SECOND] + [(True, options) for options in FIRST]


pytestmark = pytest.mark.usefixtures("torch_float64")


def pair(first=False, target_entropy=-1.5, **options):
    """Ours and theirs, with the same parameters, and targets that are not the same as what is trained."""
    actor, their_actor = twins.tanh_actors()
    critic, value = QNetwork(3, 2, (6, 4), "relu"), MLP(3, 1, (5,))
    rng = np.random.default_rng(2)
    critics = [ValueOperator(critic, critic.init(rng), ["observation", "action"])
               for _ in range(options.get("num_qvalue_nets", 2))]
    state = value.init(rng)
    ours = SACLoss(actor, critics, *([ValueOperator(value, state)] if first else []),
                   target_entropy=target_entropy, **options)
    their_critics = [TorchValueOperator(twins.Concatenated(twins.mlp(5, 1, (6, 4), "relu", one.parameters)),
                                        in_keys=["observation", "action"]) for one in critics]
    their_value = TorchValueOperator(twins.mlp(3, 1, (5,), "tanh", state), in_keys=["observation"])
    theirs = TorchSACLoss(their_actor, their_critics, *([their_value] if first else []),
                          target_entropy=target_entropy, **options)
    twins.move_targets(ours, theirs)
    return ours, theirs


def networks(first):
    return ["actor_network", "qvalue_network", *(["value_network"] if first else [])]


@pytest.mark.parametrize("estimator", ["TD0", "TDLambda"])
@pytest.mark.parametrize("first, options", CASES, ids=str)
def test_as_torchrl(first, options, estimator):
    ours, theirs = pair(first, **options)
    hyper = {"gamma": 0.5} | ({"lmbda": 0.5} if estimator == "TDLambda" else {})
    ours.make_value_estimator(ValueEstimators[estimator], **hyper)
    theirs.make_value_estimator(TorchEstimators[estimator], **hyper)
    assert ours.out_keys == theirs.out_keys and set(ours.in_keys) == set(theirs.in_keys)
    data = twins.batch((6, 4), priority_weight=np.random.default_rng(3).random((6, 4)))
    td = twins.tensordict(data, [6, 4])
    with twins.draws(5):
        expected = theirs(td)
    got = ours(data, np.random.default_rng(5))
    none = options.get("reduction") == "none"
    twins.same_outputs(got, expected, [key for key in ours.out_keys if not (none and key in ("alpha", "entropy"))])
    twins.close(got["td_error"], td["td_error"])
    if none:
        return
    again, gradients = ours.value_and_grad(data, np.random.default_rng(5))
    assert all(np.array_equal(again[name], got[name]) for name in got)
    fixed = options.get("fixed_alpha", False)
    assert not fixed or (gradients.pop("loss_alpha") == {} and not expected["loss_alpha"].requires_grad)
    for loss in gradients:
        for name in networks(first):
            twins.same_gradients(gradients, expected, loss, name, twins.flat(getattr(theirs, f"{name}_params")))
        if not fixed:
            found, = torch.autograd.grad(expected[loss], [theirs.log_alpha], retain_graph=True, allow_unused=True,
                                         materialize_grads=True)
            twins.close(gradients[loss].get("log_alpha", np.zeros(())), found, f"{loss} by log_alpha")


@pytest.mark.parametrize("first, options", [(False, {"max_alpha": 1.0, "min_alpha": 0.96875}), (True, {})], ids=str)
def test_training(first, options):
    """With bounds that alpha runs into: then what is trained is clamped, too."""
    ours, theirs = pair(first, **options)
    for loss, estimators in ((ours, ValueEstimators), (theirs, TorchEstimators)):
        loss.make_value_estimator(estimators.TD0, gamma=0.5)
    twins.same_training(ours, theirs, [twins.batch((4, 2), seed=seed) for seed in range(20)], networks(first),
                        ["log_alpha"])


def test_masks_and_keywords():
    """Padding may hold anything; keyword arguments are a batch without a dict."""
    ours, theirs = pair()
    data = twins.batch((4, 3))
    mask = np.random.default_rng(0).random((4, 3, 1)) < 0.7
    data["next"]["reward"][~mask] = 1e300
    with twins.draws(5):
        expected = theirs(twins.tensordict(data | {"collector": {"mask": mask}}, [4, 3]))
    got = ours(data | {"collector": {"mask": mask}}, np.random.default_rng(5))
    twins.same_outputs(got, expected, ["loss_actor", "loss_qvalue", "loss_alpha"])
    ours.loss_mask_key = None
    assert ours(data | {"collector": {"mask": mask}}, np.random.default_rng(5))["loss_qvalue"] > 1e200
    flat = {name: x for name, x in data.items() if name != "next"} | {f"next_{k}": x for k, x in data["next"].items()}
    outputs = ours(rng=np.random.default_rng(5), **flat)
    together = ours(data, np.random.default_rng(5))
    assert len(outputs) == 5 and all(x == together[name] for x, name in zip(outputs, ours.out_keys, strict=True))
    assert ours.select_out_keys("loss_alpha")(rng=np.random.default_rng(5), **flat) == together["loss_alpha"]
    ours.reset_out_keys()
    assert ours.out_keys == theirs.out_keys


def test_the_actor_is_not_asked_beyond_a_terminal_state():
    ours, _ = pair(skip_done_states=True)
    data = twins.batch((6, 4))
    expected = ours(data, np.random.default_rng(0))
    following = {**data["next"], "observation": np.where(data["next"]["terminated"], np.nan,
                                                         data["next"]["observation"])}
    got = ours(data | {"next": following}, np.random.default_rng(0))
    assert expected.keys() == got.keys() and all(np.array_equal(got[name], expected[name]) for name in got)


def test_critics_drawn_from_one():
    """Uniform within the range of each array, by a given generator, as torchrl does by its own."""
    critic, actor = QNetwork(3, 2, (50,)), twins.tanh_actors()[0]
    module = ValueOperator(critic, critic.init(np.random.default_rng(0)), ["observation", "action"])
    loss = SACLoss(actor, module, num_qvalue_nets=5, rng=np.random.default_rng(1))
    again = SACLoss(actor, module, num_qvalue_nets=5, rng=np.random.default_rng(1))
    before = dict(leaves(module.parameters))
    for (name, x), (_, y) in zip(leaves(loss.parameters["qvalue_network"]),
                                 leaves(again.parameters["qvalue_network"]), strict=True):
        least, most = before[name].min(), before[name].max()
        assert x.shape == (5, *before[name].shape) and np.array_equal(x, y)
        assert x.min() >= least and x.max() <= most
        if least < most:
            assert len(np.unique(x)) == x.size
    assert loss(twins.batch((3,)), np.random.default_rng(0))["loss_alpha"].shape == ()


def test_target_entropy_of_its_own_accord():
    ours, _ = pair(target_entropy="auto", alpha_init=np.e)
    assert ours.entropy_wanted(np.zeros((4, 2))) == -2.0
    found = ours(twins.batch((4,)), np.random.default_rng(0))
    np.testing.assert_allclose(found["loss_alpha"], -(-found["entropy"] - 2.0), rtol=1e-12)


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: pair(alpha_init=0.0), ValueError, "alpha_init: expected a value > 0, got 0.0"),
    (lambda: pair(min_alpha=2.0, max_alpha=1.0), ValueError, "max_alpha: expected None or a value above min_alpha"),
    (lambda: SACLoss(twins.tanh_actors()[0], [None], target_entropy=0.0), ValueError,
     "qvalue_network: expected 2 modules, got 1"),
    (lambda: pair(target_entropy="none"), ValueError, "target_entropy: expected a number or 'auto', got 'none'"),
    (lambda: pair(True)[0](twins.batch((3, 2)), np.random.default_rng(0)), ValueError,
     "data: expected a batch that num_qvalue_nets = 2 divides, got 3 samples"),
    (lambda: pair()[0](twins.batch((3,))), TypeError, "rng: expected a numpy.random.Generator, got NoneType"),
    (lambda: pair()[0]({"observation": np.ones((3, 3)), "action": np.ones((3, 2))}, np.random.default_rng(0)), KeyError,
     "data: expected a dict under 'next', got 'observation', 'action'"),
    (lambda: pair()[0](twins.batch((3,), action=4), np.random.default_rng(0)), ValueError,
     "x: expected a last axis of 5"),
    (lambda: pair()[0](twins.batch((3,)) | {"priority_weight": np.ones(2)}, np.random.default_rng(0)), ValueError,
     r"priority_weight: expected shape \(3,\) or \(3, 1\), got \(2,\)"),
    (lambda: SACLoss(Actor(MLP(3, 2), {}), [ValueOperator(QNetwork(3, 2), {}, ["observation", "action"])] * 2)(
        twins.batch((3,))), TypeError, "actor_network: expected a ProbabilisticActor, got Actor"),
    (lambda: pair(reduction="none")[0].value_and_grad(twins.batch((3,))), ValueError,
     "reduction: expected mean or sum to differentiate, got none"),
])
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
