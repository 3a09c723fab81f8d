"""Studies: which variants a design makes, what is refused, and what the command line's --vary stands for."""

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seefar import recipes
from seefar.errors import UsageError
from seefar.recipes import RECIPES
from seefar.studies.grid import fraction
from seefar.studies.study import Change, Study, Variant, check, digest, from_json, to_json, variants, vary

NORM = Change("batch norm", "Steadies values.", {"batch_norm": True})
DROP = Change("dropout", "Less by heart.", {"dropout": [0.1, 0.2]})
FLIP = Change("flip", "A mirrored cat is a cat.", {"flip": "random"})
LONGER = Change("longer", "More passes.", {"epochs": 5})
STUDY = Study("parts", "Which parts help?", "tiny", (NORM, DROP, LONGER), "each", {"epochs": 2})

DROPOUT = tuple(Change(f"dropout={share}", "", {"spatial_dropout": share}) for share in (0.0, 0.2, 0.4))
FLIPS = (Change("flip=off", "", {"flip": "none"}), Change("flip=on", "", {"flip": "random"}))
LEVELS = {"dropout": ("dropout=0.0", "dropout=0.2", "dropout=0.4"), "flip": ("flip=off", "flip=on")}
GRID = Study("grid", "Both?", "tiny", (*DROPOUT, *FLIPS), "grid", {"epochs": 2}, LEVELS)


def made(study: Study) -> list[tuple[str, str | None, Mapping[str, Any]]]:
    return [(variant.name, variant.against, variant.fields) for variant in variants(study)]


def test_each_is_the_base_with_one_change_at_a_time() -> None:
    assert made(STUDY) == [
        ("base", None, {"epochs": 2}),
        ("batch norm", "base", {"epochs": 2, "batch_norm": True}),
        ("dropout", "base", {"epochs": 2, "dropout": (0.1, 0.2)}),
        ("longer", "base", {"epochs": 5}),
    ]


def test_cumulative_puts_each_change_on_top_of_those_before_it() -> None:
    assert made(dataclasses.replace(STUDY, design="cumulative")) == [
        ("base", None, {"epochs": 2}),
        ("batch norm", "base", {"epochs": 2, "batch_norm": True}),
        ("dropout", "batch norm", {"epochs": 2, "batch_norm": True, "dropout": (0.1, 0.2)}),
        ("longer", "dropout", {"epochs": 5, "batch_norm": True, "dropout": (0.1, 0.2)}),
    ]


def test_removed_undoes_one_change_at_a_time() -> None:
    assert made(dataclasses.replace(STUDY, design="removed")) == [
        ("everything", None, {"epochs": 5, "batch_norm": True, "dropout": (0.1, 0.2)}),
        ("without batch norm", "everything", {"epochs": 5, "dropout": (0.1, 0.2)}),
        ("without dropout", "everything", {"epochs": 5, "batch_norm": True}),
        ("without longer", "everything", {"epochs": 2, "batch_norm": True, "dropout": (0.1, 0.2)}),
    ]


def test_a_grid_has_all_combinations_and_the_first_levels_as_its_base() -> None:
    assert made(GRID) == [
        ("base", None, {"epochs": 2}),
        ("flip=on", "base", {"epochs": 2, "flip": "random"}),
        ("dropout=0.2", "base", {"epochs": 2, "spatial_dropout": 0.2}),
        ("dropout=0.2, flip=on", "base", {"epochs": 2, "spatial_dropout": 0.2, "flip": "random"}),
        ("dropout=0.4", "base", {"epochs": 2, "spatial_dropout": 0.4}),
        ("dropout=0.4, flip=on", "base", {"epochs": 2, "spatial_dropout": 0.4, "flip": "random"}),
    ]


