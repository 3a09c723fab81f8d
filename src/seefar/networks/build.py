"""A network from the part of a recipe that describes it. To add one, write a file and add a line to the dict."""

from collections.abc import Callable

import torch

from seefar import network_source, recipes
from seefar.networks.fast import Fast
from seefar.networks.layers import Network
from seefar.networks.outside import Outside
from seefar.networks.vgg import Vgg
from seefar.recipe_fields import model_of
from seefar.recipes import AnyNetwork

# An ordinary torch.nn.Module by the name that `model` has in recipes; each takes (fields of the recipe, classes, size in pixels)
MODELS: dict[str, Callable[..., Network]] = {
    "vgg": Vgg,
    "fast": Fast,
}


def build_network(how: AnyNetwork, classes: int, size: int) -> Network:
    """The network that a recipe describes, its weights not yet meaningful.

    Raises:
        UsageError: it cannot be built like this.
        ModelFileError: it is from outside, and its file is not there or another one.
    """
    if isinstance(how, recipes.Outside):
        return Outside(how, classes, size)
    # torch's layers draw first weights from the global state, which is not ours to change
    with torch.random.fork_rng(devices=[]):
        network = MODELS[model_of(how)](how, classes, size)
    return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload] # torch does not declare it


def source_text(how: AnyNetwork) -> str:
    """The text of the file that a network from outside is built from; empty for all others."""
    return network_source.find(how.source).text if isinstance(how, recipes.Outside) else ""


def is_of_timm(how: AnyNetwork) -> bool:
    """Whether a network is a classifier of timm."""
    return isinstance(how, recipes.Outside) and how.source.startswith(f"{network_source.TIMM}:")
