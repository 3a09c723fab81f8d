"""From a recipe to a new network, and from a run folder to its trained one."""

import safetensors.torch
import torch

from seefar.data.describe import channel_statistics
from seefar.data.images import ImageSet
from seefar.errors import ModelFileError, UsageError, did_you_mean
from seefar.models import MODELS
from seefar.models.layers import Network, initialise
from seefar.recipes import Recipe, from_json
from seefar.runs.folder import Run
from seefar.seeds import derive


def build_network(recipe: Recipe, classes: int, size: int) -> Network:
    """The recipe's network, its weights not yet meaningful.

    Raises:
        UsageError: an unknown model, or images too small for it.
    """
    if recipe.model not in MODELS:
        raise UsageError(
            f"no model is called {recipe.model!r}{did_you_mean(recipe.model, MODELS)}; there are {', '.join(MODELS)}"
        )
    with torch.random.fork_rng(
        devices=[]
    ):  # torch's layers draw first weights from the global state, which is not ours to change
        network = MODELS[recipe.model](classes, size, recipe.widths, recipe.dense, recipe.dropout)
    return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload] # torch does not declare it


def new_network(recipe: Recipe, seed: int, train: ImageSet) -> Network:
    """The recipe's network as training starts: weights drawn from the seed, scaling fitted to the training images."""
    network = build_network(recipe, len(train.classes), train.size)
    initialise(network, torch.Generator().manual_seed(derive(seed, "weights")))
    if recipe.pixels == "standard":
        means, deviations = channel_statistics(train.pixels)
        network.scale.mean.copy_(torch.from_numpy(means) / 255)
        network.scale.deviation.copy_(
            torch.from_numpy(deviations).clamp(min=1) / 255
        )  # a channel that never changes is left alone
    return network


def load_network(run: Run, device: torch.device) -> Network:
    """The trained network of a run, in evaluation mode: its best weights or its last, as the recipe's `keep` says.

    Raises:
        ModelFileError: the run's files are missing, damaged, or do not fit each other.
    """
    run.verify()
    recipe, data = from_json(run.recipe()), run.read("data.json")
    network = build_network(recipe, len(data["classes"]), data["size"])
    path = run.path / "weights" / f"{recipe.keep}.safetensors"
    try:
        network.load_state_dict(safetensors.torch.load_file(path))
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise ModelFileError(f"cannot load {path}: {error}; train again") from error
    return network.to(device).eval()