def test_reasons_go_with_their_variants() -> None:
    assert [variant.reason for variant in variants(STUDY)] == ["", NORM.reason, DROP.reason, LONGER.reason]
    assert variants(dataclasses.replace(STUDY, design="removed"))[1] == Variant(
        "without batch norm", NORM.reason, {"epochs": 5, "dropout": (0.1, 0.2)}, "everything"
    )
    reasoned = tuple(dataclasses.replace(change, reason=f"{change.name}!") for change in GRID.changes)
    assert variants(dataclasses.replace(GRID, changes=reasoned))[3].reason == "dropout=0.2! flip=on!"


def test_half_of_a_grid_has_every_level_equally_often() -> None:
    half = dataclasses.replace(GRID, fraction=0.5)
    found = variants(half)
    assert len(found) == 3
    assert found[0].name == "base"
    assert sorted(variant.fields.get("spatial_dropout", 0.0) for variant in found) == [0.0, 0.2, 0.4]
    assert variants(half) == found


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(2, 5), min_size=1, max_size=4), st.data())
def test_any_number_of_combinations_is_balanced_different_and_has_the_base(levels: list[int], data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, min(40, prod(levels))))
    found = fraction(levels, rows)
    assert len(set(found)) == len(found) == rows
    assert found[0] == (0,) * len(levels)
    for factor, count in enumerate(levels):
        counts = [sum(row[factor] == level for row in found) for level in range(count)]
        assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize(("levels", "rows"), [((2, 2, 2), 4), ((3, 3, 3), 9), ((2, 2, 2, 2), 8)])
