"""From a recipe to a new network, and from a run folder to its trained one."""

import safetensors.torch
import torch
from torch import Tensor

from seefar.data.describe import channel_statistics
from seefar.data.images import ImageSet
from seefar.errors import ModelFileError, UsageError, did_you_mean
from seefar.models import MODELS
from seefar.models.layers import Network
from seefar.recipes import Recipe, from_json
from seefar.runs.folder import Run
from seefar.seeds import derive


def build_network(recipe: Recipe, classes: int, size: int) -> Network:
    """The recipe's network, its weights not yet meaningful.

    Raises:
        UsageError: an unknown model, or one that cannot be built like this.
    """
    if recipe.model not in MODELS:
        raise UsageError(
            f"no model is called {recipe.model!r}{did_you_mean(recipe.model, MODELS)}; there are {', '.join(MODELS)}"
        )
    stages = len(recipe.widths)
    spatial_dropout = [recipe.spatial_dropout * stage / stages for stage in range(1, stages + 1)]
    with torch.random.fork_rng(
        devices=[]
    ):  # torch's layers draw first weights from the global state, which is not ours to change
        network = MODELS[recipe.model](
            classes, size, recipe.widths, recipe.batch_norm, spatial_dropout, recipe.dense, recipe.dropout
        )
    return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload] # torch does not declare it


def new_network(recipe: Recipe, seed: int, train: ImageSet, start: "Start | None" = None) -> Network:
    """The recipe's network as training starts.

    Args:
        recipe: what to build.
        seed: weights are drawn from it.
        train: the training images; the scaling of the pixels, and layers that are fitted to images, depend on them.
        start: another run's weights to start from instead; see `start_from`.
    """
    network = build_network(recipe, len(train.classes), train.size)
    if recipe.pixels == "standard":
        means, deviations = channel_statistics(train.pixels)
        network.scale.mean.copy_(torch.from_numpy(means) / 255)
        network.scale.deviation.copy_(
            torch.from_numpy(deviations).clamp(min=1) / 255
        )  # a channel that never changes is left alone
    network.initialise(torch.Generator().manual_seed(derive(seed, "weights")), train.pixels)
    if start is not None:
        network.load_state_dict(network.state_dict() | start)
    network.freeze(recipe.frozen_stages)
    return network


Start = dict[str, Tensor]


def start_from(run: Run, recipe: Recipe, classes: tuple[str, ...], size: int) -> Start:
    """Another run's weights as a start for `recipe` on these classes: all that fits; the head is new unless the classes are the same.

    Raises:
        ModelFileError: the other run is damaged, or its stages are not those of the recipe; the details list the differences.
    """
    there = _weights(run)
    here = build_network(recipe, len(classes), size).state_dict()
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


def load_network(run: Run, device: torch.device) -> Network:
    """The trained network of a run, in evaluation mode: its best weights or its last, as the recipe's `keep` says.

    Raises:
        ModelFileError: the run's files are missing, damaged, or do not fit each other.
    """
    weights = _weights(run)
    recipe, data = from_json(run.recipe()), run.read("data.json")
    network = build_network(recipe, len(data["classes"]), data["size"])
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelFileError(f"the weights of {run.path} are not those of its recipe: {error}; train again") from error
    return network.to(device).eval()


def _weights(run: Run) -> dict[str, Tensor]:
    """The weights that a run keeps, verified and finite."""
    run.verify()
    path = run.path / "weights" / f"{run.recipe()['keep']}.safetensors"
    try:
        weights = safetensors.torch.load_file(path)
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise ModelFileError(f"cannot load {path}: {error}; train again") from error
    if odd := [name for name, value in weights.items() if not value.isfinite().all()]:
        raise ModelFileError(f"{path} holds numbers that are not finite, in {odd[0]}; train again")
    return weights
