"""Recipes: complete, checked, changed only under another name."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seefar import recipes
from seefar.errors import UsageError
from seefar.models import MODELS
from seefar.recipes import RECIPES, Recipe
from seefar.training.optimisers import OPTIMISERS
from seefar.training.schedules import SCHEDULES


def test_no_field_has_a_default() -> None:
    for field in dataclasses.fields(Recipe):
        assert field.default is dataclasses.MISSING
        assert field.default_factory is dataclasses.MISSING


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_every_named_recipe_is_valid_and_names_what_exists(recipe: Recipe) -> None:
    recipes.check(recipe)
    assert recipe.model in MODELS
    assert recipe.optimiser in OPTIMISERS
    assert recipe.schedule in SCHEDULES
    assert recipes.from_json(json.loads(json.dumps(dataclasses.asdict(recipe)))) == recipe


def test_a_changed_recipe_says_so_in_its_name() -> None:
    changed = recipes.change(recipes.find("tiny"), {"epochs": "3", "widths": "[[8],[8]]", "keep": "last"})
    assert (changed.epochs, changed.widths, changed.keep) == (3, ((8,), (8,)), "last")
    assert changed.name == "tiny+epochs=3+widths=[[8],[8]]+keep=last"


def test_a_field_changed_twice_is_named_once() -> None:
    once = recipes.change(recipes.find("tiny"), {"epochs": 3, "keep": "last"})
    assert recipes.change(once, {"epochs": 5}).name == "tiny+keep=last+epochs=5"


def test_on_and_off_are_true_and_false() -> None:
    assert recipes.change(recipes.find("tiny"), {"batch_norm": "on"}).batch_norm is True
    assert recipes.change(recipes.find("deep"), {"batch_norm": "off"}).batch_norm is False


def test_a_change_to_the_same_value_is_none() -> None:
    tiny = recipes.find("tiny")
    assert recipes.change(tiny, {"epochs": tiny.epochs}) == tiny


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"learning_rtae": "1"}, "no field 'learning_rtae' (did you mean 'learning_rate'?"),  # fault 51
        ({"learning_rate": "abc"}, "learning_rate is 'abc'; expected a number"),  # fault 52
        ({"learning_rate": '"1e-3"'}, "learning_rate is '1e-3'; expected a number"),
        ({"epochs": "3.5"}, "epochs is 3.5; expected a whole number"),
        ({"epochs": True}, "epochs is True; expected a whole number"),
        ({"epochs": "true"}, "epochs is True; expected a whole number"),
        ({"widths": "[32]"}, "widths is [32]; expected lists of whole numbers"),
        ({"dropout": "0.5"}, "dropout is 0.5; expected two numbers"),
        ({"learning_rate": "0"}, "learning_rate is 0.0; allowed is above 0, at most 100"),  # fault 53
        ({"learning_rate": "NaN"}, "learning_rate is NaN; allowed is above 0"),
        ({"learning_rate": "Infinity"}, "learning_rate is Infinity; allowed is above 0"),
        ({"epochs": "-1"}, "epochs is -1; allowed is 1 to 10000"),
        ({"batch_size": "0"}, "batch_size is 0; allowed is 1 to 65536"),
        ({"validation": "0"}, "validation is 0.0; allowed is above 0, at most 0.5"),
        ({"validation": "1"}, "validation is 1.0; allowed is above 0, at most 0.5"),
        ({"dropout": "[0, 1]"}, "dropout is [0.0,1.0]; allowed is two numbers from 0 to 0.9"),
        ({"widths": "[]"}, "widths is []; allowed is 1 to 5 stages"),
        ({"widths": "[[0]]"}, "widths is [[0]]; allowed is 1 to 5 stages"),
        ({"keep": "worst"}, "keep is 'worst'; allowed is best, last"),
        ({"monitor": "validation_los"}, "did you mean 'validation_loss'?"),  # fault 56
        ({"monitor": "test_acc"}, "the test set cannot be used to choose"),  # fault 60
        ({"name": "x"}, "no field 'name'"),
        ({"batch_norm": "yes"}, "batch_norm is 'yes'; expected true or false"),
        ({"flip": "up"}, "flip is 'up'; allowed is none, random, alternating"),
        ({"schedule": "plateau", "drop_factor": "1"}, "the rate would never fall"),
        ({"frozen_stages": "4"}, "frozen_stages is 4, but widths has 3 stages"),
    ],
)
def test_a_bad_change_is_refused_in_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        recipes.change(recipes.find("tiny"), changes)
    assert sentence in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_recipe_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match=r"no recipe is called 'baselin' \(did you mean 'baseline'"):
        recipes.find("baselin")


@given(st.sampled_from([f.name for f in dataclasses.fields(Recipe)]), st.text(max_size=20))
def test_no_text_for_a_field_gives_anything_but_a_recipe_or_a_usage_error(field: str, text: str) -> None:
    try:
        changed = recipes.change(recipes.find("tiny"), {field: text})
    except UsageError:
        return
    recipes.check(changed)


def test_a_recipe_of_another_version_is_refused() -> None:
    fields = dataclasses.asdict(recipes.find("tiny")) | {"mixpu": 0.2}
    with pytest.raises(UsageError, match="differs in mixpu"):
        recipes.from_json(fields)


def test_every_field_has_its_meaning_as_a_comment() -> None:
    assert list(recipes.meanings()) == [field.name for field in dataclasses.fields(Recipe)]
    assert all(recipes.meanings().values())


@pytest.mark.parametrize("value", ["9" * 400, "[" * 5000, "1e400"])
def test_values_too_large_to_be_read_are_refused_in_a_sentence(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        recipes.change(recipes.find("tiny"), {"learning_rate": value})
    assert str(caught.value).startswith("learning_rate is ")
    assert len(str(caught.value)) < 200