def test_where_pairs_of_levels_can_be_equally_often_they_are(levels: tuple[int, ...], rows: int) -> None:
    for one, other in combinations(range(len(levels)), 2):
        pairs = Counter((row[one], row[other]) for row in fraction(levels, rows))
        assert set(pairs.values()) == {rows // (levels[one] * levels[other])}


def test_a_whole_grid_is_its_product() -> None:
    assert fraction([2, 2], 4) == [(0, 0), (0, 1), (1, 0), (1, 1)]


TWO = {"changes": (NORM, Change("batch norm", "", {"epochs": 9}))}
SAME = {"changes": (NORM, Change("norm again", "", {"batch_norm": "on"}))}
MANY = tuple(Change(f"epochs={count}", "", {"epochs": count}) for count in range(1, 202))
WIDE = tuple(
    Change(f"{field} {count}", "", {field: count}) for field in ("epochs", "shift", "cutout") for count in range(1, 14)
)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"base": "tinny"}, "no recipe is called 'tinny' (did you mean 'tiny'?)"),
        ({"name": "../up"}, "the study's name is '../up', and a folder is named after it; use letters"),
        ({"name": ""}, "the study's name is ''"),
        ({"design": "cumulativ"}, "design is 'cumulativ' (did you mean 'cumulative'?); allowed is each,"),
        ({"changes": ()}, "the study 'parts' has no changes, so there is nothing to compare"),
        (TWO, "two changes are called 'batch norm'; give each a name of its own"),
        ({"changes": (Change("base", "", {"epochs": 9}),)}, "a change is called 'base'"),
        ({"changes": (Change("a\nb", "", {"epochs": 9}),)}, r"a change is called 'a\nb'; a name is one line"),
        ({"changes": (Change(" ", "", {"epochs": 9}),)}, "a name is one line of 1 to 120"),
        ({"changes": (Change("none", "", {}),)}, "the change 'none' sets no field"),
        ({"changes": MANY}, "the study has 201 changes; allowed is at most 199"),
        (SAME, "'norm again' is the same recipe as 'batch norm'; leave one out"),
        ({"changes": (Change("idle", "", {"epochs": 2}),)}, "'idle' is the same recipe as 'base', with which it is compared"),
        (
            {"changes": (LONGER, Change("longest", "", {"epochs": 9})), "design": "removed"},
            "'without longer' is the same recipe as 'everything'",
        ),
        ({"design": "cumulative", **SAME}, "'norm again' is the same recipe as 'batch norm'"),
        ({"fields": {"epohcs": 3}}, "the fields of the study: a recipe has no field 'epohcs' (did you mean 'epochs'?"),
        ({"fields": {"epochs": 10**5000}}, "the fields of the study: "),
        ({"fields": {"learning_rate": 10**400}}, "the fields of the study: "),
        (
            {"changes": (Change("x", "", {"dropuot": 1}),)},
            "variant 'x': a recipe has no field 'dropuot' (did you mean 'dropout'?",
        ),
        ({"changes": (Change("x", "", {"epochs": 2.5}),)}, "variant 'x': epochs is 2.5; expected a whole number"),
        ({"changes": (Change("x", "", {"epochs": 0}),)}, "variant 'x': epochs is 0; allowed is 1 to 10000"),
        (
            {"changes": (NORM, Change("x", "", {"schedule": "step", "drop_factor": 1})), "design": "cumulative"},
            "variant 'x': with schedule=step and drop_factor=1 the rate would never fall",
        ),
        ({"levels": LEVELS}, "levels are for the design 'grid', but the design is 'each'"),
        ({"fraction": 0.5}, "a fraction is for the design 'grid', but the design is 'each'"),
    ],
)
def test_a_study_without_sense_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(dataclasses.replace(STUDY, **values))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"levels": {}}, "the design is 'grid', but no levels are given"),
        ({"levels": {"flip": ("flip=off", "flip=onn")}}, "no change is called that (did you mean 'flip=on'?); there are"),
        ({"levels": {**LEVELS, "more": ("flip=on", "flip=off")}}, "'flip=off' is named twice as a level"),
        ({"levels": {"dropout": LEVELS["dropout"], "flip": ("flip=on",)}}, "the factor 'flip' has 1 level, and at least two"),
        ({"levels": {"dropout": LEVELS["dropout"]}}, "the change 'flip=off' is no level of any factor"),
        (
            {"changes": (*DROPOUT, FLIPS[0], Change("flip=on", "", {"spatial_dropout": 0.3}))},
            "the factors 'dropout' and 'flip' both set spatial_dropout, so that one would undo the other",
        ),
        (
            {"changes": (*DROPOUT, FLIPS[0], dataclasses.replace(FLIPS[0], name="flip=on"))},
            "'flip=on' is the same recipe as 'base'",
        ),
        ({"fraction": 0.0}, "fraction is 0.0; allowed is above 0, at most 1"),
        ({"fraction": 1.5}, "fraction is 1.5; allowed is above 0, at most 1"),
        ({"fraction": float("nan")}, "fraction is nan; allowed is above 0"),
        ({"fraction": 0.3}, "fraction is 0.3, which is 2 of the 6 combinations of the grid; each level should occur"),
        (
            {
                "changes": WIDE,
                "levels": {f: tuple(c.name for c in WIDE if f in c.fields) for f in ("epochs", "shift", "cutout")},
            },
            "the grid has 2197 combinations; allowed is at most 2000",
        ),
    ],
)
def test_a_grid_without_sense_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(dataclasses.replace(GRID, **values))
    assert sentence in str(caught.value)


def test_a_large_grid_needs_a_fraction_and_is_told_which() -> None:
    some = [change for change in WIDE if int(change.name.split()[1]) <= 8]
    levels = {field: tuple(c.name for c in some if field in c.fields) for field in ("epochs", "shift", "cutout")}
    large = dataclasses.replace(GRID, changes=tuple(some), levels=levels)
    with pytest.raises(UsageError, match=r"512 of the 512 combinations .* so use 0.016 to 0.39$"):
        check(large)
    assert len(variants(dataclasses.replace(large, fraction=0.016))) == 8
    assert len(variants(dataclasses.replace(large, fraction=0.39))) == 200


def test_two_variants_never_have_one_name() -> None:
    odd = (*DROPOUT[:2], FLIPS[0], FLIPS[1], Change("dropout=0.2, flip=on", "", {"spatial_dropout": 0.3}))
    levels = {"dropout": ("dropout=0.0", "dropout=0.2", "dropout=0.2, flip=on"), "flip": ("flip=off", "flip=on")}
    with pytest.raises(UsageError, match=r"two variants are called 'dropout=0\.2, flip=on'"):
        check(dataclasses.replace(GRID, changes=odd, levels=levels))


