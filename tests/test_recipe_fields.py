"""Fields by their plain names: found, changed only under another name, checked, written and read, each with meaning and range."""

import dataclasses
import json
from typing import Annotated, Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seefar.errors import UsageError
from seefar.recipe_fields import (
    as_json,
    change,
    check,
    find,
    flat,
    from_json,
    kind_of,
    kinds,
    meanings,
    neutral,
    seconds,
    short_name,
)
from seefar.recipes import NETWORKS, RECIPES, Augmentation, Fast, Recipe, Stopping, Vgg

TINY = find("tiny")


# Reading and writing


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_a_recipe_comes_back_from_json_as_it_was(recipe: Recipe) -> None:
    written = json.loads(json.dumps(as_json(recipe)))
    assert from_json(written) == recipe
    assert list(written) == ["name", "about", *flat(recipe)]
    assert set(flat(recipe)) <= set(kinds())


def test_all_fields_are_found_by_name_whatever_their_part() -> None:
    fields = flat(TINY)
    assert list(fields)[:3] == ["model", "widths", "pixels"]
    assert (fields["model"], fields["dense"], fields["flip"], fields["epochs"]) == ("vgg", 64, "none", 10)
    assert "dense" not in flat(find("fast"))
    outside = {"stages", "sha256"}  # of networks from outside, which no recipe has
    assert set(kinds()) == {field for recipe in RECIPES.values() for field in flat(recipe)} | outside


def test_what_a_file_does_not_name_is_off() -> None:
    fields = {name: value for name, value in as_json(TINY).items() if name not in ("tta", "shift", "batch_norm")}
    assert from_json(fields) == TINY


@pytest.mark.parametrize(
    ("recipe", "odd"), [("tiny", {"mixpu": 0.2}), ("fast", {"dense": 0}), ("tiny", {"widths": None}), ("tiny", {"model": None})]
)
def test_a_recipe_of_another_version_is_refused(recipe: str, odd: dict[str, Any]) -> None:
    fields = {name: value for name, value in (as_json(find(recipe)) | odd).items() if value is not None}
    with pytest.raises(UsageError, match=rf"this is no recipe of this version of seefar \(.*{next(iter(odd))}.*\); use the"):
        from_json(fields)


# Meanings and ranges


def test_every_field_has_its_meaning_as_a_comment() -> None:
    assert list(meanings()) == list(kinds())
    assert all(len(meaning) > 10 for meaning in meanings().values())
    assert meanings()["epochs"].startswith("passes over the training images")


@pytest.mark.parametrize("field", [field for field in kinds() if kind_of(field) in (int, float)])
def test_every_number_has_a_range_and_is_refused_outside_it(field: str) -> None:
    assert get_origin(kinds()[field]) is Annotated
    allowed = get_args(kinds()[field])[1]
    for far in (-1, 10**7):
        with pytest.raises(UsageError) as caught:
            change(TINY if field in flat(TINY) else find("fast"), {field: far})
        assert str(caught.value) in (f"{field} is {far}; allowed is {allowed}", f"{field} is {far:.1f}; allowed is {allowed}")


@pytest.mark.parametrize(
    ("field", "ends", "beyond"),
    [
        ("spatial_dropout", (0, 0.9), (0.91,)),  # "0 to 0.9"
        ("momentum", (0, 0.999), (1,)),  # "0 to below 1"
        ("learning_rate", (1e-9, 100), (0, 101)),  # "above 0, at most 100"
    ],
)
def test_the_ends_of_a_range_are_those_that_its_words_say(
    field: str, ends: tuple[float, ...], beyond: tuple[float, ...]
) -> None:
    for value in ends:
        assert flat(change(TINY, {field: value}))[field] == value
    for value in beyond:
        with pytest.raises(UsageError, match=f"{field} is .*; allowed is "):
            change(TINY, {field: value})


def test_the_neutral_value_of_a_field_is_that_of_its_class() -> None:
    assert (neutral("shift"), neutral("dropout"), neutral("keep")) == (0, (0.0, 0.0), "best")
    with pytest.raises(UsageError, match=r"epochs cannot be off; give a value \(passes over the training images"):
        neutral("epochs")


# Changing


def test_a_changed_recipe_says_so_in_its_name() -> None:
    changed = change(TINY, {"epochs": "3", "widths": "[[8],[8]]", "keep": "last"})
    assert (changed.stopping.epochs, changed.network.widths, changed.kept.keep) == (3, ((8,), (8,)), "last")
    assert changed.name == "tiny+epochs=3+widths=[[8],[8]]+keep=last"
    assert change(changed, {"epochs": 5}).name == "tiny+widths=[[8],[8]]+keep=last+epochs=5"  # a field is named once


def test_on_and_off_are_true_and_false() -> None:
    for word, value in (("on", True), ("off", False), ("true", True), ("false", False)):
        assert flat(change(find("deep"), {"batch_norm": word}))["batch_norm"] is value


def test_a_change_to_the_same_value_is_none() -> None:
    assert change(TINY, flat(TINY)) == TINY
    assert change(TINY, {}) == TINY


def test_another_network_keeps_the_fields_that_both_have() -> None:
    changed = change(change(TINY, {"dense": 8, "epochs": 3}), {"model": "fast"})
    assert changed.network == Fast(widths=((16,), (32,), (64,)), pixels="standard")
    assert dataclasses.replace(changed, name="tiny", network=TINY.network) == dataclasses.replace(
        TINY, stopping=Stopping(epochs=3)
    )
    assert changed.name == "tiny+epochs=3+model=fast"
    back = change(changed, {"model": "vgg", "dense": "16"})
    assert back.network == Vgg(widths=((16,), (32,), (64,)), pixels="standard", dense=16)
    assert back.name == "tiny+epochs=3+model=vgg+dense=16"


