"""The network of the speed runs: the whitening against numpy, the rest against the same thing written out."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seefar import recipes
from seefar.errors import UsageError
from seefar.networks import fast
from seefar.networks.fast import Fast, Whitening


def network(
    pixels: np.ndarray,
    size: int = 32,
    widths: recipes.Channels = ((32, 40), (48, 48)),
    residual: bool = False,
    patterns: int = 12,
) -> Fast:
    """Made as training makes it, standardised by the images."""
    made = Fast(recipes.Fast(widths=widths, residual=residual, patterns=patterns), 5, size)
    made.scale.mean.copy_(torch.from_numpy(pixels.mean((0, 1, 2)) / 255))
    made.scale.deviation.copy_(torch.from_numpy(pixels.std((0, 1, 2)) / 255))
    made.initialise(torch.Generator().manual_seed(0), pixels)
    return made


def whitening(made: Fast) -> Whitening:
    return next(layer for layer in made.modules() if isinstance(layer, Whitening))


def images(n: int, size: int = 32, smooth: bool = True) -> np.ndarray:
    """Noise, or noise whose neighbours resemble each other as those of photographs do."""
    noise = np.random.default_rng(0).normal(0, 1, (n, size + 4, size + 4, 3))
    if smooth:
        noise = sum(noise[:, i : i + size, j : j + size] for i in range(5) for j in range(5)) + 0.8 * noise[:, :size, :size, :1]
    noise = noise[:, :size, :size]
    return np.clip(128 + 50 * noise / noise.std(), 0, 255).astype(np.uint8)


def batch(pixels: np.ndarray) -> Tensor:
    return torch.tensor(pixels).permute(0, 3, 1, 2)


def patches(made: Fast, pixels: np.ndarray) -> np.ndarray:
    """float64 `(patches, 12)`: colour, row, column of each 2x2 window of the scaled images."""
    scaled = (pixels / 255.0 - made.scale.mean.double().numpy()) / made.scale.deviation.double().numpy()
    windows = np.lib.stride_tricks.sliding_window_view(scaled, (2, 2), axis=(1, 2))
    return windows.reshape(-1, 12)


def test_whitened_patches_are_uncorrelated_and_of_size_one() -> None:
    pixels = images(40, smooth=False)
    made = network(pixels)
    found = whitening(made)(made.scale(batch(pixels))).double()[:, :12].permute(0, 2, 3, 1).reshape(-1, 12)
    assert torch.allclose(found.T @ found / len(found), torch.eye(12, dtype=torch.float64), atol=2e-3)


def test_the_whitening_is_that_of_numpy_and_weak_directions_are_held_down() -> None:
    """More images than are looked at in one block; the smallest eigenvalues are near the floor of 5e-4."""
    pixels = images(fast.BLOCK + 30)
    made = network(pixels)
    raw = patches(made, pixels)
    moments = raw.T @ raw / len(raw)
    weights = whitening(made).weight[:12].reshape(12, 12).double().numpy()
    eigenvalues = np.linalg.eigvalsh(moments)
    assert eigenvalues.min() < 0.1 * eigenvalues.max()
    assert np.allclose(weights @ moments @ weights.T, np.diag(eigenvalues / (eigenvalues + fast.FLOOR)), atol=1e-4)
    assert np.allclose(np.linalg.norm(weights, axis=1), (eigenvalues + fast.FLOOR) ** -0.5, rtol=1e-4)


def test_the_second_half_of_the_filters_is_the_first_with_the_other_sign() -> None:
    weight = whitening(network(images(10))).weight
    assert weight.shape == (24, 3, 2, 2)
    assert torch.equal(weight[:12], -weight[12:])


def test_fewer_patterns_are_the_strongest_ones() -> None:
    """The weakest directions have the longest filters; those that stay are as they were."""
    pixels = images(10)
    every = whitening(network(pixels)).weight
    made = network(pixels, patterns=8)
    few = whitening(made).weight
    assert torch.equal(few, torch.cat([every[4:12], -every[4:12]]))
    assert few[:8].flatten(1).norm(dim=1).max() < every[:4].flatten(1).norm(dim=1).min()
    assert made(batch(pixels)).shape == (10, 5)


def test_only_the_first_images_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fast.FITTED == 5000
    monkeypatch.setattr(fast, "FITTED", 10)
    pixels = images(20)
    made = network(pixels)
    before = whitening(made).weight.clone()
    pixels[10:] = 0
    made.initialise(torch.Generator(), pixels)
    assert torch.equal(whitening(made).weight, before)
    pixels[9] = 0
    made.initialise(torch.Generator(), pixels)
    assert not torch.equal(whitening(made).weight, before)


def test_an_image_of_one_colour_is_no_trouble() -> None:
    made = Fast(recipes.Fast(widths=((8,),)), 5, 16)
    made.initialise(torch.Generator(), np.zeros((3, 16, 16, 3), np.uint8))
    assert whitening(made).weight.isfinite().all()


@pytest.mark.parametrize("n", [1, 3, 128])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_the_whitening_is_exact_under_autocast_too(n: int, layout: torch.memory_format) -> None:
    """pytorch #163347: 2x2 convolutions in bf16 that count one value of the four."""
    pixels = images(n)
    made = network(images(20)).to(memory_format=layout)
    exact = torch.from_numpy(patches(made, pixels)) @ whitening(made).weight.reshape(24, 12).double().T
    with torch.autocast("cpu", torch.bfloat16):
        found = whitening(made)(made.scale(batch(pixels)))
    assert found.dtype == torch.bfloat16  # computed in float32, then rounded once
    assert torch.allclose(found.double().permute(0, 2, 3, 1).reshape(-1, 24), exact, rtol=2**-8, atol=1e-3)


