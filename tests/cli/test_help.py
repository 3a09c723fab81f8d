"""The help of every verb: two examples or more, each of them a command that would be accepted."""

import shlex
from collections.abc import Iterator

import pytest
from cyclopts import App
from rich.console import Console

from seefar.cli import app, main
from seefar.cli.options import RecipeOptions
from seefar.recipe_fields import change, find

PSEUDO = ("--help", "-h", "--version")


def verbs(at: App, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command that has a help of its own, from the program itself down."""
    yield words
    for name in at:
        if name not in PSEUDO:
            yield from verbs(at[name], (*words, name))


VERBS = list(verbs(app))


def examples(words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The examples as they are printed."""
    monkeypatch.setattr(app, "console", Console(width=400))  # none is broken in two
    assert main([*words, "--help"]) == 0
    out = capsys.readouterr()
    assert out.err == ""
    _, heading, rest = out.out.partition("\nExamples:")
    assert heading, f"the help of {words} has no examples"
    lines = [line.strip() for line in rest.splitlines() if line.strip()]
    return [line for line in lines if not line.startswith("Any verb takes --debug")]


def parse(example: str) -> None:
    """Raise what the command line would raise before anything is done."""
    words = shlex.split(example)
    _, bound, unused, *_ = app.parse_known_args(words[words.index("seefar") + 1 :])
    assert unused == []
    for value in bound.arguments.values():
        if isinstance(value, RecipeOptions):
            change(find(value.recipe), value.changes())


def test_all_verbs_are_found() -> None:
    """Else the others would test nothing."""
    assert {(), ("run",), ("data",), ("data", "describe"), ("--install-completion",)} <= set(VERBS)
    assert len(VERBS) >= 19


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_help_has_two_examples_that_would_be_accepted(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = examples(words, capsys, monkeypatch)
    assert len([line for line in found if line.startswith("seefar ")]) >= 2
    assert len(set(found)) == len(found)
    for example in found:
        after = shlex.split(example)[shlex.split(example).index("seefar") + 1 :]
        assert not words or after[: len(words)] == list(words)
        parse(example)


@pytest.mark.parametrize(
    "example",
    [
        "seefar trian --data shapes",
        "seefar train --data shapes --recipes deep",
        "seefar train --data shapes --recipe depe",
        "seefar train --data shapes --set dropuot=[0,0]",
        "seefar evaluate runs/x --split tset",
        "seefar data fetch",
    ],
)
def test_a_planted_mistake_is_found(example: str) -> None:
    with pytest.raises((Exception, SystemExit)):
        parse(example)
