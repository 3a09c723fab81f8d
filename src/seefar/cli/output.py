"""What verbs print on stdout: tables and sentences for people, one JSON document for programs."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table as Drawn
from rich.text import Text

from seefar.cli import result
from seefar.reporting import comparison_words, inside_words, study_words, tables, trust_words, tuning_words, words
from seefar.reporting.tables import Table

if TYPE_CHECKING:
    from seefar.data.describe import DataDescription
    from seefar.data.images import Dataset
    from seefar.evaluation.audit import Audit
    from seefar.runs.folder import Run

SKIPPED = 20  # entries of a source that are named (chosen by hand)


def print_json(value: Any) -> None:
    """One JSON document."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(table: Table, title: str = "") -> None:
    """A table; columns of numbers are right-aligned. The first cells of a grouped one stand above their groups."""
    drawn = Drawn(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    first = 1 if table.grouped else 0
    for column, name in list(enumerate(table.columns))[first:]:
        drawn.add_column(Text(name), justify="right" if table.is_number(column) else "left", overflow="fold")
    for row in table.rows:
        if table.grouped and row[0]:
            drawn.add_section()
            drawn.add_row(Text(row[0]))
        indent = "  " if table.grouped else ""
        drawn.add_row(*(Text(cell.replace("\N{NO-BREAK SPACE}%", "%")) for cell in (indent + row[first], *row[first + 1 :])))
    if table.sums:
        drawn.add_section()
        drawn.add_row(*map(Text, table.sums))
    Console().print(drawn)


def print_evaluation(found: Mapping[str, Any], validation: Mapping[str, Any] | None) -> None:
    """An evaluation: the classification report, the headline, and what is wrong with the images.

    Args:
        found: the evaluation.
        validation: that of the validation images, if it is known.
    """
    if found["scores"]:
        print_table(tables.evaluation(found))
        print(f"loss {found['loss']:.4f}")
    result.say(result.of_evaluation(found, validation), result.terminal_width())


def print_run(run: "Run") -> None:
    """What a run came to, in twelve lines."""
    width = result.terminal_width()
    if width:
        print()  # below the table of epochs
    test, validation = run.evaluation("test"), run.evaluation("validation")
    result.say(result.of_run(test, validation, run.read("report.json"), run.path, width), width)


def print_layers(layers: Sequence[Mapping[str, Any]]) -> None:
    """The layers of a network, and their sums."""
    print_table(tables.layers(layers))


def print_robustness(found: dict[str, Any]) -> None:
    """Accuracy by corruption and severity, and what it says."""
    print_table(tables.robustness(found), "accuracy on corrupted images")
    _print(trust_words.robustness(found))


def print_out_of_distribution(found: dict[str, Any]) -> None:
    """AUROC of each score against each out-of-distribution set, and what it says."""
    print_table(tables.out_of_distribution(found))
    _print(trust_words.out_of_distribution(found))


def print_audit(found: dict[str, Any]) -> None:
    """The first of what an audit found, and what it says."""
    for table in tables.audit(found):
        print_table(table)
    _print(trust_words.audit(found, None))


def write_audit(found: "Audit", data: "Dataset", folder: Path) -> None:
    """Write `audit.json`, and galleries of what was found, as far as there is anything."""
    from seefar.files import make_folder, write_json
    from seefar.reporting.picture import picture_of
    from seefar.reporting.value_figures import audit

    write_json(make_folder(folder) / "audit.json", asdict(found))
    for name, draw in audit(found, data).items():
        picture_of(draw(), name).save(folder / f"{name}.png")


def print_study(found: dict[str, Any]) -> None:
    """A row for each variant, and what the study says."""
    print_table(tables.study(found))
    _print([*study_words.summary(found), *study_words.advice(found)])


def print_tuning(found: dict[str, Any]) -> None:
    """The best trials of a search, and what became of the winner."""
    print_table(tables.tuning(found))
    _print(tuning_words.search(found))
    if found["confirmation"]:
        print_table(tables.study(found["confirmation"]))
    _print(tuning_words.claim(found))


def print_explanation(found: dict[str, Any]) -> None:
    """What was explained, and whether to believe it."""
    print_table(tables.explanation(found))
    print_table(tables.methods(found["scores"]))


def print_inside(found: dict[str, Any]) -> None:
    """The numbers of a look inside, and what they say."""
    print_table(tables.health(found["health"]))
    print_table(tables.methods(found["methods"]))
    for sentences in inside_words.everything(found).values():
        _print(sentences)


def print_comparison(found: dict[str, Any]) -> None:
    """Runs side by side, and what their differences say."""
    print_table(tables.comparison(found))
    for pair in found["pairs"]:
        _print(comparison_words.pair(pair))
    _print(map(comparison_words.seeds, found["recipes"]))
    _print(map(comparison_words.recipes, found["recipe_differences"]))


def print_description(data: "Dataset", found: "DataDescription") -> None:
    """What `describe` found, and what was skipped on the way."""
    print(f"{data.name}: {data.source}")
    splits = {"training": asdict(found.train), "test": asdict(found.test)}
    print_table(tables.classes({name: split["counts"] for name, split in splits.items()}))
    for name, split in splits.items():
        print(f"{name}: {data.train.size}x{data.train.size} pixels, mean and deviation by channel {words.channels(split)}")
        _print(words.balance(split))
    if data.train.groups:
        print(f"groups by {data.grouped_by!r}: {found.train.groups:,} in training, {found.test.groups:,} in test")
    facts = {"images": splits["test"], "leaks": asdict(found.leaks), "by_rule": data.test_by_rule}
    facts |= {name: getattr(data, name) for name in ("modes", "sizes", "warnings")}
    _print(words.data(splits["training"], facts))
    if data.skipped:
        print_table(Table([f"skipped ({len(data.skipped)})", "reason"], data.skipped[:SKIPPED]))


def _print(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        print(sentence)


def tells(what: str, open: bool) -> Callable[[str], None]:  # noqa: A002  as it is called on the command line
    """What says where a page is and how it ends, and opens it in the browser if that is wanted.

    Args:
        what: the words before the address.
        open: whether to open it.
    """

    def tell(address: str) -> None:
        print(f"{what} {address} (Ctrl-C ends it)", flush=True)
        if open:
            import webbrowser

            webbrowser.open(address)

    return tell
