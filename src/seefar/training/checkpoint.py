"""Everything that a training needs to go on exactly where it was, as bytes and back. No generator is in it: seeds follow from the step."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from seefar.errors import ModelFileError
from seefar.runs.weights import as_file
from seefar.training.learner import Learner


@dataclass
class Position:
    """Where a training stands.

    Attributes:
        epoch: the current epoch, from 1; one past the last if training has ended.
        done: its steps that are done.
        loss: sum over those steps of loss times images, float32 as the device added it up.
        correct: images that were right in them.
        spent: seconds of a budget that are used up.
        history: the rows of the epochs before.
    """

    epoch: int = 1
    done: int = 0
    loss: float = 0.0
    correct: int = 0
    spent: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)


def pack(learner: Learner, position: Position, memory: Mapping[str, Tensor]) -> bytes:
    """A checkpoint: tensors, and the numbers as JSON in the header; floats in full. `memory` is that of the batches."""
    tensors = {f"network.{name}": value for name, value in learner.network.state_dict().items()}
    numbers: dict[str, dict[str, Any]] = {}
    for index, entries in learner.optimiser.state_dict()["state"].items():
        for key, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"optimiser.{index}.{key}"] = value
            else:
                numbers.setdefault(str(index), {})[key] = value
    if learner.average:
        tensors |= {f"average.{name}": value for name, value in learner.average.network.state_dict().items()}
    tensors |= {f"memory.{name}": value for name, value in memory.items()}
    facts = {
        "position": asdict(position),
        "optimiser": numbers,
        "updates": learner.average.updates if learner.average else 0,
        "scaler": learner.scaler.state_dict(),
    }
    return as_file(tensors, {"facts": json.dumps(facts)})


def unpack(content: bytes, learner: Learner, memory: dict[str, Tensor]) -> Position:
    """Put a checkpoint back into a learner, and into the memory of batches, that were made from the same recipe.

    Raises:
        ModelFileError: it is not a checkpoint, or one of another recipe.
    """
    try:
        tensors = safetensors.torch.load(content)
        facts = _facts(content)
        position = Position(**facts["position"])
        learner.network.load_state_dict(_part(tensors, "network"))
        if learner.average:
            learner.average.network.load_state_dict(_part(tensors, "average"))
            learner.average.updates = facts["updates"]
        _load_optimiser(learner.optimiser, _part(tensors, "optimiser"), facts["optimiser"])
        learner.scaler.load_state_dict(facts["scaler"])
        memory |= {name: tensors[f"memory.{name}"] for name in memory}
    except (safetensors.SafetensorError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"the checkpoint does not fit this recipe: {error}; train again") from error
    return position


def position_of(content: bytes) -> Position:
    """Where a checkpoint was made, without its tensors. Raises ModelFileError if it is none."""
    try:
        return Position(**_facts(content)["position"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"this is no checkpoint: {error}; train again") from error


def _facts(content: bytes) -> dict[str, Any]:
    """The numbers in the header; safetensors itself gives them for files only."""
    length = int.from_bytes(content[:8], "little")
    facts: dict[str, Any] = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["facts"])
    return facts


def _part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}


def _load_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor], numbers: dict[str, dict[str, Any]]) -> None:
    entries: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in numbers.items()}
    for name, value in tensors.items():
        index, _, key = name.partition(".")
        entries.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": entries, "param_groups": optimiser.state_dict()["param_groups"]})
