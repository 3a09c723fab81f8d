"""Options that are more than a field: durations, targets, changes."""

import pytest

from seefar.cli.options import TrainOptions
from seefar.errors import UsageError


@pytest.mark.parametrize(("target", "share"), [("90%", 0.9), ("90 %", 0.9), ("0.9", 0.9), ("88.7%", 0.887)])
def test_a_target_is_a_share_or_a_percentage(target: str, share: float) -> None:
    assert TrainOptions(target=target).aim() == pytest.approx(share)
    assert TrainOptions().aim() is None


@pytest.mark.parametrize("target", ["", "0", "100%", "1", "90", "-3%", "high", "nan"])
def test_what_is_no_target_is_refused(target: str) -> None:
    with pytest.raises(UsageError, match=r"expected an accuracy such as 90% or 0\.9"):
        TrainOptions(target=target).aim()


def test_a_budget_is_one_of_the_changes() -> None:
    assert TrainOptions(budget="2m", epochs=3).changes() == {"budget": 120, "epochs": 3}
    with pytest.raises(UsageError, match="--budget and --set budget"):
        TrainOptions(budget="2m", set_=["budget=3"]).changes()
    with pytest.raises(UsageError, match="the target decides the budget"):
        TrainOptions(budget="2m", target="90%").changes()
