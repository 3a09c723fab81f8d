"""The weights that a run keeps, verified before they are used."""

from collections.abc import Mapping

import safetensors.torch
import torch
from torch import Tensor

from seefar.errors import ModelFileError
from seefar.runs.folder import Run


def as_file(state: Mapping[str, Tensor], facts: dict[str, str] | None = None) -> bytes:
    """The content of a safetensors file. Tensors that share their memory, as tied weights do, are written out each."""
    seen: set[int] = set()
    whole = {}
    for name, value in state.items():
        memory = value.untyped_storage().data_ptr()  # also that of a part, which begins elsewhere
        whole[name] = value.contiguous() if memory not in seen else value.clone(memory_format=torch.contiguous_format)
        seen.add(memory)
    return safetensors.torch.save(whole, facts)


def read_weights(run: Run) -> dict[str, Tensor]:
    """The weights of the best epoch or of the last, as the recipe's `keep` says: whole, and all of them finite numbers.

    Raises:
        ModelFileError: the run is unfinished or damaged.
    """
    run.verify()
    path = run.path / "weights" / f"{run.recipe()['keep']}.safetensors"
    try:
        weights = safetensors.torch.load_file(path)
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise ModelFileError(f"cannot load {path}: {error}; train again") from error
    if odd := [name for name, value in weights.items() if not value.isfinite().all()]:
        raise ModelFileError(f"{path} holds values that are not finite, in {odd[0]}; train again")
    return weights
