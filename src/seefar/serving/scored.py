"""The answers for a batch, ready to be told image by image: sorted, rounded and judged once for all of them."""

from typing import Any

import numpy as np

from seefar.errors import SeefarError
from seefar.model.answers import Answers
from seefar.model.model import Model
from seefar.model.predictions import DIGITS, ranked


class Scored:
    """The answers for `n` images.

    Attributes:
        answers: as the model gives them.

    Raises:
        SeefarError: a number is not finite: the network has computed nonsense.
    """

    def __init__(self, answers: Answers, model: Model) -> None:
        if not (np.isfinite(answers.logits).all() and np.isfinite(answers.probabilities).all()):
            raise SeefarError("the model gave numbers that are not finite")
        self.answers = answers
        self._classes, self._sure = model.classes, model.sure
        self._order, self._chances = ranked(answers.probabilities)
        scores = None if model.familiar is None else model.familiar.scores(answers)
        self._scores: list[float] | None = None if scores is None else scores.round(DIGITS).tolist()
        self._unlike = None if scores is None or model.familiar is None else scores < model.familiar.threshold.threshold

    def named(self, place: int) -> int:
        """The index of the most probable class of the image at `place`."""
        return self._order[place][0]

    def row(self, place: int, top: int | None, abstain: bool) -> dict[str, Any]:
        """What is told of the image at `place`, as JSON has it.

        `label`, its `probability` (calibrated) and the `probabilities` of the `top` most probable classes.
        `sure`: whether answers with this probability were right in 99 % of validation; None where that is not known.
        `abstained`: there is no label, because it is not sure, and `abstain` was asked for.
        `familiarity`: the score of model/familiar.py; larger is more like the training images; None where there is none.
        `unlike`: whether it is lower than that of 95 % of the validation images; None where that is not known.
        """
        order, chances = self._order[place], self._chances[place]
        sure = None if self._sure is None else chances[0] >= self._sure
        abstained = abstain and sure is False
        return {
            "label": None if abstained else self._classes[order[0]],
            "probability": chances[0],
            "probabilities": {self._classes[index]: chance for index, chance in zip(order[:top], chances, strict=False)},
            "sure": sure,
            "abstained": abstained,
            "familiarity": None if self._scores is None else self._scores[place],
            "unlike": None if self._unlike is None else bool(self._unlike[place]),
        }
