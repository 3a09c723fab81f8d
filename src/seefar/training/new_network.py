"""A network as training starts: new, or with the weights of another run."""

import torch
from torch import Tensor

from seefar.data.describe import channel_statistics
from seefar.data.images import ImageSet
from seefar.errors import ModelFileError
from seefar.networks.build import build_network
from seefar.networks.layers import Network
from seefar.recipes import Recipe
from seefar.runs.folder import Run
from seefar.runs.weights import read_weights
from seefar.seeds import derive


def new_network(recipe: Recipe, seed: int, train: ImageSet, start: "Start | None" = None) -> Network:
    """The recipe's network as training starts.

    Args:
        recipe: what to build.
        seed: weights are drawn from it.
        train: the training images; the scaling of the pixels, and layers that are fitted to images, depend on them.
        start: another run's weights to start from instead; see `start_from`.
    """
    network = build_network(recipe.network, len(train.classes), train.size)
    if recipe.network.pixels == "standard":
        means, deviations = channel_statistics(train.pixels)
        network.scale.mean.copy_(torch.from_numpy(means) / 255)
        # A channel that never changes is left alone
        network.scale.deviation.copy_(torch.from_numpy(deviations).clamp(min=1) / 255)
    network.initialise(torch.Generator().manual_seed(derive(seed, "weights")), train.pixels)
    if start is not None:
        network.load_state_dict(network.state_dict() | start)
    network.freeze(recipe.network.frozen_stages)
    return network


Start = dict[str, Tensor]


def start_from(run: Run, recipe: Recipe, classes: tuple[str, ...], size: int) -> Start:
    """Another run's weights as a start for `recipe` on these classes: all that fits; the head is new unless the classes are the same.

    Raises:
        ModelFileError: the other run is damaged, or its stages are not those of the recipe; the details list the differences.
    """
    there = read_weights(run)
    here = build_network(recipe.network, len(classes), size).state_dict()
    same_head = run.read("data.json")["classes"] == list(classes)
    taken = {name: value for name, value in there.items() if same_head or not name.startswith("head.")}
    wanted = {name: value for name, value in here.items() if same_head or not name.startswith("head.")}
    differing = [
        f"{name}: {_shape(there.get(name))} there, {_shape(wanted.get(name))} here"
        for name in sorted(taken.keys() | wanted.keys())
        if name not in taken or name not in wanted or taken[name].shape != wanted[name].shape
    ]
    if differing:
        raise ModelFileError(
            f"the network of {run.path} is not that of recipe {recipe.name}; use its recipe, {run.recipe()['name']}, or its widths",
            details=differing,
        )
    return taken


def _shape(tensor: Tensor | None) -> str:
    return "nothing" if tensor is None else " x ".join(map(str, tensor.shape)) or "one number"
