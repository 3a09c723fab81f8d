"""Schedules against torch's own, epoch by epoch and step by step."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as theirs

from seefar.recipes import RECIPES, Recipe
from seefar.training.schedules import SCHEDULES, learning_rate

STEPS = 100


def recipe(name: str, min_change: float = 0.0, **fields: Any) -> Recipe:
    """With a highest rate of 1, so that rates are factors."""
    tiny, shape = RECIPES["tiny"], {"learning_rate": 1.0, "schedule": name, "drop_factor": 0.5, **fields}
    return replace(
        tiny, optimisation=replace(tiny.optimisation, **shape), stopping=replace(tiny.stopping, min_change=min_change)
    )


def rate(name: str, progress: float, scores: Sequence[float] = (), **fields: Any) -> float:
    return learning_rate(recipe(name, **fields), progress, scores)


def optimiser() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


def rates(scheduler: Callable[[torch.optim.Optimizer], theirs.LRScheduler], steps: int) -> list[float]:
    """What torch's scheduler sets for each of the steps, and behind the last."""
    descent = optimiser()
    schedule = scheduler(descent)
    found = []
    for _ in range(steps + 1):
        found.append(descent.param_groups[0]["lr"])
        if len(found) <= steps:
            descent.step()
            schedule.step()
    return found


@pytest.mark.parametrize("warmup", [0.0, 0.3])
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_rate_stays_between_0_and_the_highest(name: str, warmup: float) -> None:
    draw = random.Random(0)
    for _ in range(200):
        scores = [draw.random() for _ in range(draw.randrange(20))]
        assert 0 <= rate(name, draw.random(), scores, warmup=warmup, learning_rate=0.25) <= 0.25


@pytest.mark.parametrize("name", SCHEDULES)
def test_without_warmup_a_run_starts_at_the_full_rate(name: str) -> None:
    assert rate(name, 0, learning_rate=0.3) == 0.3


@pytest.mark.parametrize(
    ("name", "scheduler"),
    [
        ("constant", lambda o: theirs.LambdaLR(o, lambda _: 1.0)),
        ("linear", lambda o: theirs.LinearLR(o, start_factor=1.0, end_factor=0.0, total_iters=STEPS)),
        ("cosine", lambda o: theirs.CosineAnnealingLR(o, T_max=STEPS)),
    ],
)
def test_schedules_over_progress_are_torchs(
    name: str, scheduler: Callable[[torch.optim.Optimizer], theirs.LRScheduler]
) -> None:
    ours = [rate(name, step / STEPS) for step in range(STEPS + 1)]
    assert ours == pytest.approx(rates(scheduler, STEPS), abs=1e-9)


@pytest.mark.parametrize(("factor", "after"), [(0.5, 1), (0.1, 3), (1.0, 2)])
def test_step_is_torchs(factor: float, after: int) -> None:
    ours = [rate("step", epoch / 12, [0.0] * epoch, drop_factor=factor, drop_after=after) for epoch in range(13)]
    assert ours == pytest.approx(rates(lambda o: theirs.StepLR(o, after, factor), 12))


@pytest.mark.parametrize("min_change", [0.0, 0.125])  # scores and threshold are exact in binary: torch adds where we subtract
@pytest.mark.parametrize("after", [1, 2, 4])
def test_plateau_is_torchs(after: int, min_change: float) -> None:
    draw = random.Random(after)
    lowest, shape = 1.0, recipe("plateau", min_change, drop_after=after)
    for _ in range(100):
        scores = [draw.randrange(16) / 16 + epoch / 64 for epoch in range(25)]
        descent = optimiser()
        schedule = theirs.ReduceLROnPlateau(
            descent, mode="max", factor=0.5, patience=after, threshold=min_change, threshold_mode="abs", eps=0.0
        )
        for epoch in range(len(scores) + 1):
            assert learning_rate(shape, epoch / 25, scores[:epoch]) == descent.param_groups[0]["lr"]
            lowest = min(lowest, descent.param_groups[0]["lr"])
            if epoch < len(scores):
                schedule.step(scores[epoch])
    assert lowest < 0.5


def test_plateau_waits_anew_after_a_drop_and_keeps_the_best() -> None:
    scores = [0.9, 0.5, 0.5, 0.5, 0.8, 0.8, 0.8]
    assert [rate("plateau", 0.5, scores[:n]) for n in range(8)] == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_linear_behind_a_warmup_is_torchs_one_cycle() -> None:
    """OneCycleLR reaches its peak at step pct_start * total - 1 and its end at total - 1; ours count from 0 to STEPS."""
    peak = 30
    cycle = rates(
        lambda o: theirs.OneCycleLR(
            o,
            max_lr=1.0,
            total_steps=STEPS + 1,
            pct_start=(peak + 1) / (STEPS + 1),
            anneal_strategy="linear",
            cycle_momentum=False,
            div_factor=1e12,
        ),
        STEPS,
    )
    ours = [rate("linear", step / STEPS, warmup=peak / STEPS) for step in range(STEPS + 1)]
    assert ours == pytest.approx(cycle, abs=1e-9)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_warmup_rises_in_a_straight_line_to_the_full_rate(name: str) -> None:
    assert [rate(name, progress, warmup=0.25) for progress in (0, 0.0625, 0.125, 0.25)] == [0, 0.25, 0.5, 1]


def test_behind_a_warmup_the_rest_of_the_run_is_the_whole_schedule() -> None:
    for name in ("linear", "cosine"):
        ours = [rate(name, 0.2 + 0.8 * rest, warmup=0.2) for rest in (0.25, 0.5, 1)]
        assert ours == pytest.approx([rate(name, rest) for rest in (0.25, 0.5, 1)])


def test_a_drop_during_the_warmup_counts() -> None:
    assert rate("step", 0.25, [0.0, 0.0], warmup=0.5) == 0.5 * 0.5
