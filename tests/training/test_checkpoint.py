"""The checkpoint: what goes in comes out, to the bit; what does not fit is refused."""

import dataclasses

import pytest
import torch
from tests.conftest import images
from tests.training.plans import CPU, TINY

from seefar.errors import ModelFileError
from seefar.recipe_fields import change
from seefar.training.checkpoint import Position, pack, position_of, unpack
from seefar.training.learner import Learner, new_learner
from seefar.training.new_network import new_network
from seefar.training.optimisers import OPTIMISERS

ROW = {"number": 1, "loss": 0.1 + 0.2, "accuracy": 1 / 3, "best": True, "ending": ""}
DATA = images(20, 0, "train")


def learner(seed: int = 0, steps: int = 2, **fields: object) -> Learner:
    recipe = change(TINY, {"batch_norm": True, "optimiser": "adamw", "weight_decay": 0.1, "averaging": 0.9, **fields})
    made = new_learner(recipe, new_network(recipe, seed, DATA), DATA, CPU)
    for _ in range(steps):
        made.network(torch.randint(0, 256, (8, 3, 16, 16))).square().mean().backward()
        made.optimiser.step()
        assert made.average
        made.average.update()
    return made


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_what_goes_in_comes_out(optimiser: str) -> None:
    one, other = learner(optimiser=optimiser), learner(optimiser=optimiser, seed=1, steps=0)
    position = Position(epoch=2, done=3, loss=float(torch.tensor(0.1)), correct=7, history=[ROW])
    content = pack(one, position, {})
    assert unpack(content, other, {}) == position == position_of(content)
    assert pack(other, position, {}) == content
    assert one.average
    assert other.average
    assert other.average.updates == one.average.updates == 2


def test_equal_learners_give_equal_bytes() -> None:
    torch.manual_seed(0)
    first = pack(learner(), Position(), {})
    torch.manual_seed(0)
    assert pack(learner(), Position(), {}) == first


def test_the_scale_of_fp16_is_kept() -> None:
    one = dataclasses.replace(learner(), scaler=torch.amp.GradScaler("cpu", init_scale=512.0))
    other = dataclasses.replace(learner(), scaler=torch.amp.GradScaler("cpu"))
    one.scaler.scale(torch.ones(1))  # the scaler makes its tensors at the first use
    unpack(pack(one, Position(), {}), other, {})
    assert other.scaler.get_scale() == 512.0


@pytest.mark.parametrize("fields", [{"widths": [[8], [16]]}, {"dense": 8}, {"batch_norm": False}])
def test_the_checkpoint_of_another_recipe_is_refused(fields: dict[str, object]) -> None:
    """Fault 69."""
    with pytest.raises(ModelFileError, match="the checkpoint does not fit this recipe"):
        unpack(pack(learner(), Position(), {}), learner(**fields), {})


def test_a_header_that_claims_more_than_there_is_costs_no_memory() -> None:
    """Fault 71: a tensor of a terabyte."""
    header = b'{"network.x":{"dtype":"F32","shape":[250000000000],"data_offsets":[0,1000000000000]}}'
    with pytest.raises(ModelFileError, match="does not fit"):
        unpack(len(header).to_bytes(8, "little") + header, learner(), {})


def test_the_memory_of_batches_goes_with_it() -> None:
    kept = {"losses": torch.rand(2, 20), "answers": torch.rand(3, 20).half()}
    memory = {"losses": torch.zeros(2, 20), "answers": torch.zeros(0, 20).half()}
    unpack(pack(learner(), Position(spent=1.5), kept), learner(), memory)
    assert all(torch.equal(kept[name], memory[name]) for name in kept)
    with pytest.raises(ModelFileError, match="does not fit this recipe"):
        unpack(pack(learner(), Position(), {}), learner(), memory)
