"""The sentences say what the numbers say."""

from typing import Any

import pytest

from seefar.recipe_fields import change, find
from seefar.reporting import words


def evaluation(matrix: list[list[int]]) -> dict[str, Any]:
    names = ["cat", "dog", "owl"]
    supports = [sum(row) for row in matrix]
    right = sum(matrix[i][i] for i in range(3))
    return {
        "split": "test",
        "images": sum(supports),
        "clusters": None,
        "accuracy": {"value": right / sum(supports), "low": 0.5, "high": 0.75},
        "confusion": matrix,
        "scores": [
            {"name": n, "support": s, "recall": {"value": matrix[i][i] / max(s, 1), "low": 0.1, "high": 0.9}}
            for i, (n, s) in enumerate(zip(names, supports, strict=True))
        ],
    }


ONE = evaluation([[5, 3, 2], [1, 9, 0], [0, 0, 20]])


def test_the_result_names_data_split_share_and_interval() -> None:
    assert words.result(ONE, "shapes") == (
        "On 40 test images of shapes that it was not trained on, the network was right 85.0\N{NO-BREAK SPACE}% of the time. "
        "On another set of images of this kind and size it would plausibly be between 50.0\N{NO-BREAK SPACE}% and 75.0\N{NO-BREAK SPACE}%."
    )


def test_chance_is_the_largest_class() -> None:
    assert "the most frequent of the 3 classes would be right 50.0\N{NO-BREAK SPACE}% of the time" in words.chance(ONE)


def test_best_and_worst_class() -> None:
    assert words.classes(ONE).startswith(
        "It recognises owl best (100.0\N{NO-BREAK SPACE}% of them found) and cat worst (50.0\N{NO-BREAK SPACE}%"
    )


def test_classes_that_share_the_best_or_the_worst_place_are_all_named() -> None:
    """Found on planted data: one of two equal classes was called the best."""
    best = words.classes(evaluation([[9, 1, 0], [1, 9, 0], [0, 4, 6]]))
    assert best.startswith("It recognises cat and dog best (90.0\N{NO-BREAK SPACE}% of them found) and owl worst (60.0")
    worst = words.classes(evaluation([[10, 0, 0], [1, 9, 0], [0, 1, 9]]))
    assert worst.endswith("and dog and owl worst (90.0\N{NO-BREAK SPACE}%).")
    equal = words.classes(evaluation([[9, 1, 0], [1, 9, 0], [0, 1, 9]]))
    assert equal == "It recognises every class equally well (90.0\N{NO-BREAK SPACE}% of each found)."


def test_the_weakest_classes_and_what_they_are_taken_for() -> None:
    rows = words.weakest(ONE)
    assert [row["name"] for row in rows] == ["cat", "dog", "owl"]
    assert rows[0]["sentence"] == "5 of 10 were missed; most often they were taken for dog (3) and owl (2)."
    assert rows[1]["sentence"] == "1 of 10 was missed; it was taken for cat (1)."
    assert rows[2]["sentence"] == "All 20 were found."


def test_classes_without_images_are_left_out() -> None:
    assert [row["name"] for row in words.weakest(evaluation([[5, 3, 2], [0, 0, 0], [0, 0, 20]]))] == ["cat", "owl"]


def epoch(number: int, accuracy: float, validation: float, best: bool, rate: float = 0.1) -> dict[str, Any]:
    return {"number": number, "accuracy": accuracy, "validation_accuracy": validation, "best": best, "rate": rate}


def learning(history: list[dict[str, Any]], ended: str = "finished", **changes: Any) -> str:
    recipe = change(find("deep"), changes)
    return " ".join(words.learning(history, recipe, ended, chance=0.1))


def test_learning_by_heart_is_noticed() -> None:
    history = [epoch(1, 0.5, 0.6, True), epoch(2, 0.99, 0.7, True), epoch(3, 1.0, 0.69, False)]
    text = learning(history, epochs=3)
    assert "The weights of epoch 2 of 3 are used: validation accuracy 70.0\N{NO-BREAK SPACE}%" in text
    assert "it has begun to overfit" in text
    assert "right on 100.0\N{NO-BREAK SPACE}% of the training images but 69.0\N{NO-BREAK SPACE}% of the validation" in text


