"""What a search of recipe fields found: its trials, the best of them, and what fresh seeds and the test images said of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from seefar.display import Shown

if TYPE_CHECKING:
    from seefar.studies.summary import Results


@dataclass(frozen=True)
class Trial:
    """One training of the search.

    Attributes:
        number: of the trial; its run is in `trials/<number>`.
        state: "complete"; "pruned": stopped early, since others were ahead by then; "failed".
        fields: the recipe fields that were tried.
        accuracy: on validation, of the weights that are kept; None unless it is complete.
        epochs: that were trained.
        same_as: an earlier trial of the same recipe, whose outcome was taken over.
        reason: why it failed.
    """

    number: int
    state: Literal["complete", "pruned", "failed"]
    fields: dict[str, Any]
    accuracy: float | None
    epochs: int
    same_as: int | None
    reason: str


@dataclass(frozen=True)
class Tuning(Shown):
    """What a search found; `results.json` is exactly this.

    Attributes:
        base: the recipe that was searched around.
        data: name of the images.
        folder: where it all is.
        set: fields that all trials set alike.
        space: what was searched, by field, as `--search` takes it.
        trials: all of them.
        complete, pruned, failed: how many came to which end.
        winner: number of the trial that was best on validation; None if none is complete.
        base_won: whether that is the base itself.
        fields: what the winner sets.
        accuracy: of the winner on validation. It was chosen for that, so it flatters.
        importance: the share of each field in what sets good trials apart (PED-ANOVA); None for too few trials.
        confirmation: the winner against the base with fresh seeds, on test; None if it was not asked for, or if there is nothing
            to confirm. This alone is a claim.
        page: where `sf.report(confirmation)` writes its page.
        earlier: how many other winners of this search test had been opened for before.
    """

    base: str
    data: str
    folder: str
    set: dict[str, Any]
    space: dict[str, str]
    trials: list[Trial]
    complete: int
    pruned: int
    failed: int
    winner: int | None
    base_won: bool
    fields: dict[str, Any]
    accuracy: float | None
    importance: dict[str, float] | None
    confirmation: "Results | None"
    page: str | None
    earlier: int

    def __repr__(self) -> str:
        return f"Tuning({self.base} on {self.data}, {len(self.trials)} trials)"
