"""What holds for every network: shapes, gradients, first weights, frozen stages."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from seefar.errors import UsageError
from seefar.networks.build import MODELS, build_network
from seefar.networks.layers import Network
from seefar.recipe_fields import model_of
from seefar.recipes import NETWORKS, Fast, Vgg

TWO, THREE = ((4,), (6, 8)), ((4, 4, 4), (8, 8, 8), (8, 8, 8))
KINDS = {
    "plain": Vgg(widths=TWO, dense=16, dropout=(0.2, 0.5)),
    "plain, no hidden layer": Vgg(widths=TWO, spatial_dropout=0.2, dropout=(0.2, 0.0)),
    "deep": Vgg(widths=TWO, batch_norm=True, spatial_dropout=0.2, dropout=(0.2, 0.0)),
    "deep, hidden layer": Vgg(widths=TWO, batch_norm=True, spatial_dropout=0.2, dense=16, dropout=(0.0, 0.5)),
    "fast": Fast(widths=((4, 8), (8, 8), (8, 8))),
    "fast, residual": Fast(widths=THREE),
    "fast, residual stages of two": Fast(widths=((4, 8), (8, 8)), residual=True, patterns=8),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def pixels(n: int, size: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def batch(n: int, size: int = 32, seed: int = 0) -> torch.Tensor:
    return torch.tensor(pixels(n, size, seed)).permute(0, 3, 1, 2)


def network(kind: str, classes: int = 5, size: int = 32, seed: int = 0) -> Network:
    """As training makes it: the scale set, then the first weights."""
    made = build_network(KINDS[kind], classes, size)
    made.scale.mean.fill_(0.5)
    made.scale.deviation.fill_(0.25)
    made.initialise(torch.Generator().manual_seed(seed), pixels(20, size))
    return made


def test_every_model_is_tested_here() -> None:
    assert {model_of(how) for how in KINDS.values()} == set(MODELS) == set(NETWORKS)


@every_kind
@pytest.mark.parametrize(("size", "classes"), [(16, 2), (17, 10), (28, 3), (32, 101), (96, 10)])
def test_raw_pixels_become_finite_logits(kind: str, size: int, classes: int) -> None:
    made = network(kind, classes, size).eval()
    logits = made(batch(3, size))
    assert logits.shape == (3, classes)
    assert logits.isfinite().all()
    assert torch.equal(made(batch(3, size).float()), logits)


@every_kind
def test_each_stage_halves_the_map(kind: str) -> None:
    made = network(kind).eval()
    values = made.stem(made.scale(batch(2)))
    for stage in made.stages:
        before, values = values, stage(values)
        assert values.shape[-2:] == tuple(side // 2 for side in before.shape[-2:])


@every_kind
def test_every_parameter_that_learns_gets_a_gradient(kind: str) -> None:
    made = network(kind)
    F.cross_entropy(made(batch(32)), torch.arange(32) % 5).backward()
    for name, parameter in made.named_parameters():
        assert (parameter.grad is not None and bool(parameter.grad.any())) == parameter.requires_grad, name
    fixed = {name for name, p in made.named_parameters() if not p.requires_grad}
    norms = {f"{name}.weight" for name, layer in made.named_modules() if isinstance(layer, nn.BatchNorm2d)}
    assert fixed == (norms if kind.startswith("fast") else set())


@every_kind
def test_first_weights_depend_on_the_generator_and_the_images_alone(kind: str) -> None:
    first = network(kind).state_dict()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        second, other = network(kind).state_dict(), network(kind, seed=1).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@every_kind
def test_building_and_first_weights_leave_the_global_generator_alone(kind: str) -> None:
    before = torch.get_rng_state()
    network(kind)
    assert torch.equal(before, torch.get_rng_state())


@every_kind
def test_norms_start_as_identity(kind: str) -> None:
    for layer in network(kind).modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            assert layer.weight.eq(1).all()
            assert not layer.bias.any()


@every_kind
def test_the_classifier_is_the_last_dense_layer(kind: str) -> None:
    made = network(kind, classes=7)
    assert made.classifier.out_features == 7
    seen: list[nn.Module] = []
    for layer in made.modules():
        if isinstance(layer, nn.Linear):
            layer.register_forward_hook(lambda layer, _inputs, _output: seen.append(layer))
    made(batch(2))
    assert seen[-1] is made.classifier


def train_a_step(made: Network) -> None:
    made.train()
    optimiser = torch.optim.SGD([p for p in made.parameters() if p.requires_grad], lr=0.1, weight_decay=0.01)
    F.cross_entropy(made(batch(32)), torch.arange(32) % 5).backward()
    optimiser.step()


@every_kind
@pytest.mark.parametrize("stages", [0, 1, 2])
def test_frozen_stages_stay_and_the_rest_learns(kind: str, stages: int) -> None:
    made = network(kind)
    made.freeze(stages)
    before = copy.deepcopy(made.state_dict())
    train_a_step(made)
    after = made.state_dict()
    still = {name for name in after if torch.equal(before[name], after[name])}
    norm_weights = {name for name, p in network(kind).named_parameters() if not p.requires_grad}
    frozen = {name for name in after if name.startswith(tuple(f"stages.{number}." for number in range(stages)))}
    assert (
        still
        == {"scale.mean", "scale.deviation"} | {name for name in after if name.startswith("stem.")} | norm_weights | frozen
    )


@every_kind
def test_frozen_stages_answer_as_in_evaluation_and_no_gradient_reaches_them(kind: str) -> None:
    made = network(kind)
    train_a_step(made)
    made.zero_grad()
    made.freeze(1)
    images = made.stem(made.scale(batch(8)))
    expected = made.eval().stages[0](images)
    assert torch.equal(made.train().stages[0](images), expected)
    assert not expected.requires_grad
    made(batch(8)).sum().backward()
    assert all(p.grad is None for p in made.stages[0].parameters())


def test_freezing_is_for_good_and_keeps_the_mode() -> None:
    made = network("deep")
    assert (made.eval().frozen, made.training) == (0, False)
    made.freeze(2)
    made.freeze(1)
    assert not made.training
    made.train()
    assert made.frozen == 2
    assert made.training
    assert made.head.training
    assert [stage.training for stage in made.stages] == [False, False]
    assert not any(layer.training for layer in made.stages[1].modules())
    assert not any(p.requires_grad for p in made.stages.parameters())


@pytest.mark.parametrize("stages", [-1, 3])
def test_more_stages_than_there_are_cannot_be_frozen(stages: int) -> None:
    with pytest.raises(UsageError, match=f"cannot freeze {stages} stages of a network that has 2; allowed is 0 to 2"):
        network("plain").freeze(stages)