def test_an_early_end_and_a_best_last_epoch_are_noticed() -> None:
    text = learning([epoch(1, 0.5, 0.6, True)], "", epochs=5, keep="last")
    assert "Training ended after 1 of at most 5 epochs: it was interrupted without a recorded reason" in text
    assert "more epochs may still help" in text
    assert "flatters" not in text


def test_a_curve_of_some_images_is_said_to_be_coarse_and_no_epoch_is_called_the_best() -> None:
    history = [epoch(1, 0.5, 0.5, True), epoch(2, 0.5, 0.6, True)]
    text = learning(history, epochs=2, keep="last", interim=0.2)
    assert "Between epochs only 20\N{NO-BREAK SPACE}% of the validation images answered" in text
    assert "coarse up to the last epoch." in text
    assert "best" not in text
    assert "coarse to their end." in learning(history, "interrupted", epochs=9, keep="last", interim=0.2)
    assert "coarse" not in learning(history, epochs=2, keep="last")


@pytest.mark.parametrize(
    ("ended", "sentence"),
    [
        ("patience", "after 2 of at most 9 epochs: the last 1 in a row brought no improvement (early stopping)."),
        ("diverged", "after 2 of at most 9 epochs: the loss diverged"),
        ("interrupted", "after 2 of at most 9 epochs: it was interrupted; seefar train --resume continues it."),
    ],
)
def test_why_training_ended_is_said(ended: str, sentence: str) -> None:
    history = [epoch(1, 0.5, 0.6, True), epoch(2, 0.6, 0.6, False)]
    assert f"Training ended {sentence}" in learning(history, ended, epochs=9, patience=1)


def test_a_budget_has_no_number_of_epochs() -> None:
    text = learning([epoch(1, 0.5, 0.6, True)], "budget", epochs=9, budget=90.0, keep="last")
    assert "The weights of epoch 1 are used" in text
    assert "Training ended in epoch 1, when its budget of 1 min 30 s was used up." in text


def test_a_network_that_learned_nothing_is_called_that() -> None:
    """Fault 112."""
    assert "it has learned nothing" in learning([epoch(1, 0.1, 0.105, True), epoch(2, 0.1, 0.1, False)], epochs=2)
    assert "it has learned nothing" not in learning([epoch(1, 0.1, 0.3, True)], epochs=1)


def test_drops_of_the_plateau_schedule_are_counted() -> None:
    history = [epoch(n, 0.5, 0.6, n == 1, rate) for n, rate in enumerate([0.1, 0.1, 0.03, 0.03, 0.01], start=1)]
    assert "The learning rate was lowered twice, each time" in learning(history, epochs=5)
    assert "lowered" not in learning(history, epochs=5, schedule="cosine")


def test_uneven_classes_are_noticed() -> None:
    """Fault 26."""
    assert words.balance({"counts": {"a": 100, "b": 90}, "imbalance": 1.1}) == []
    assert "100 training images of a, 3 of b" in words.balance({"counts": {"a": 100, "b": 3}, "imbalance": 33.3})[0]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.4 s"), (42.4, "42 s"), (59.9, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(("tta", "words_in_it"), [("flip", "each image and its mirror image"), ("shift", "moved by a pixel")])
def test_test_time_augmentation_is_said_beside_the_plain_figure(tta: str, words_in_it: str) -> None:
    evaluation = {"tta": tta, "tta_accuracy": {"value": 0.831, "low": 0.82, "high": 0.84}}
    (sentence,) = words.test_time_augmentation(evaluation)
    assert words_in_it in sentence
    assert "83.1\N{NO-BREAK SPACE}% of the time (82.0\N{NO-BREAK SPACE}% to 84.0\N{NO-BREAK SPACE}%)" in sentence


def test_without_test_time_augmentation_nothing_is_said_of_it() -> None:
    assert words.test_time_augmentation({"tta": "none"}) == []


def test_a_network_that_is_right_on_all_but_nothing_of_one_class_has_learned_something() -> None:
    """Found on planted data: with 99 of 100 images in one class, one point above chance is all there is."""
    history = [epoch(1, 0.99, 0.9975, True)]
    assert not [line for line in words.learning(history, find("tiny"), "finished", 0.99) if "learned nothing" in line]
    assert [
        line
        for line in words.learning([epoch(1, 0.99, 0.99, True)], find("tiny"), "finished", 0.99)
        if "learned nothing" in line
    ]
