"""The dozen that shows a network at a glance: right ones of many classes, then its surest mistakes, and never an image twice."""

import numpy as np
import pytest

from seefar.evaluation.highlights import highlights


def answers(n: int, wrong: int, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and logits that are wrong for the last `wrong` images, the later the surer."""
    labels = (np.arange(n) % classes).astype(np.int64)
    logits = np.eye(classes)[labels] * np.linspace(1, 4, n)[:, None]
    logits[n - wrong :] = np.roll(logits[n - wrong :], 1, axis=1)
    return labels, logits


def test_six_right_ones_of_different_classes_then_the_six_surest_mistakes() -> None:
    labels, logits = answers(100, 20)
    chosen = highlights(labels, logits)
    right = logits.argmax(1) == labels
    assert right[chosen].tolist() == [True] * 6 + [False] * 6
    assert len(set(labels[chosen[:5]].tolist())) == 5
    assert chosen[6:].tolist() == [99, 98, 97, 96, 95, 94]


def test_right_ones_go_from_confident_to_hesitant() -> None:
    labels, logits = answers(100, 20)
    chosen = highlights(labels, logits)[:6]
    sure = logits.max(1)[chosen]
    assert sure.tolist() == sorted(sure.tolist(), reverse=True)
    assert sure[0] - sure[-1] > 0.5


@pytest.mark.parametrize(("wrong", "expected"), [(0, (12, 0)), (2, (10, 2)), (97, (3, 9)), (100, (0, 12))])
def test_where_one_kind_is_short_the_other_fills_the_row(wrong: int, expected: tuple[int, int]) -> None:
    labels, logits = answers(100, wrong)
    chosen = highlights(labels, logits)
    right = (logits.argmax(1) == labels)[chosen]
    assert (int(right.sum()), int((~right).sum())) == expected
    assert len(set(chosen.tolist())) == 12


def test_few_images_give_few_and_none_gives_none() -> None:
    labels, logits = answers(4, 1)
    assert sorted(highlights(labels, logits).tolist()) == [0, 1, 2, 3]
    assert highlights(labels[:0], logits[:0]).tolist() == []
