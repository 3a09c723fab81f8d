"""What the command line's --vary stands for, and what it refuses."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.studies.test_study import made

from seefar.errors import UsageError
from seefar.recipe_fields import meanings
from seefar.studies.vary import vary


def test_one_setting_compares_with_its_first_value() -> None:
    study = vary("deep", ["dropout=0, 0.2,[0.4,0]"], {"epochs": "3"})
    assert (study.name, study.design, study.about) == ("deep-dropout", "each", "What dropout is worth in recipe deep.")
    assert made(study) == [
        ("base", None, {"epochs": 3, "dropout": (0.0, 0.0)}),
        ("dropout=0.2", "base", {"epochs": 3, "dropout": (0.2, 0.2)}),
        ("dropout=[0.4,0]", "base", {"epochs": 3, "dropout": (0.4, 0.0)}),
    ]
    assert study.changes[0].reason == f"dropout: {meanings()['dropout']}."


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
        (["dropout=0,0.2"], {"model": "fast"}, "--vary dropout=0: the network 'fast' has no field 'dropout'"),
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
        (
            ["shift=" + ",".join(map(str, range(20))), "cutout=" + ",".join(map(str, range(20)))],
            {},
            "the grid has 400 combinations; allowed",
        ),
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
