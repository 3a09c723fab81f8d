"""A small training as a plan, for tests that start below `train`; and things that happen in the middle of one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import SMALL

from seefar.data.images import Dataset
from seefar.data.splits import carve
from seefar.recipe_fields import change, find
from seefar.recipes import Recipe
from seefar.runs import folder
from seefar.training import loop
from seefar.training.machine import Machine
from seefar.training.plan import Plan

CPU = Machine(torch.device("cpu"), torch.float32)
TINY = change(find("tiny"), SMALL)
FAST = {"model": "fast", "widths": [[8], [8]]}
"""Changes of TINY: the other network, as small."""


def new_plan(data: Dataset, path: Path, recipe: Recipe = TINY, **settings: Any) -> Plan:
    """What `train` would settle for these images, with a run folder whose first files are there; `settings` are fields of the plan."""
    train, validation = carve(data.train, recipe.kept.validation, data.split_seed, "validation")
    run = folder.create(path) if not path.exists() else folder.Run(path)
    for name in folder.CHOSEN:
        run.write(name, {})
    given: dict[str, Any] = {"recipe": recipe, "seed": 0, "train": train, "validation": validation, "run": run, "machine": CPU}
    return Plan(**given | settings)


def at_step(number: int, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let something happen in the step of that number, before it changes anything; the value grows by one entry a step."""
    steps: list[int] = []
    real = loop.set_rate

    def acting(*values: Any) -> None:
        steps.append(len(steps) + 1)
        if len(steps) == number:
            act()
        real(*values)

    monkeypatch.setattr(loop, "set_rate", acting)
    return steps
