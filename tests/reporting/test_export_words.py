"""What the certificate of an export says: classes, probabilities, ties, and what 8 bits cost."""

from typing import Any

from seefar.reporting import export_words

AGREED: dict[str, Any] = {"images": 5000, "same": 1.0, "ties": 0, "differing": 0, "probability": 3.2e-6}
SPEEDS = [{"engine": "torch, float32 on cpu", "threads": 1, "images_per_second": 1234.4}]


def made(**changes: Any) -> dict[str, Any]:
    certificate = {"reference": "torch, float32 on cpu", "split": "validation", "agreement": AGREED, "own_precision": None}
    return {"certificate": certificate | {"speeds": SPEEDS} | changes, "int8": None}


def test_equal_answers_are_one_sentence() -> None:
    assert export_words.export(made()) == [
        "The file and the trained network (torch, float32 on cpu) predict the same class for all 5,000 validation images; probabilities "
        "differ by at most 3e-06, in batches of 1, 7 and 512 images, too."
    ]


def test_ties_are_named() -> None:
    (sentence,) = export_words.export(made(agreement=AGREED | {"ties": 2, "same": 0.9996}))
    assert "the same class for 4,998 of 5,000 validation images, and the others are ties" in sentence


def test_the_format_of_the_run_is_a_sentence_where_it_is_not_float32() -> None:
    _, sentence = export_words.export(made(own_precision={"same": 0.9971, "probability": 0.043}))
    assert "the same class for 99.71% of the images, and probabilities differ by at most 0.04" in sentence


def test_eight_bits_say_what_they_cost_and_gain() -> None:
    int8 = {
        "calibrated_on": 512,
        "accuracy": {"value": 0.912},
        "plain_accuracy": {"value": 0.914},
        "change": {"value": -0.002, "low": -0.005, "high": 0.001},
        "speed_up": 1.7,
        "size_ratio": 0.28,
        "speeds": [{"engine": "int8", "threads": 2, "images_per_second": 9000.0}],
    }
    _, sentence = export_words.export(made() | {"int8": int8})
    assert sentence == (
        "In 8 bits (ranges from 512 training images) validation accuracy is 91.20%, in float32 91.40%: a change of -0.20 points (95 % "
        "interval -0.50 to +0.10). It runs at 1.70 times the speed, and has 28% of the size."
    )
    assert export_words.speeds(made() | {"int8": int8}) == [
        ("torch, float32 on cpu", "1", "1,234"),
        ("int8", "2", "9,000"),
    ]