def test_the_digest_follows_what_decides_results_alone() -> None:
    changed = Study("other", "Other words.", "tiny", tuple(dataclasses.replace(c, reason="?") for c in STUDY.changes))
    assert digest(dataclasses.replace(changed, fields={"epochs": "2"})) == digest(STUDY)
    others = [
        dataclasses.replace(STUDY, fields={"epochs": 3}),
        dataclasses.replace(STUDY, base="baseline"),
        dataclasses.replace(STUDY, design="cumulative"),
        dataclasses.replace(STUDY, changes=(DROP, NORM, LONGER)),
        dataclasses.replace(STUDY, changes=(NORM, DROP)),
    ]
    assert len({digest(study) for study in [STUDY, *others]}) == 6


def test_the_digest_follows_the_recipe_behind_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(STUDY)
    monkeypatch.setitem(RECIPES, "tiny", dataclasses.replace(RECIPES["tiny"], batch_size=32))
    assert digest(STUDY) != before


@pytest.mark.parametrize("study", [STUDY, GRID], ids=["each", "grid"])
def test_json_gives_the_same_study_back(study: Study) -> None:
    back = from_json(json.loads(json.dumps(to_json(study))))
    assert to_json(back) == to_json(study)
    assert variants(back) == variants(study)
    assert digest(back) == digest(study)
    assert from_json(to_json(back)) == back


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"nmae": "x"}, "a study has no key 'nmae' (did you mean 'name'?); the keys are name, about, base"),
        ({"name": None}, "the name of a study is missing; give it as a text"),
        ({"base": 3}, "the base of a study is 3; expected a text"),
        ({"about": "a" * 1001}, "the about of a study is 'aaa"),
        ({"about": "red\x1b[31m"}, "expected at most 1000 printable characters"),
        ({"changes": {}}, "the changes of a study are a list of tables"),
        ({"changes": [3]}, "the changes of a study are a list of tables"),
        ({"changes": [{"name": "x", "fileds": {}}]}, "change 1 has no key 'fileds' (did you mean 'fields'?)"),
        ({"changes": [{"fields": {}}]}, "the name of change 1 is missing"),
        ({"changes": [{"name": "x", "reason": ["y"]}]}, "the reason of change 1 is ['y']; expected a text"),
        ({"changes": [{"name": "x", "fields": 3}]}, "the fields of change 1 are 3; expected a table"),
        ({"fields": []}, "the fields of a study are []; expected a table"),
        ({"levels": []}, "the levels of a study are []; expected a table"),
        ({"levels": {"a": "b"}}, "the levels of 'a' are 'b'; expected a list of names"),
        ({"levels": {"a": [1]}}, "the levels of 'a' are [1]; expected a list of names"),
        ({"fraction": True}, "the fraction of a study is True; expected a number"),
        ({"fraction": "1"}, "the fraction of a study is '1'; expected a number"),
        ({"design": 16**5000}, "the design of a study is a very large number; expected a text"),
    ],
)
def test_json_of_another_shape_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_json(to_json(STUDY) | values)
    assert sentence in str(caught.value)


def test_one_setting_compares_with_its_first_value() -> None:
    study = vary("deep", ["dropout=0, 0.2,[0.4,0]"], {"epochs": "3"})
    assert (study.name, study.design, study.about) == ("deep-dropout", "each", "What dropout is worth in recipe deep.")
    assert made(study) == [
        ("base", None, {"epochs": 3, "dropout": (0.0, 0.0)}),
        ("dropout=0.2", "base", {"epochs": 3, "dropout": (0.2, 0.2)}),
        ("dropout=[0.4,0]", "base", {"epochs": 3, "dropout": (0.4, 0.0)}),
    ]
    assert study.changes[0].reason == f"dropout: {recipes.meanings()['dropout']}."