@pytest.mark.parametrize(
    ("recipe", "changes"), [("fast", {"dense": "16"}), ("tiny", {"model": "fast", "dense": 0}), ("fast", {"dense": 0})]
)
def test_a_field_of_another_network_is_refused(recipe: str, changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        change(find(recipe), changes)
    assert str(caught.value) == "the network 'fast' has no field 'dense'; use --set model=vgg, or leave dense out"


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
        ({"resolution": "[]"}, "resolution is []; allowed is pairs of a fraction of the run"),
        ({"resolution": "[[0.1,1]]"}, "resolution is [[0.1,1.0]]; allowed is pairs of a fraction of the run"),
        ({"resolution": "[[0,1],[0,0.5]]"}, "resolution is [[0.0,1.0],[0.0,0.5]]; allowed is pairs of a fraction of the run"),
        ({"resolution": "[[0,0.2]]"}, "resolution is [[0.0,0.2]]; allowed is pairs of a fraction of the run"),
        ({"keep": "worst"}, "keep is 'worst'; allowed is best, last"),
        ({"model": "vgf"}, "model is 'vgf' (did you mean 'vgg'?); allowed is vgg, fast"),
        ({"monitor": "validation_los"}, "did you mean 'validation_loss'?"),  # fault 56
        ({"monitor": "test_acc"}, "the test set cannot be used to choose"),  # fault 60
        ({"name": "x"}, "no field 'name'"),
        ({"network": "x"}, "no field 'network'"),
        ({"batch_norm": "yes"}, "batch_norm is 'yes'; expected true or false"),
        ({"flip": "up"}, "flip is 'up'; allowed is none, random, alternating"),
        ({"schedule": "plateau", "drop_factor": "1"}, "the rate would never fall"),
        ({"frozen_stages": "4"}, "frozen_stages is 4, but widths has 3 stages"),
    ],
)
def test_a_bad_change_is_refused_in_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        change(TINY, changes)
    assert sentence in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"augmentation": Augmentation(flip="randm")}, "flip is 'randm' (did you mean 'random'?); allowed is none, random"),
        ({"augmentation": Augmentation(shift=65)}, "shift is 65; allowed is 0 to 64"),
        ({"network": Vgg(widths=((4,),), pixels="raw")}, "pixels is 'raw'; allowed is unit, standard"),
    ],
)
def test_a_recipe_made_in_python_is_checked_too(part: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(dataclasses.replace(TINY, **part))
    assert sentence in str(caught.value)


def test_an_unknown_recipe_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError, match=r"no recipe is called 'baselin' \(did you mean 'baseline'"):
        find("baselin")


@given(st.sampled_from([*kinds(), "name", "about"]), st.text(max_size=20), st.sampled_from([TINY, find("fast")]))
def test_no_text_for_a_field_gives_anything_but_a_recipe_or_a_usage_error(field: str, text: str, recipe: Recipe) -> None:
    try:
        changed = change(recipe, {field: text})
    except UsageError:
        return
    check(changed)
    assert type(changed.network) in NETWORKS.values()


@pytest.mark.parametrize("value", ["9" * 400, "[" * 5000, "1e400"])
def test_values_too_large_to_be_read_are_refused_in_a_sentence(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        change(TINY, {"learning_rate": value})
    assert str(caught.value).startswith("learning_rate is ")
    assert len(str(caught.value)) < 200


def test_a_long_name_says_how_many_fields_are_changed() -> None:
    names = ("tiny+epochs=3", "tiny+epochs=3+dense=16", "tiny+widths=[[8],[8,8],[16]]")
    assert [short_name(name, 20) for name in names] == [names[0], "tiny with 2 fields changed", "tiny with 1 field changed"]
    assert short_name("deep+" + "+".join(f"field{n}=1" for n in range(9))) == "deep with 9 fields changed"


def test_the_name_of_an_earlier_run_gets_the_unit_of_its_budget() -> None:
    names = {"fast+budget=60.0": "fast+budget=60s", "fast+budget=1.5+tta=none": "fast+budget=1.5s+tta=none"}
    assert {name: short_name(name) for name in names} == names
    assert [short_name(name) for name in names.values()] == [*names.values()]


def test_a_budget_is_named_with_its_unit_and_read_with_or_without_it() -> None:
    budgets = {"60": "60s", "60s": "60s", "1.5m": "90s", "0.5": "0.5s", "1000000": "1000000s"}
    for written, named in budgets.items():
        changed = change(find("fast"), {"budget": written})
        assert changed.name == f"fast+budget={named}"
        assert change(find("fast"), {"budget": named}) == changed
    assert change(find("fast"), {"budget": 0}).name == "fast"
    with pytest.raises(UsageError, match="expected seconds, minutes or hours"):
        change(find("fast"), {"budget": "0s"})


@pytest.mark.parametrize(
    ("duration", "expected"), [("90", 90), ("60s", 60), ("5m", 300), ("1.5m", 90), ("1h", 3600), (" 2 h ", 7200)]
)
def test_durations_are_read_as_people_write_them(duration: str, expected: float) -> None:
    assert seconds(duration) == expected


@pytest.mark.parametrize("duration", ["", "0", "0s", "-5s", "5 d", "1h30m", "soon", "1e3", "nan"])
def test_what_is_no_duration_is_refused(duration: str) -> None:
    with pytest.raises(UsageError, match="expected seconds, minutes or hours, such as 60s, 5m or 1h"):
        seconds(duration)
