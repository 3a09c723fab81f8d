"""Groups of parameters, and optimisers against torch's own and against the singular value decomposition."""

import copy
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seefar.recipes import Optimisation
from seefar.training.optimisers import OPTIMISERS, Muon, orthogonal, parameter_groups, set_rate


class Small(nn.Module):
    """Convolutions, norms and dense layers, channels last in memory as in training."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 6, 3, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.second = nn.Conv2d(6, 4, 3)
        self.hidden = nn.Linear(4, 8)
        self.classifier = nn.Linear(8, 3)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        values = self.second(self.norm(self.first(images)).relu()).mean((2, 3))
        logits: Tensor = self.classifier(self.hidden(values).relu())
        return logits


def groups(network: Small, **rates: float) -> list[dict[str, Any]]:
    """The groups for a recipe with these rates and decay."""
    return parameter_groups(network, Optimisation(optimiser="sgd", learning_rate=1.0, **rates))


def train(network: nn.Module, optimiser: torch.optim.Optimizer, steps: range, rate: float | None = None) -> list[float]:
    """The losses of some steps, each on images of its own: noise with one of three colours."""
    losses = []
    labels = torch.arange(8) % 3
    for step in steps:
        images = (
            torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(step)) + 2 * torch.eye(3)[labels, :, None, None]
        )
        loss = nn.functional.cross_entropy(network(images), labels)
        optimiser.zero_grad()
        loss.backward()
        if rate is not None:
            set_rate(optimiser, rate / (step + 1))
        optimiser.step()
        losses.append(loss.item())
    return losses


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def names(network: nn.Module, group: dict[str, Any]) -> set[str]:
    held = {id(parameter) for parameter in group["params"]}
    return {name for name, parameter in network.named_parameters() if id(parameter) in held}


# Groups


def test_groups_hold_every_parameter_once_with_its_rate_and_decay() -> None:
    network = Small()
    weights, head, others = groups(network, bias_rate=64.0, head_rate=2.0, weight_decay=0.01)
    assert names(network, weights) == {"first.weight", "second.weight", "hidden.weight"}
    assert names(network, head) == {"classifier.weight"}
    assert names(network, others) == {"norm.weight", "norm.bias", "second.bias", "hidden.bias", "classifier.bias"}
    assert [(group["multiple"], group["weight_decay"]) for group in (weights, head, others)] == [(1, 0.01), (2, 0.01), (64, 0)]
    held = [parameter for group in (weights, head, others) for parameter in group["params"]]
    assert sorted(map(id, held)) == sorted(map(id, network.parameters()))


def test_what_does_not_learn_is_in_no_group_and_empty_groups_are_left_out() -> None:
    network = Small().requires_grad_(False)
    network.classifier.weight.requires_grad_()
    (only,) = groups(network, head_rate=3.0)
    assert names(network, only) == {"classifier.weight"}
    assert only["multiple"] == 3


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_group_has_its_multiple_of_the_rate_from_the_start(name: str) -> None:
    optimiser = OPTIMISERS[name](groups(Small(), bias_rate=64.0, head_rate=2.0), 0.5, 0.9)
    assert [group["lr"] for group in optimiser.param_groups] == [0.5, 1.0, 32.0]
    set_rate(optimiser, 0.25)
    assert [group["lr"] for group in optimiser.param_groups] == [0.25, 0.5, 16.0]


# All optimisers


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_reduces_the_loss_and_leaves_frozen_parameters(name: str) -> None:
    network = Small()
    network.first.requires_grad_(False)
    before = network.first.weight.clone()
    losses = train(network, OPTIMISERS[name](groups(network), 0.02, 0.9), range(15))
    assert losses[-1] < 0.9 * losses[0]
    assert torch.equal(network.first.weight, before)


def by_hand(kind: Callable[..., torch.optim.Optimizer], network: Small, **settings: Any) -> torch.optim.Optimizer:
    """Torch's own optimiser, its groups written out: the head at twice the rate, biases and norms at 3 times and undecayed."""
    weights = [network.first.weight, network.second.weight, network.hidden.weight]
    others = [network.norm.weight, network.norm.bias, network.second.bias, network.hidden.bias, network.classifier.bias]
    written = [
        {"params": weights, "lr": 0.01, "weight_decay": 0.1},
        {"params": [network.classifier.weight], "lr": 0.02, "weight_decay": 0.1},
        {"params": others, "lr": 0.03, "weight_decay": 0.0},
    ]
    return kind(written, **settings)


