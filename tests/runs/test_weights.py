"""The weights that a run keeps: those of the recipe's `keep`, whole, unchanged and finite, or none."""

from pathlib import Path

import pytest
import safetensors.torch
import torch

from seefar.errors import ModelFileError
from seefar.runs import folder
from seefar.runs.folder import Run
from seefar.runs.weights import as_file, read_weights

BEST, LAST = {"layer": torch.arange(6.0).view(2, 3)}, {"layer": torch.ones(2, 3)}


def run_with(path: Path, keep: str = "best", best: bytes | None = None) -> Run:
    """A sealed run with these weights."""
    run = folder.create(path / "run")
    for name in ("recipe.json", "data.json", "splits.json", "environment.json"):
        run.write(name, {"model": "vgg", "keep": keep})
    files = {
        "weights/best.safetensors": safetensors.torch.save(BEST) if best is None else best,
        "weights/last.safetensors": safetensors.torch.save(LAST),
    }
    run.commit(files, ended="finished")
    return run


@pytest.mark.parametrize(("keep", "expected"), [("best", BEST), ("last", LAST)])
def test_the_recipe_says_which_are_read(tmp_path: Path, keep: str, expected: dict[str, torch.Tensor]) -> None:
    found = read_weights(run_with(tmp_path, keep))
    assert found.keys() == expected.keys()
    assert torch.equal(found["layer"], expected["layer"])


@pytest.mark.parametrize(
    "content", [b"", b"not safetensors", b"\x80\x04\x95.", bytes(64), (10**12).to_bytes(8, "little") + b"{}"]
)
def test_damaged_weights_are_refused_even_with_a_matching_manifest(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"cannot load .*best.safetensors: .*; train again"):
        read_weights(run_with(tmp_path, best=content))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    """Fault 71."""
    odd = {"good": torch.ones(2), "odd": torch.tensor([1.0, value])}
    with pytest.raises(ModelFileError, match=r"holds values that are not finite, in odd; train again"):
        read_weights(run_with(tmp_path, best=safetensors.torch.save(odd)))


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    run = run_with(tmp_path)
    (run.path / "weights" / "best.safetensors").write_bytes(safetensors.torch.save(LAST))
    with pytest.raises(ModelFileError, match=r"best.safetensors is damaged or was changed"):
        read_weights(run)


def test_a_run_without_an_epoch_has_none(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="holds no trained network: no epoch was finished"):
        read_weights(folder.create(tmp_path / "run"))


def test_tensors_that_share_memory_are_written_out_each() -> None:
    whole = torch.arange(12.0)
    state = {"a": whole, "tied": whole, "end": whole[4:], "turned": whole.view(3, 4).T}
    found = safetensors.torch.load(as_file(state))
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], value) for name, value in state.items())
