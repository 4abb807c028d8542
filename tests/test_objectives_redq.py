"""REDQLoss against torchrl's: losses, what is reported, the gradient of every parameter, and training."""

from __future__ import annotations

import ensemble_twins as ensembles
import numpy as np
import pytest
import torch_twins as twins
from torchrl.objectives import REDQLoss as TorchREDQLoss

from rlref.networks import MLP
from rlref.objectives import REDQLoss, ValueEstimators, ValueOperator

pytestmark = pytest.mark.usefixtures("torch_float64")
OPTIONS = [{}, {"sub_sample_len": 1, "loss_function": "l2"}, {"sub_sample_len": 3}, {"num_qvalue_nets": 1},
           {"loss_function": "l1", "reduction": "sum"}, {"reduction": "none"}, {"delay_qvalue": False},
           {"fixed_alpha": True, "alpha_init": 0.5}, {"alpha_init": 0.0625}, {"alpha_init": 16.0, "reduction": "sum"},
           {"min_alpha": 0.75, "max_alpha": 2.0, "alpha_init": 4.0}, {"separate_losses": True}]
CASES = [("TD0", options) for options in OPTIONS] + [("TD1", {}), ("TDLambda", {})]


def pair(num_qvalue_nets=4, target_entropy=-1.5, **options):
    """Ours and theirs, with the same parameters, and targets that are not the same as what is trained."""
    actor, their_actor = twins.tanh_actors()
    critics, their_critics = ensembles.critics(num_qvalue_nets)
    options |= {"num_qvalue_nets": num_qvalue_nets, "target_entropy": target_entropy}
    ours, theirs = REDQLoss(actor, critics, **options), TorchREDQLoss(their_actor, their_critics, **options)
    twins.move_targets(ours, theirs)
    return ours, theirs


@pytest.mark.parametrize("estimator, options", CASES, ids=str)
def test_as_torchrl(estimator, options):
    """There is a weight in the batch, which neither reads."""
    ours, theirs = pair(**options)
    ensembles.estimate(ours, theirs, estimator)
    data = twins.batch((6, 3), priority_weight=np.random.default_rng(3).random((6, 3)))
    got = ensembles.same_step(ours, theirs, data, [] if options.get("fixed_alpha") else ["log_alpha"])
    if options.get("reduction") == "none":
        assert got["loss_actor"].shape == got["loss_qvalue"].shape == (4, 6, 3) and got["loss_alpha"].shape == (2, 6, 3)


def test_training():
    """Beyond a bound of alpha: unlike SAC's, what is trained is not clamped, and is trained on."""
    ours, theirs = pair(min_alpha=0.96875, max_alpha=1.0)
    ensembles.estimate(ours, theirs)
    twins.same_training(ours, theirs, [twins.batch((4, 2), seed=seed) for seed in range(20)],
                        ["actor_network", "qvalue_network"], ["log_alpha"])
    assert not np.log(0.96875) <= ours.parameters["log_alpha"] <= 0.0


def test_all_critics():
    """The paper's M may be N. torchrl asks N - 1 of them at most; made to ask all, it gives what ours does."""
    ours, theirs = pair(sub_sample_len=4)
    ensembles.estimate(ours, theirs)
    assert (ours.sub_sample_len, theirs.sub_sample_len) == (4, 3)
    theirs.sub_sample_len = 4
    data = twins.batch((6, 3))
    ensembles.same_step(ours, theirs, data)
    assert pair(sub_sample_len=9)[0](data, np.random.default_rng(5))["loss_qvalue"] == pair(sub_sample_len=4)[0](
        data, np.random.default_rng(5))["loss_qvalue"]


def test_a_last_batch_axis_of_one():
    """torchrl takes it for one of the log-probability and crashes. Ours is what it is without that axis."""
    ours, theirs = pair()
    data = twins.batch((6, 1))
    with pytest.raises(RuntimeError), twins.draws(5):
        theirs(twins.tensordict(data, [6, 1]))
    got = ours(data, np.random.default_rng(5))
    flat = {name: x[:, 0] for name, x in ensembles.flattened(data).items()}
    for name, x in zip(ours.out_keys, ours(rng=np.random.default_rng(5), **flat), strict=True):
        np.testing.assert_allclose(np.reshape(got[name], np.shape(x)), x, rtol=1e-12)


