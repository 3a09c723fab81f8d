"""Studies: which variants a design makes, and what is refused."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from seefar import recipe_fields
from seefar.errors import UsageError
from seefar.recipes import RECIPES
from seefar.studies.study import Change, Study, Variant, digest, variants

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


TWO = {"changes": (NORM, Change("batch norm", "", {"epochs": 9}))}
SAME = {"changes": (NORM, Change("norm again", "", {"batch_norm": "on"}))}
WIDE = tuple(Change(f"{field} {count}", "", {field: count}) for field in ("epochs", "shift") for count in range(1, 16))
MANY = tuple(Change(f"epochs={count}", "", {"epochs": count}) for count in range(1, 202))


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
    ],
)
def test_a_study_without_sense_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        variants(dataclasses.replace(STUDY, **values))
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
        (
            {
                "changes": WIDE,
                "levels": {field: tuple(c.name for c in WIDE if field in c.fields) for field in ("epochs", "shift")},
            },
            "the grid has 225 combinations; allowed is at most 200, so take some levels out",
        ),
    ],
)
def test_a_grid_without_sense_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        variants(dataclasses.replace(GRID, **values))
    assert sentence in str(caught.value)


def test_two_variants_never_have_one_name() -> None:
    odd = (*DROPOUT[:2], FLIPS[0], FLIPS[1], Change("dropout=0.2, flip=on", "", {"spatial_dropout": 0.3}))
    levels = {"dropout": ("dropout=0.0", "dropout=0.2", "dropout=0.2, flip=on"), "flip": ("flip=off", "flip=on")}
    with pytest.raises(UsageError, match=r"two variants are called 'dropout=0\.2, flip=on'"):
        variants(dataclasses.replace(GRID, changes=odd, levels=levels))


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
    monkeypatch.setitem(RECIPES, "tiny", recipe_fields.change(RECIPES["tiny"], {"batch_size": 32}))
    assert digest(STUDY) != before
