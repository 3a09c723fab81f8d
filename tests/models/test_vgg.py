"""The plain network: shapes, gradients, and the order of ReLU and pooling."""

import pytest
import torch
import torch.nn.functional as F

from seefar.errors import UsageError
from seefar.models import MODELS
from seefar.models.layers import Network, initialise
from seefar.models.plain import Plain


def network(**changes: object) -> Plain:
    made = Plain(**({"classes": 7, "size": 32, "widths": ((4,), (6, 8)), "dense": 16, "dropout": (0.2, 0.5)} | changes))  # type: ignore[arg-type]
    initialise(made, torch.Generator().manual_seed(0))
    return made


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_every_model_takes_raw_pixels_and_gives_finite_logits(name: str, kind: torch.dtype) -> None:
    made: Network = MODELS[name](5, 32, ((4,), (8,), (8,)), 16, (0.1, 0.1))
    logits = made(torch.randint(0, 256, (3, 3, 32, 32)).to(kind))
    assert logits.shape == (3, 5)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    made: Network = MODELS[name](5, 32, ((4,), (8,), (8,)), 16, (0.0, 0.0))
    made(torch.randint(0, 256, (8, 3, 32, 32))).square().sum().backward()
    assert [n for n, p in made.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_pooling_before_relu_is_what_courses_write_the_other_way_round() -> None:
    made = network(widths=((4,),), dropout=(0, 0)).eval()
    pixels = torch.randint(0, 256, (2, 3, 32, 32))
    convolution = made.stages[0][0]
    expected = F.max_pool2d(F.relu(convolution(made.scale(pixels))), 2)
    assert torch.equal(made.stages(made.scale(pixels)), expected)


def test_the_number_of_parameters_is_what_arithmetic_says() -> None:
    expected = (3 * 9 + 1) * 4 + (4 * 9 + 1) * 6 + (6 * 9 + 1) * 8 + (8 * 8 * 8 + 1) * 16 + (16 + 1) * 7
    assert sum(p.numel() for p in network().parameters()) == expected


def test_images_too_small_for_the_stages_are_refused() -> None:
    with pytest.raises(UsageError, match="3 stages halve 16x16 images to 2x2, and at least 4x4 must be left; use --size 32"):
        network(size=16, widths=((4,), (4,), (4,)))