@pytest.mark.parametrize(
    ("name", "momentum", "kind", "settings"),
    [
        ("sgd", 0.9, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        ("sgd", 0.0, torch.optim.SGD, {}),
        ("adam", 0.0, torch.optim.Adam, {}),
        ("adamw", 0.0, torch.optim.AdamW, {}),
    ],
)
def test_optimisers_are_torchs(
    name: str, momentum: float, kind: Callable[..., torch.optim.Optimizer], settings: dict[str, Any]
) -> None:
    ours, theirs = Small(), Small()
    train(ours, OPTIMISERS[name](groups(ours, bias_rate=3.0, head_rate=2.0, weight_decay=0.1), 0.01, momentum), range(10))
    train(theirs, by_hand(kind, theirs, **settings), range(10))
    for (label, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, atol=2e-5), label


def test_adam_is_the_published_first_step() -> None:
    """The first step of Adam is the learning rate, against the sign of the gradient (Kingma and Ba 2015, section 2.1)."""
    weight = nn.Parameter(torch.tensor([[1.0, 2.0]]))
    optimiser = OPTIMISERS["adam"]([{"params": [weight], "multiple": 1.0, "weight_decay": 0.0}], 0.1, 0.0)
    (weight * torch.tensor([[3.0, -5.0]])).sum().backward()
    optimiser.step()
    assert torch.allclose(weight, torch.tensor([[0.9, 2.1]]), atol=1e-6)


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("layout", ["as it lies", "as in a file"])
def test_a_loaded_state_goes_on_to_the_bit(name: str, layout: str) -> None:
    """Files hold tensors in plain order, while convolutions lie channels last: torch's fused kernels must not notice."""

    def optimiser(network: Small) -> torch.optim.Optimizer:
        return OPTIMISERS[name](groups(network, bias_rate=3.0, head_rate=2.0, weight_decay=0.01), 0.05, 0.8)

    whole, part = Small(), Small()
    train(whole, optimiser(whole), range(6), rate=0.05)
    first = optimiser(part)
    train(part, first, range(3), rate=0.05)
    state = copy.deepcopy(first.state_dict())
    if layout == "as in a file":
        for entry in state["state"].values():
            entry.update({key: value.contiguous() for key, value in entry.items() if isinstance(value, Tensor)})
    resumed = Small()
    resumed.load_state_dict(part.state_dict())
    second = optimiser(resumed)
    second.load_state_dict(state)
    train(resumed, second, range(3, 6), rate=0.05)
    assert same(whole, resumed)


# Muon


def textbook(matrix: Tensor, steps: int) -> Tensor:
    """Newton-Schulz as published: the whole matrix in each step."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.double() / (matrix.double().norm() + 1e-7)
    x = x.T if len(matrix) > matrix.shape[1] else x
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x.T if len(matrix) > matrix.shape[1] else x).float()


SHAPES = [(32, 288), (64, 27), (64, 576), (16, 16), (1, 9), (9, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonal_is_the_published_iteration(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    for steps in (1, 3, 5):
        assert torch.allclose(orthogonal(matrix, steps), textbook(matrix, steps), atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonal_keeps_singular_vectors_and_evens_singular_values(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    u, values, v = torch.linalg.svd(matrix, full_matrices=False)
    result = orthogonal(matrix)
    along = u.T @ result @ v.T  # diagonal, if the vectors are the same
    assert torch.allclose(along, along.diagonal().diag(), atol=1e-4)
    evened = along.diagonal()[values >= 0.0175 * matrix.norm()]
    assert evened.min() >= 0.67
    assert evened.max() <= 1.21
    assert (along.diagonal() > 0).all()


def test_orthogonal_of_a_matrix_with_tiny_singular_values_is_the_published_iteration_too() -> None:
    """Squaring the matrix loses them among rounding errors, which must not matter."""
    u, _, v = torch.linalg.svd(torch.randn(32, 64, generator=torch.Generator().manual_seed(3)), full_matrices=False)
    matrix = u * torch.logspace(0, -9, 32) @ v
    assert torch.allclose(orthogonal(matrix), textbook(matrix, 3), atol=1e-5)


def test_orthogonal_of_nothing_is_nothing() -> None:
    assert orthogonal(torch.zeros(3, 5)).count_nonzero() == 0


def test_a_step_of_muon_is_written_out() -> None:
    """Two steps with given gradients: momentum, look-ahead, weights to length sqrt(out), orthogonal change."""
    generator = torch.Generator().manual_seed(4)
    weights = nn.Parameter(torch.randn(4, 2, 3, 3, generator=generator).to(memory_format=torch.channels_last))
    optimiser = Muon([{"params": [weights], "multiple": 1.0, "weight_decay": 0.5}], 0.2, 0.6)
    expected, buffer = weights.detach().clone(), torch.zeros(4, 2, 3, 3)
    for _ in range(2):
        weights.grad = torch.randn(4, 2, 3, 3, generator=generator)
        buffer = 0.6 * buffer + weights.grad
        change = textbook((weights.grad + 0.6 * buffer).reshape(4, 18), 3).reshape(4, 2, 3, 3)
        expected = expected * 2 / expected.norm() - 0.2 * change
        optimiser.step()
        assert torch.allclose(weights, expected, atol=1e-5)


def test_what_is_no_convolution_is_stepped_by_muon_as_by_torchs_sgd_to_the_bit() -> None:
    ours, theirs = Small(), Small()
    for network in (ours, theirs):
        network.first.requires_grad_(False)
        network.second.weight.requires_grad_(False)
    train(ours, Muon(groups(ours, bias_rate=3.0, head_rate=2.0, weight_decay=0.1), 0.01, 0.85), range(6), rate=0.01)
    sgd = torch.optim.SGD(groups(theirs, bias_rate=3.0, head_rate=2.0, weight_decay=0.1), 0.01, momentum=0.85, nesterov=True)
    train(theirs, sgd, range(6), rate=0.01)
    assert same(ours, theirs)


def test_muon_leaves_a_parameter_without_gradient() -> None:
    network = Small()
    optimiser = Muon(groups(network, weight_decay=0.1), 0.1, 0.6)
    before = copy.deepcopy(network)
    optimiser.step()
    assert same(network, before)
    assert not optimiser.state_dict()["state"]


def test_muon_does_not_wait_for_torchs_compiler() -> None:
    """Importing it takes a second or two; torch's own optimisers do at their first use, which shows that this test can fail."""
    program = """
import sys, torch
from seefar.training.optimisers import OPTIMISERS
for name in ("muon", "sgd"):
    weights = torch.nn.Parameter(torch.ones(2, 2, 1, 1))
    optimiser = OPTIMISERS[name]([{"params": [weights], "multiple": 1.0, "weight_decay": 0.0}], 0.1, 0.6)
    optimiser.zero_grad()
    weights.sum().backward()
    optimiser.step()
    optimiser.load_state_dict(optimiser.state_dict())
    print(name, "torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["muon", "False", "sgd", "True"]
