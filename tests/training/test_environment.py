"""The command in environment.json makes the run again, and names no folder."""

import dataclasses
import shlex
from pathlib import Path

import pytest
import torch
from tests.training.plans import new_plan

from seefar.cli.options import TrainOptions
from seefar.data.images import Dataset
from seefar.recipe_fields import change, find
from seefar.training.environment import command, environment
from seefar.training.machine import Machine

TINY = find("tiny")


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ({"data": "shapes", "split_seed": 0}, "seefar run --data shapes --recipe tiny --seed 3"),
        (
            {"data": "/home/anna/my photos", "size": 64, "background": "black", "split_seed": 2, "skip_bad": True},
            "seefar run --data 'my photos' --size 64 --background black --split-seed 2 --skip-bad --recipe tiny --seed 3",
        ),
        ({"data": "/home/anna/data", "name": "birds"}, "seefar run --data data --name birds --recipe tiny --seed 3"),
        (
            {"data": "cifar10", "archive": "/tmp/a/c.tar.gz", "unverified": True, "split_seed": 0},
            "seefar run --data cifar10 --archive c.tar.gz --unverified --recipe tiny --seed 3",
        ),
    ],
)
def test_the_command_has_what_differs_from_the_defaults(origin: dict[str, object], expected: str) -> None:
    assert command(TINY, 3, origin) == expected


def test_a_changed_recipe_is_made_again_by_its_command() -> None:
    changed = change(TINY, {"epochs": 3, "widths": [[8], [8, 8]], "keep": "last"})
    words = shlex.split(command(changed, 0, {"data": "shapes"}))
    settings = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    assert change(TINY, TrainOptions(set_=settings).changes()) == changed


def test_the_environment_is_the_same_each_time_and_has_the_versions(small_data: Dataset, tmp_path: Path) -> None:
    plan = new_plan(small_data, tmp_path / "run", machine=Machine(torch.device("cpu"), torch.bfloat16, deterministic=True))
    first, second = (environment(dataclasses.replace(plan), {"data": "shapes"}) for _ in range(2))
    assert first == second
    assert first["libraries"]["torch"] == torch.__version__
    assert (first["device"], first["precision"], first["processes"]) == ("cpu", "bfloat16", 1)
    assert (first["deterministic"], first["compiled"]) == (True, False)
    assert environment(plan, {}, {"run": "my run"})["command"].endswith(" --from 'my run'")