def test_the_whitening_is_saved_and_never_learns() -> None:
    made = network(images(10))
    assert made.state_dict()["stem.0.weight"] is not None
    assert not [name for name, _ in made.named_parameters() if name.startswith("stem")]
    seen = []
    made.stem.register_forward_hook(lambda _layer, _inputs, output: seen.append(output.requires_grad))
    made(batch(images(4)))
    assert seen == [False]


def test_a_new_network_passes_on_its_input_through_the_first_filters() -> None:
    made = network(images(10))
    for layer in made.modules():
        if isinstance(layer, nn.Conv2d):
            values = torch.rand(2, layer.in_channels, 8, 8)
            torch.testing.assert_close(layer(values)[:, : layer.in_channels], values)
            rest, bound = layer.weight[layer.in_channels :], (layer.in_channels * 9) ** -0.5  # torch's own first weights
            if len(rest):
                assert 0.9 * bound < rest.abs().max().item() <= bound
    assert 0.9 * 48**-0.5 < made.classifier.weight.abs().max().item() <= 48**-0.5


def test_a_narrow_stage_passes_on_as_many_channels_as_it_has() -> None:
    made = network(images(10), widths=((4,), (4,)))
    convolution = made.stages[0][0]
    values = torch.rand(2, 24, 8, 8)
    torch.testing.assert_close(convolution(values), values[:, :4])


def written_out(made: Fast, pixels: Tensor, residual: bool, momentum: float) -> tuple[Tensor, list[Tensor]]:
    """The network while training, from functions: its logits, and the running means it should have afterwards."""
    convolutions = [layer.weight for layer in made.modules() if isinstance(layer, nn.Conv2d)]
    weights, three = iter(convolutions), len(convolutions) == 3 * len(made.stages)
    biases = iter([layer.bias for layer in made.modules() if isinstance(layer, nn.BatchNorm2d)])
    means: list[Tensor] = []

    def convolve(values: Tensor) -> Tensor:
        return F.conv2d(values, next(weights), padding=1)

    def norm(values: Tensor) -> Tensor:
        means.append(momentum * values.mean((0, 2, 3)))
        deviation = values.var((0, 2, 3), unbiased=False, keepdim=True).sqrt()
        return (values - values.mean((0, 2, 3), keepdim=True)) / deviation + next(biases).view(1, -1, 1, 1)

    mean, deviation = made.scale.mean.view(3, 1, 1), made.scale.deviation.view(3, 1, 1)
    values = F.relu(F.conv2d((pixels / 255 - mean) / deviation, whitening(made).weight))
    for _ in made.stages:
        values = start = F.gelu(norm(F.max_pool2d(convolve(values), 2)))
        if residual:
            if three:
                values = F.gelu(norm(convolve(values)))
            values = F.gelu(norm(convolve(values)) + start)
        else:
            values = F.gelu(norm(convolve(values)))
    return F.linear(values.amax((2, 3)), made.classifier.weight) / 9, means


@pytest.mark.parametrize(
    ("widths", "residual", "momentum"),
    [(((32, 40), (48, 48)), False, 0.4), (((32, 32, 32), (48, 48, 48)), True, 0.1), (((32, 32), (48, 48)), True, 0.4)],
)
def test_the_network_is_what_functions_say(widths: tuple[tuple[int, ...], ...], residual: bool, momentum: float) -> None:
    pixels = images(16)
    made = network(pixels, widths=widths, residual=residual)
    generator = torch.Generator().manual_seed(1)
    for parameter in made.parameters():  # not as training starts: shifts must show in the result
        if parameter.requires_grad:
            parameter.data += torch.empty_like(parameter).uniform_(-0.1, 0.1, generator=generator)
    expected, means = written_out(made, batch(pixels), residual, momentum)
    assert torch.allclose(made.train()(batch(pixels)), expected, atol=1e-5)
    found = [layer.running_mean for layer in made.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(found, means, strict=True))


@pytest.mark.parametrize(
    ("widths", "residual"),
    [
        (((8,), (8,)), True),
        (((8, 8), (8, 8)), False),
        (((8, 12), (12, 8)), True),
        (((8, 8, 12), (8, 12, 12)), True),
        (((8,) * 4, (8,) * 4), True),
    ],
)
def test_only_two_or_three_equal_convolutions_are_bridged(widths: recipes.Channels, residual: bool) -> None:
    made = network(images(10), widths=widths, residual=residual)
    assert not [layer for layer in made.modules() if isinstance(layer, fast.Residual)]


def test_images_too_small_for_the_stages_are_refused() -> None:
    with pytest.raises(UsageError, match="2 stages leave nothing of 4x4 images; use --size 5 or fewer stages"):
        network(images(2), size=4)
    pixels = images(4, 5)
    assert network(pixels, size=5)(batch(pixels)).shape == (4, 5)
