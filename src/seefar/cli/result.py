"""What `seefar run` and `seefar evaluate` say of a result: what is believed, where it fails, what is wrong with the images, what next."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seefar.errors import DataError
from seefar.progress import warn
from seefar.reporting import check_words
from seefar.reporting.words import counted, percent

LINES = 12  # of a result on a terminal of 80 columns, so that it is read (chosen by hand)
BELIEVED, NOT_BELIEVED, WARNING = "bold", "bold black on yellow", "yellow"


class Said(NamedTuple):
    """A paragraph, and how it looks on a terminal that has colours."""

    text: str
    style: str = ""


def of_run(
    evaluation: Mapping[str, Any], validation: Mapping[str, Any], page: Mapping[str, Any], run: Path, width: int | None
) -> list[Said]:
    """The result of a run, in twelve lines.

    Args:
        evaluation: of the test images, an Evaluation as a dict.
        validation: likewise of the validation images.
        page: what the report says: `report.json`.
        run: the run's folder.
        width: columns of the terminal; None where there is none, and a paragraph is a line.
    """
    verdict = page["words"]["verdict"]
    what_next = verdict["next"].replace("--resume ...", f"--resume {run}")
    where = "where it fails"
    if page["basis"] and not evaluation["headline"]:
        basis = evaluation if page["basis"] == "test" else validation
        where = f"{where}, on {counted(basis['images'], basis['split'] + ' image')}"
    above = [*believed(evaluation, validation), Said(f"{where}: {verdict['fails']}")]
    below = [Said(f"report: {run / 'report.html'}"), *_to_try(run), Said(f"what next: {what_next}")]
    warnings = [
        warning | {"do": ""} if warning["do"] == verdict["next"] else warning  # that stands below
        for warning in check_words.warnings(evaluation)
        if not _stands_above(warning)
    ]
    room = LINES - sum(_height(said, width) for said in above + below)
    return [*above, *_fitting(warnings, room, width), *below]


def _to_try(run: Path) -> list[Said]:
    page = run / "playground" / "index.html"
    return [Said(f"try it: {page}")] if page.exists() else []


def _stands_above(warning: Mapping[str, Any]) -> bool:
    """Whether the headline says it already: a few near copies stand beside it."""
    return warning["kind"] == "near" and not warning["serious"]


def of_evaluation(evaluation: Mapping[str, Any], validation: Mapping[str, Any] | None = None) -> list[Said]:
    """What is believed, and everything that is wrong with the images.

    Args:
        evaluation: an Evaluation as a dict.
        validation: that of the validation images, if it is known: it speaks where these images cannot.
    """
    return [*believed(evaluation, validation), *map(_full, check_words.warnings(evaluation))]


def believed(evaluation: Mapping[str, Any], validation: Mapping[str, Any] | None) -> list[Said]:
    """The headline or, where there is none, why not, and what validation says instead."""
    headline = check_words.headline(evaluation)
    if evaluation["headline"] is None:
        said = [Said(headline, NOT_BELIEVED)]
        if validation and validation["split"] != evaluation["split"] and validation["headline"] is not None:
            said.append(Said(f"instead: {check_words.headline(validation)}", BELIEVED))
        return said
    return [Said(headline, BELIEVED), *map(Said, _beside(evaluation))]


def _beside(evaluation: Mapping[str, Any]) -> list[str]:
    """Accuracies that are stated beside the headline."""
    sentences = []
    if near := evaluation["near"]:
        share = percent(near["accuracy"]["value"], 2)
        sentences.append(f"without near copies of training images: accuracy {share} ({near['images']:,} images)")
    if evaluation["tta"] != "none":
        found = evaluation["tta_accuracy"]
        interval = f"95\N{NO-BREAK SPACE}% interval {check_words.between(found, 2)}"
        sentences.append(f"with test-time augmentation ({evaluation['tta']}): {percent(found['value'], 2)}, {interval}")
    return sentences


def say(said: Sequence[Said], width: int | None) -> None:
    """Print paragraphs on stdout, wrapped where that is a terminal of so many columns."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for paragraph in said:
        for line in _wrapped(paragraph, width):
            console.print(Text(line, paragraph.style), soft_wrap=True)


def terminal_width() -> int | None:
    """Columns of the terminal that stdout is; None if it is none."""
    from rich.console import Console

    console = Console()
    return console.width if console.is_terminal else None


def tell_if_nothing_is_believed(evaluation: Mapping[str, Any]) -> None:
    """A line on stderr where there is no headline: a program that reads the JSON may not be told by a person what it means."""
    if evaluation["headline"] is None:
        warn(check_words.headline(evaluation))


def refuse(evaluation: Mapping[str, Any]) -> None:
    """What `--strict` is for. Raises DataError if nothing can be measured, or something serious is wrong with the images."""
    if evaluation["headline"] is None:
        raise DataError(f"--strict: {evaluation['split']} accuracy {check_words.cannot(evaluation)}")
    grave = [warning for warning in check_words.warnings(evaluation) if warning["serious"]]
    if grave:
        raise DataError(
            f"--strict: something serious is wrong with the {evaluation['split']} images; see to it, or leave --strict out",
            details=[f"{warning['title']}. {warning['do']}" for warning in grave],
        )


def _full(warning: Mapping[str, Any]) -> Said:
    return _said(warning, f"{warning['sentence']} {warning['do']}".strip())


def _short(warning: Mapping[str, Any]) -> Said:
    return _said(warning, f"{warning['title']}. {warning['do']}".strip())


def _said(warning: Mapping[str, Any], text: str) -> Said:
    return Said(f"warning: {text}", f"bold {WARNING}") if warning["serious"] else Said(f"note: {text}", WARNING)


def _fitting(warnings: Sequence[Mapping[str, Any]], room: int, width: int | None) -> list[Said]:
    """The warnings in so many lines: in full as far as possible, then in short; behind the last one how many are left out."""
    shown = len(warnings)
    said = [_short(warning) for warning in warnings]
    while shown > 1 and sum(_height(one, width) for one in said) > room:
        shown -= 1
        said = [_short(warning) for warning in warnings[:shown]]
        said[-1] = Said(f"{said[-1].text} ({len(warnings) - shown} more in the report)", said[-1].style)
    for place, warning in enumerate(warnings[: shown - (shown < len(warnings))]):
        longer = [*said[:place], _full(warning), *said[place + 1 :]]
        if sum(_height(one, width) for one in longer) <= room:
            said = longer
    return said


def _height(said: Said, width: int | None) -> int:
    return len(_wrapped(said, width))


def _wrapped(said: Said, width: int | None) -> list[str]:
    """The lines of a paragraph; a path or another long word is never broken."""
    if width is None:
        return [said.text]
    return textwrap.wrap(said.text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
