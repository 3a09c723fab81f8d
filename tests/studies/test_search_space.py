"""Search spaces: what `--search` stands for, what is refused, and that points and recipes translate both ways."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seefar.errors import UsageError
from seefar.recipe_fields import change, find
from seefar.studies import search_space as spaces
from seefar.studies.search_space import Choices, Range

TINY = find("tiny")


def read(**wanted: Any) -> dict[str, Range | Choices]:
    return spaces.read(TINY, wanted, {})


@pytest.mark.parametrize(
    ("field", "wanted", "means"),
    [
        ("learning_rate", "0.001..0.1:log", Range(0.001, 0.1, log=True)),
        ("learning_rate", "1e-4 .. 1", Range(0.0001, 1.0)),
        ("dropout", "0..0.5", Range(0.0, 0.5)),
        ("dropout", "off..0.5", Range(0.0, 0.5)),
        ("epochs", "4..12", Range(4, 12, whole=True)),
        ("dense", "16..1024:log", Range(16, 1024, log=True, whole=True)),
        ("batch_size", "64,128,256", Choices((64, 128, 256))),
        ("flip", "none,random,alternating", Choices(("none", "random", "alternating"))),
        ("batch_norm", "off,on", Choices((False, True))),
        ("dropout", "0,[0.1,0.5]", Choices(((0.0, 0.0), (0.1, 0.5)))),
        ("widths", "[[16],[32]],[[32],[64]]", Choices((((16,), (32,)), ((32,), (64,))))),
    ],
)
def test_a_setting_is_read_as_the_type_of_its_field(field: str, wanted: str, means: Range | Choices) -> None:
    found = read(**{field: wanted})
    assert found == {field: means}
    assert read(**found) == found  # values are taken as well as texts
    assert read(**{field: spaces.text(means)}) == found  # and the text of a space is that space


@pytest.mark.parametrize(
    ("field", "wanted", "says"),
    [
        (
            "learnig_rate",
            "0.1..1",
            r"--search learnig_rate=0.1: a recipe has no field 'learnig_rate' \(did you mean 'learning_",
        ),
        ("learnig_rate", "0.1,1", "did you mean 'learning_rate'"),
        ("name", "a,b", "a recipe has no field 'name'"),
        ("learning_rate", "0.1..0.1", "--search learning_rate=0.1..0.1 is empty, since 0.1 is not below 0.1"),
        ("epochs", "12..4", "is empty, since 12 is not below 4"),
        ("weight_decay", "0..0.1:log", "begins at 0, and no factor leads from there to 0.1; begin above 0, or leave out :log"),
        ("learning_rate", "0..0.1", "--search learning_rate=0: learning_rate is 0.0; allowed is above 0, at most 100"),
        ("momentum", "0.5..1", "momentum is 1.0; allowed is 0 to below 1"),
        ("epochs", "4..6.5", "--search epochs=6.5: epochs is 6.5; expected a whole number"),
        ("learning_rate", "small..0.1", "learning_rate is 'small'; expected a number"),
        ("learning_rate", "NaN..0.1", "allowed is above 0, at most 100"),
        ("learning_rate", "0.1..Infinity", "allowed is above 0, at most 100"),
        ("epochs", f"1..{'9' * 30}", "expected a whole number"),
        ("learning_rate", "0.001..0.1:linear", "is no range; write low..high, or low..high:log"),
        ("learning_rate", "..0.1", "is no range; write low..high"),
        ("learning_rate", "0.1", "--search learning_rate=0.1 has one value, and at least two are needed"),
        ("learning_rate", "0.1,", "lacks a value"),
        ("learning_rate", "0.1,0.10", "is the same value as learning_rate=0.1"),
        ("flip", "none..random", r"--search flip=none..random is a range, but flip is no number \(mirrored left to right"),
        ("flip", "none,sideways", "flip is 'sideways'; allowed is none, random, alternating"),
        ("widths", "[[16],[32]", "--search widths=.* has brackets that do not match"),
        ("dropout", "[0,0.1]..[0.2,0.5]", "has an end of two different numbers"),
        ("dropout", "0..2", r"dropout is \[2.0,2.0\]; allowed is two numbers from 0 to 0.9"),
        ("validation", "0.1..0.5", "cannot be: it decides which images trials are judged on"),
        ("tta", "none,flip", "it changes neither the weights nor what validation measures"),
        ("frozen_stages", "0..2", "a search starts from random weights"),
        ("batch_size", [64, 128], r"the space of batch_size is \[64, 128\]; expected a text"),
        ("learning_rate", Range(1.0, 0.5), "is empty"),
        ("flip", Choices(("none",)), "has one value"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_sentence(field: str, wanted: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        read(**{field: wanted})
    assert len(str(error.value)) < 1000


def test_a_field_is_searched_or_set() -> None:
    with pytest.raises(UsageError, match="--search dropout and --set dropout contradict each other"):
        spaces.read(TINY, {"dropout": "0..0.5"}, {"dropout": "0.1"})
    with pytest.raises(UsageError, match="nothing is searched"):
        spaces.read(TINY, {}, {})


def test_settings_of_a_command_line() -> None:
    assert spaces.settings(["epochs=4..12", " flip = none,random"]) == {"epochs": "4..12", "flip": "none,random"}
    with pytest.raises(UsageError, match=r"--search epochs is not of the form field=low\.\.high"):
        spaces.settings(["epochs"])
    with pytest.raises(UsageError, match="--search epochs is given twice"):
        spaces.settings(["epochs=4..12", "epochs=3..5"])


def test_the_size_of_a_space_is_the_number_of_its_points() -> None:
    space = read(epochs="4..6", flip="none,random", widths="[[16],[32]],[[32],[64]]")
    points = spaces.points(space)
    assert spaces.size(space) == len(points) == 12
    made = [spaces.fields(space, point) for point in points]
    assert len({str(fields) for fields in made}) == 12
    assert {fields["epochs"] for fields in made} == {4, 5, 6}
    assert {fields["widths"] for fields in made} == {((16,), (32,)), ((32,), (64,))}
    assert spaces.size(read(epochs="4..6", dropout="0..0.5")) is None


@given(st.floats(0.0123456, 0.987654))
def test_a_number_is_rounded_and_stays_within_its_range(drawn: float) -> None:
    space: dict[str, Range | Choices] = {"learning_rate": Range(0.0123456, 0.987654), "dropout": Range(0.1, 0.2)}
    found = spaces.fields(space, {"learning_rate": drawn, "dropout": 0.12345678})
    assert 0.0123456 <= found["learning_rate"] <= 0.987654
    assert found["learning_rate"] == pytest.approx(drawn, rel=1e-3)
    assert found["dropout"] == (0.1235, 0.1235)


def test_a_recipe_lies_in_the_space_or_outside() -> None:
    space = read(learning_rate="0.001..0.1:log", flip="none,random", epochs="1..10")
    point = spaces.point_of(space, TINY)
    assert point == {"learning_rate": 0.002, "flip": "none", "epochs": 10}
    assert spaces.fields(space, point) == {"learning_rate": 0.002, "flip": "none", "epochs": 10}
    for other in ({"learning_rate": 0.2}, {"flip": "alternating"}, {"epochs": 11}, {"learning_rate": 0.00212345}):
        assert spaces.point_of(space, change(TINY, other)) is None
    dropout = read(dropout="0..0.5")
    assert spaces.point_of(dropout, TINY) is None  # 0 before the dense layer, 0.3 behind it
    assert spaces.point_of(dropout, change(TINY, {"dropout": [0.2, 0.2]})) == {"dropout": 0.2}
