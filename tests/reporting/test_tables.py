"""Tables of results: what stands in their cells, which columns are numbers, what is counted."""

import pytest

from seefar.recipe_fields import change, find, flat
from seefar.recipes import RECIPES
from seefar.reporting import tables
from seefar.reporting.tables import Table

SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    "cell",
    ["7", "-1.5", "+0.3", "1,234", "97%", f"12.5{SPACE}%", f"8.6{SPACE}% to 17.8{SPACE}%", f"12.5{SPACE}% (8.6{SPACE}% to 17.8{SPACE}%)",
     "3.2 s", "2 min 5 s", "1 h 2 min", "3 x 32 x 32"],
)  # fmt: skip
def test_numbers_stand_on_the_right_and_an_empty_cell_changes_nothing(cell: str) -> None:
    assert Table(["a"], [[cell], [""]]).is_number(0)


@pytest.mark.parametrize("cell", ["", "cat", "train/00001", "0.png", "[0.1,0.0]", "to", "3 cats", "1 x y", "none"])
def test_words_stand_on_the_left(cell: str) -> None:
    assert not Table(["a"], [[cell], [""]]).is_number(0)
    assert not Table(["a"], []).is_number(0)


def test_a_recipe_is_shown_part_by_part_with_all_its_fields() -> None:
    shown = tables.recipe(find("deep"))
    assert [row[0] for row in shown.rows if row[0]] == [
        "network",
        "augmentation",
        "sampling",
        "optimisation",
        "stopping",
        "kept",
    ]
    assert [row[1] for row in shown.rows] == list(flat(find("deep")))
    assert all(row[3] for row in shown.rows)
    assert ("", "widths", "[[32],[96,96],[192,192]]") in [row[:3] for row in shown.rows]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_differs_from_itself_in_nothing_and_from_a_changed_one_in_what_was_changed(name: str) -> None:
    recipe = find(name)
    assert tables.recipes(recipe, recipe).rows == []
    other = change(recipe, {"epochs": 77, "shift": 3, "patience": 5})
    assert [(row[0], row[1], row[3]) for row in tables.recipes(recipe, other).rows] == [
        ("augmentation", "shift", "3"),
        ("stopping", "epochs", "77"),
        ("", "patience", "5"),
    ]


def test_a_field_that_one_network_has_not_is_empty_there() -> None:
    rows = {field: values for _, field, *values in tables.recipes(find("tiny"), find("fast")).rows}
    assert rows["model"] == ["vgg", "fast"]
    assert rows["dense"] == ["64", ""]
    assert {field: values[::-1] for _, field, *values in tables.recipes(find("fast"), find("tiny")).rows} == rows


def test_layers_have_sums_and_no_zeros() -> None:
    found = [
        {"name": "a", "kind": "Conv2d", "shape": (8, 32, 32), "parameters": 1000, "multiply_adds": 2000},
        {"name": "b", "kind": "ReLU", "shape": (10,), "parameters": 0, "multiply_adds": 0},
    ]
    shown = tables.layers(found)
    assert shown.rows == [("a", "Conv2d", "8 x 32 x 32", "1,000", "2,000"), ("b", "ReLU", "10", "", "")]
    assert shown.sums == ("all", "", "", "1,000", "2,000")
    assert [shown.is_number(column) for column in range(5)] == [False, False, True, True, True]


def test_a_run_with_the_seed_of_another_has_its_accuracy_too() -> None:
    """`recipes` has a row for each seed once."""
    cost = {"seconds": 125.0, "parameters": 1000, "multiply_adds": 2000}
    pair = {"base": "a", "other": "b", "difference": {"value": -0.0125}, "cost": {"base": cost, "other": cost}}
    shown = tables.comparison({"split": "test", "pairs": [pair], "recipes": [{"runs": ["a"], "accuracies": [0.5]}]})
    assert shown.columns[1:3] == ["test accuracy", "training"]
    assert shown.rows == [
        ("a", f"50.00{SPACE}%", "2 min 5 s", "1,000", "2,000"),
        ("b", f"48.75{SPACE}%", "2 min 5 s", "1,000", "2,000"),
    ]


def test_of_a_group_of_duplicates_one_is_of_use() -> None:
    row = {"layer": "stages.0", "filters": 8, "dead": [1, 2], "duplicates": [[3, 4, 5], [6, 7]], "noisy": [0]}
    assert tables.health([row]).rows == [("stages.0", "8", "2", "3", "1")]


@pytest.mark.parametrize(("split", "columns"), [("test", ["validation", "test"]), ("validation", ["validation"])])
def test_a_study_shows_validation_once_and_test_if_it_was_opened(split: str, columns: list[str]) -> None:
    base = {
        "variant": "base",
        "validation": {"mean": 0.5},
        "test": {"mean": 0.25},
        "seconds": 9.0,
        "effect": None,
        "failures": {},
    }
    failed = base | {"variant": "wild", "validation": None, "test": None, "seconds": None, "failures": {0: "NaN"}}
    shown = tables.study({"split": split, "rows": [base, failed]})
    assert shown.columns == ["variant", *columns, "training", "verdict"]
    accuracies = [f"50.00{SPACE}%", f"25.00{SPACE}%"][: len(columns)]
    assert shown.rows[0] == ("base", *accuracies, "9.0 s", "what the others are compared with")
    assert shown.rows[1] == ("wild", *([""] * len(columns)), "", "failed (seed 0: NaN)")


def test_methods_are_named_and_random_maps_give_the_scale() -> None:
    score = {"deletion": 0.1, "insertion": 0.9, "random_deletion": 0.4, "random_insertion": 0.5}
    assert tables.methods({"grad_cam": score, "occlusion": score}).rows == [
        ("Grad-CAM", "0.100", "0.900"),
        ("occlusion", "0.100", "0.900"),
        ("random maps, for scale", "0.400", "0.500"),
    ]
    assert tables.methods({}).rows == []


def test_answers_name_a_class_or_say_why_not() -> None:
    row = {"image": "a.png", "label": "cat", "probability": 0.9, "probabilities": {"cat": 0.9, "dog": 0.08, "cow": 0.02}}
    row |= {"unlike": None, "error": None, "abstained": False}
    shown = tables.predictions([row, row | {"label": None, "abstained": True}])
    assert shown.columns == ["image", "class", "probability", "next"]
    next_ones = f"dog 8.0{SPACE}%, cow 2.0{SPACE}%"
    assert shown.rows[0] == ("a.png", "cat", f"90.0{SPACE}%", next_ones)
    assert shown.rows[1] == ("a.png", "not sure (cat?)", f"90.0{SPACE}%", next_ones)
    bad = {"image": "b.png", "label": None, "probability": None, "probabilities": {}, "error": "truncated"}
    shown = tables.predictions([row | {"unlike": True}, row | {"unlike": False}, row | bad])
    assert shown.columns[-1] == "remark"
    assert [cells[-1] for cells in shown.rows] == ["unlike the training images", "", ""]
    assert shown.rows[2][:4] == ("b.png", "unreadable: truncated", "", "")