def test_target_entropy_of_its_own_accord():
    ours, _ = pair(target_entropy="auto", alpha_init=2.0)
    found = ours(twins.batch((4,)), np.random.default_rng(0))
    np.testing.assert_allclose(found["loss_alpha"], -2.0 * (-found["entropy"] - 2.0), rtol=1e-12)


def test_interface():
    assert ensembles.same_interface(*pair()) == {}


def test_keys():
    ours, theirs = pair()
    for loss in (ours, theirs):
        loss.set_keys(sample_log_prob="log_pi")
    assert set(ours.in_keys) == set(theirs.in_keys)
    ensembles.same_under_other_names(pair()[0], twins.batch((4, 3)))


def test_masks_and_keywords():
    """Padding may hold anything; keyword arguments are a batch without a dict."""
    for options in ({}, {"reduction": "sum"}, {"reduction": "none"}):
        ours, theirs = pair(**options)
        data = twins.batch((4, 3))
        mask = np.random.default_rng(0).random((4, 3, 1)) < 0.7
        data["next"]["reward"][~mask] = 1e100
        masked = data | {"collector": {"mask": mask}}
        with twins.draws(5):
            expected = theirs(twins.tensordict(masked, [4, 3]))
        twins.same_outputs(ours(masked, np.random.default_rng(5)), expected,
                           ["loss_actor", "loss_qvalue", "loss_alpha"])
    ours, _ = pair()
    outputs = ours(rng=np.random.default_rng(5), **ensembles.flattened(data))
    together = ours(data, np.random.default_rng(5))
    assert len(outputs) == 9
    assert all(np.array_equal(x, together[name]) for x, name in zip(outputs, ours.out_keys, strict=True))


def test_layers_kept_apart():
    """A critic on the policy's own layers is not trained where they are."""
    actors = twins.tanh_actors()
    critics = ensembles.borrowing(*actors)
    options = {"num_qvalue_nets": 3, "target_entropy": -1.5, "separate_losses": True, "delay_qvalue": False}
    ours, theirs = (loss(actor, critic, **options)
                    for loss, actor, critic in zip((REDQLoss, TorchREDQLoss), actors, critics, strict=True))
    ensembles.kept_apart(ours, theirs)


def _critic_of_state():
    network = MLP(3, 1, (4,))
    return ValueOperator(network, network.init(np.random.default_rng(0)), ["observation"])


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: pair(sub_sample_len=0), ValueError, "sub_sample_len: expected at least 1, got 0"),
    (lambda: pair(alpha_init=0.0), ValueError, "alpha_init: expected a value > 0, got 0.0"),
    (lambda: pair()[0](twins.batch((3,))), TypeError, "rng: expected a numpy.random.Generator, got NoneType"),
    (lambda: REDQLoss(twins.tanh_actors()[0], [_critic_of_state()], num_qvalue_nets=1)(
        twins.batch((3,)), np.random.default_rng(0)), ValueError,
     r"qvalue_network: expected 'action' among its in_keys, got \['observation'\]"),
    (lambda: pair()[0](twins.batch((3,)) | {"collector": {"mask": np.ones(2, bool)}}, np.random.default_rng(0)),
     ValueError, r"expected shape \(3,\) or \(3, 1\), got \(2,\)"),
    (lambda: pair()[0].make_value_estimator(ValueEstimators.VTrace), NotImplementedError,
     "value_type: expected one of TD0, TD1, TDLambda for REDQLoss, got VTrace"),
    (lambda: pair()[0].set_keys(priority_weight="w"), ValueError, "priority_weight: expected keys among action,"),
    (lambda: pair(reduction="none")[0].value_and_grad(twins.batch((3,))), ValueError,
     "reduction: expected mean or sum to differentiate, got none"),
])
def test_what_is_wrong(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