def test_several_settings_make_a_grid() -> None:
    study = vary("tiny", ["spatial_dropout=0,0.2", "flip=none,random"], {})
    assert [(name, fields) for name, _, fields in made(study)] == [
        ("base", {}),
        ("flip=random", {"flip": "random"}),
        ("spatial_dropout=0.2", {"spatial_dropout": 0.2}),
        ("spatial_dropout=0.2, flip=random", {"spatial_dropout": 0.2, "flip": "random"}),
    ]


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("batch_norm=off,on", [False, True]),
        ("flip=off,on", ["none", "alternating"]),
        ("shift=off,on", [0, 2]),
        ("averaging=off,on", [0.0, 0.998]),
        ("dropout=off,on", [(0.0, 0.0), (0.1, 0.0)]),
        ("widths=[[8],[16]],[[8,8]]", [((8,), (16,)), ((8, 8),)]),
        ("optimiser=adam,sgd", ["adam", "sgd"]),
    ],
)
def test_values_of_a_setting(setting: str, values: list[Any]) -> None:
    study = vary("tiny", [setting], {})
    [name] = study.changes[0].fields
    assert [study.fields[name], *(change.fields[name] for change in study.changes)] == values


@pytest.mark.parametrize(
    ("settings", "fields", "sentence"),
    [
        ([], {}, "nothing is varied; give at least one --vary"),
        (["dropout"], {}, "--vary dropout is not of the form field=value,value"),
        (["dropuot=0,1"], {}, "a recipe has no field 'dropuot' (did you mean 'dropout'?"),
        (["name=a,b"], {}, "a recipe has no field 'name'"),
        (["shift=1"], {}, "--vary shift=1 has one value, and at least two are needed"),
        (["shift="], {}, "--vary shift= lacks a value"),
        (["shift=1,,2"], {}, "--vary shift=1,,2 lacks a value"),
        (["widths=[[8],[[16]]"], {}, "--vary widths=[[8],[[16]] has brackets that do not match"),
        (["widths=]8[,[[16]]"], {}, "has brackets that do not match"),
        (
            ["spatial_dropout=0,0.0"],
            {},
            "--vary spatial_dropout=0.0 is the same value as spatial_dropout=0; give each value once",
        ),
        (["shift=1,2", "shift=3,4"], {}, "--vary shift is given twice"),
        (["shift=1,2"], {"shift": 3}, "--vary shift and --set shift contradict each other"),
        (["shift=1,x"], {}, "--vary shift=x: shift is 'x'; expected a whole number"),
        (["shift=1,99"], {}, "--vary shift=99: shift is 99; allowed is 0 to 64"),
        (["learning_rate=1," + "9" * 400], {}, "expected"),
        (["widths=[[8]]," + "[" * 50000 + "]" * 50000], {}, "expected"),
        (["epochs=1,off"], {}, "--vary epochs=off makes no sense, since epochs cannot be off; give values (passes over"),
        (["cutout=off,on"], {}, "--vary cutout=on could mean several things; instead of on, give a value (side in pixels"),
        (["balance=off,on"], {}, "--vary balance=on could mean several things; instead of on, give one of weights, sampling"),
        (["pixels=on,off"], {}, "pixels is 'on'; allowed is unit, standard"),
        (["widths=on,off"], {}, "widths is True; expected lists of whole numbers"),
        (["shift=1,2"], {"epohcs": 1}, "the fields of the study: a recipe has no field 'epohcs'"),
        (["shift=" + ",".join(map(str, range(20))), "cutout=" + ",".join(map(str, range(20)))], {}, "so use 0.05 to 0.5"),
    ],
)
def test_a_setting_without_sense_is_refused(settings: list[str], fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        vary("tiny", settings, fields)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_base_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'deep'"):
        vary("deeep", ["shift=1,2"], {})


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_setting_gives_anything_but_a_study_or_a_usage_error(text: str) -> None:
    try:
        vary("tiny", [text], {})
        vary("tiny", [f"shift={text}"], {})
    except UsageError:
        return
