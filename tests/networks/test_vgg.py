"""The VGG-like network: its forms against the same thing written out, and the names that old run folders know."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seefar import recipes
from seefar.errors import UsageError
from seefar.networks.layers import Dropout, SpatialDropout, use_generator
from seefar.networks.vgg import Vgg


def network(size: int = 32, **changes: object) -> Vgg:
    fields = {"widths": ((4,), (6, 8)), "dense": 16, "dropout": (0.2, 0.5)} | changes
    made = Vgg(recipes.Vgg(**fields), 7, size)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(0)
    for parameter in made.parameters():  # not as training starts: norms must show in the result
        parameter.data.uniform_(-0.5, 0.5, generator=generator)
    return made


PIXELS = torch.randint(0, 256, (8, 3, 32, 32), generator=torch.Generator().manual_seed(0))


def test_the_plain_form_has_the_layers_and_names_of_old_run_folders() -> None:
    made = network()
    assert list(made.state_dict()) == [
        "scale.mean",
        "scale.deviation",
        "stages.0.0.weight",
        "stages.0.0.bias",
        "stages.1.0.weight",
        "stages.1.0.bias",
        "stages.1.2.weight",
        "stages.1.2.bias",
        "head.2.weight",
        "head.2.bias",
        "head.5.weight",
        "head.5.bias",
    ]
    kinds = [[type(layer).__name__ for layer in part] for part in (*made.stages, made.head)]
    assert kinds == [
        ["Conv2d", "MaxPool2d", "ReLU"],
        ["Conv2d", "ReLU", "Conv2d", "MaxPool2d", "ReLU"],
        ["Flatten", "Dropout", "Linear", "ReLU", "Dropout", "Linear"],
    ]


def test_pooling_before_relu_is_what_courses_write_the_other_way_round() -> None:
    made = network(widths=((4,),))
    convolution = made.stages[0][0]
    expected = F.max_pool2d(F.relu(convolution(made.scale(PIXELS))), 2)
    torch.testing.assert_close(made.stages(made.scale(PIXELS)), expected)


def written_out(made: Vgg, batch_norm: bool, dense: bool) -> Tensor:
    """The network of `widths=((4,), (6, 8))` while training, from functions, numbers taken from the layers in their order."""
    weights = [layer.weight for layer in made.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    biases = [layer.bias for layer in made.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    norms = [layer for layer in made.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
    drops = [layer for layer in made.modules() if isinstance(layer, Dropout)]
    assert len(norms) == (3 + dense) * batch_norm

    def norm(values: Tensor, number: int) -> Tensor:
        if not batch_norm:
            return values
        axes = (0, 2, 3) if values.ndim == 4 else (0,)
        shape = (1, -1, 1, 1) if values.ndim == 4 else (1, -1)
        deviation = (values.var(axes, unbiased=False, keepdim=True) + 1e-5).sqrt()
        scaled = (values - values.mean(axes, keepdim=True)) / deviation
        return scaled * norms[number].weight.view(shape) + norms[number].bias.view(shape)

    values = PIXELS / 255
    values = F.relu(norm(F.max_pool2d(F.conv2d(values, weights[0], biases[0], padding=1), 2), 0))
    values = drops[0](values)
    values = F.relu(norm(F.conv2d(values, weights[1], biases[1], padding=1), 1))
    values = F.relu(norm(F.max_pool2d(F.conv2d(values, weights[2], biases[2], padding=1), 2), 2))
    values = drops[2](drops[1](values).flatten(1))
    if dense:
        values = drops[3](F.relu(norm(F.linear(values, weights[3], biases[3]), 3)))
    return F.linear(values, weights[-1], biases[-1])


@pytest.mark.parametrize("dense", [0, 16])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_each_form_is_what_functions_say(batch_norm: bool, dense: int) -> None:
    made = network(batch_norm=batch_norm, spatial_dropout=0.3, dense=dense)
    results = []
    for forward in (lambda: made(PIXELS), lambda: written_out(made, batch_norm, dense > 0)):
        use_generator(made, torch.Generator().manual_seed(3))
        results.append(forward())
    assert torch.allclose(*results, atol=1e-4, rtol=1e-4)


def test_what_stands_before_a_norm_has_no_bias_and_the_last_layer_has_one() -> None:
    made = network(batch_norm=True)
    biases = {name for name, layer in made.named_modules() if getattr(layer, "bias", None) is not None}
    norms = {name for name, layer in made.named_modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)}
    assert len(norms) == 4
    assert biases == norms | {"head.6"}


def test_the_share_of_dropped_channels_grows_evenly_over_the_stages_and_0_drops_none() -> None:
    made = network(widths=((4,), (4,), (4,)), spatial_dropout=0.3)
    assert [stage[-1].share for stage in made.stages] == pytest.approx([0.1, 0.2, 0.3])
    assert all(isinstance(stage[-1], SpatialDropout) for stage in made.stages)
    assert not [layer for layer in network().modules() if isinstance(layer, SpatialDropout)]


def test_the_number_of_parameters_is_what_arithmetic_says() -> None:
    expected = (3 * 9 + 1) * 4 + (4 * 9 + 1) * 6 + (6 * 9 + 1) * 8 + (8 * 8 * 8 + 1) * 16 + (16 + 1) * 7
    assert sum(p.numel() for p in network().parameters()) == expected
    expected = (3 * 9 + 2) * 4 + (4 * 9 + 2) * 6 + (6 * 9 + 2) * 8 + (8 * 8 * 8 + 1) * 7
    assert sum(p.numel() for p in network(batch_norm=True, dense=0).parameters()) == expected


def test_images_too_small_for_the_stages_are_refused() -> None:
    with pytest.raises(UsageError, match="3 stages halve 16x16 images to 2x2, and at least 4x4 must be left; use --size 32"):
        network(size=16, widths=((4,), (4,), (4,)))
