"""What is refused before anything is done."""

import pytest
from tests.training.plans import FAST, TINY

from seefar.errors import UsageError
from seefar.recipe_fields import change, find
from seefar.training.check import check

BATCHES = FAST | {"batch_size": 36}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("optimiser", "adma", "no optimiser is called 'adma' (did you mean 'adam"),
        ("schedule", "consant", "no schedule is called 'consant' (did you mean 'constant'"),
        ("model", "vgf", "model is 'vgf' (did you mean 'vgg'"),
    ],
)
def test_names_that_do_not_exist_are_refused_before_any_image_is_touched(field: str, value: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(change(find("tiny"), {field: value}), 10, 32)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "count", "processes", "sentence"),
    [
        ({"batch_size": 500}, 108, 1, "batch_size is 500, but there are 108 training images"),  # fault 57
        ({"batch_size": 15}, 108, 2, "batch_size is 15, which 2 processes cannot share evenly; use --set batch_size=14"),  # 58
        ({"batch_size": 36, "batch_norm": True}, 109, 1, "batches of 36 leave 1 of the 109 training images for the last step"),
        ({"batch_size": 1, "batch_norm": True}, 108, 1, "batch_size is 1, and with batch norm each process needs 2 images"),
        ({"batch_size": 2, "batch_norm": True}, 108, 2, "needs 2 images a step: at least 4"),
        (BATCHES, 109, 1, "batches of 36 leave 1 of the 109 training images for the last step"),
        ({"batch_size": 36}, 110, 3, "leave 2 of the 110 training images for the last step, and it needs 3"),
        ({"shift": 16}, 108, 1, "shift is 16"),
        ({"cutout": 17}, 108, 1, "cutout is 17"),
        ({"batch_size": 16, "leave_out": 0.5}, 108, 2, "leave_out is for one process"),
        ({"interim": 0.2}, 108, 1, "none is the best; use --set keep=last"),
        ({"batch_size": 16, "remember": True}, 108, 2, "remember is for one process"),
        ({"batch_size": 16, "budget": 5}, 108, 2, "a budget is for one process"),
        ({"leave_out": 0.5, "balance": "sampling"}, 108, 1, "both choose the images of an epoch"),
        ({"resolution": [[0, 0.5], [0.5, 1]]}, 108, 1, "the network 'vgg' takes images of one size only"),
        (BATCHES | {"resolution": [[0, 0.25], [0.5, 1]]}, 108, 1, "2 stages leave nothing of 4x4 images"),
        (BATCHES | {"resolution": [[0, 0.5], [0.5, 1]], "cutout": 9}, 108, 1, "cutout is 9"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(fields: dict[str, object], count: int, processes: int, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(change(TINY, fields), 3, 16, count, processes)
    assert sentence in str(caught.value)


def test_what_can_be_carried_out_passes() -> None:
    check(change(TINY, {"batch_size": 36, "batch_norm": True}), 3, 16, 110)
    check(change(TINY, {"batch_size": 16}), 3, 16, 108, 2)
    check(find("deep"), 10, 32)
    check(find("best"), 10, 32)
