"""What verbs print on stdout: tables for people, one JSON document for programs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from seefar.data.describe import DataDescription
    from seefar.data.images import Dataset


def print_json(value: Any) -> None:
    """One JSON document."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """A table; columns of numbers are right-aligned."""
    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    rows = [[_cell(value) for value in row] for row in rows]
    for position, name in enumerate(columns):
        numeric = all(_is_number(row[position]) for row in rows)
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def print_evaluation(evaluation: dict[str, Any]) -> None:
    """An evaluation as `asdict` gives it: the headline, and the classification report."""
    accuracy = evaluation["accuracy"]
    looked = f", look {evaluation['look']} at the test images" if evaluation["split"] == "test" else ""
    print_table(
        ["class", "precision", "recall", "95 % interval", "F1", "images"],
        [
            (
                score["name"],
                f"{score['precision']:.1%}",
                f"{score['recall']['value']:.1%}",
                f"{score['recall']['low']:.1%} to {score['recall']['high']:.1%}",
                f"{score['f1']:.3f}",
                score["support"],
            )
            for score in evaluation["scores"]
        ],
    )
    if evaluation["tta"] != "none":
        share = evaluation["tta_accuracy"]
        print(
            f"with test-time augmentation ({evaluation['tta']}) {share['value']:.2%}, "
            f"95 % interval {share['low']:.2%} to {share['high']:.2%}; all other figures are without it"
        )
    print(
        f"{evaluation['split']} accuracy {accuracy['value']:.2%}, 95 % interval {accuracy['low']:.2%} to {accuracy['high']:.2%} "
        f"({evaluation['images']:,} images, one seed{looked}); loss {evaluation['loss']:.4f}"
    )


def print_robustness(found: dict[str, Any]) -> None:
    """Accuracy by corruption and severity, and what it says."""
    from seefar.reporting import trust_words

    columns = ["severity", *(str(number) for number in range(1, 6)), "mean"]
    rows = [
        (name.replace("_", " "), *(f"{share:.1%}" for share in row), f"{sum(row) / len(row):.1%}")
        for name, row in found["accuracies"].items()
    ]
    print_table(columns, rows, "accuracy on spoilt images")
    for sentence in trust_words.robustness(found):
        print(sentence)


def print_out_of_distribution(found: dict[str, Any]) -> None:
    """AUROC of each score against each foreign set, and what it says."""
    from seefar.reporting import trust_words

    rows = [(row["name"], row["images"], *(f"{value:.3f}" for value in row["auroc"].values())) for row in found["foreign"]]
    print_table(["foreign images", "how many", "largest probability", "energy", "feature distance"], rows)
    for sentence in trust_words.out_of_distribution(found):
        print(sentence)


def print_audit(found: dict[str, Any]) -> None:
    """The first of what an audit found, and what it says."""
    from seefar.reporting import trust_words

    for columns, rows in trust_words.audit_tables(found):
        print_table(columns, rows)
    for sentence in trust_words.audit(found, None):
        print(sentence)


def print_study(found: dict[str, Any]) -> None:
    """A row for each variant, and what the study says."""
    from seefar.reporting import study_words

    _print_variants(found)
    for sentence in [*study_words.summary(found), *study_words.advice(found)]:
        print(sentence)


def _print_variants(found: dict[str, Any]) -> None:
    """A row for each variant of a study."""
    from seefar.reporting import study_words

    def share(summary: dict[str, Any] | None) -> str:
        return f"{summary['mean']:.2%}" if summary and summary["mean"] is not None else ""

    print_table(
        ["variant", "validation", found["split"], "seconds", "verdict"],
        [
            (
                row["variant"],
                share(row["validation"]),
                share(row[found["split"]]),
                row["seconds"] or "",
                study_words.row_words(row),
            )
            for row in found["rows"]
        ],
    )


def print_tuning(found: dict[str, Any]) -> None:
    """The best trials of a search, and what became of the winner."""
    from seefar.reporting import tuning_words

    print_table(*tuning_words.best(found))
    for sentence in tuning_words.search(found):
        print(sentence)
    if found["confirmation"]:
        _print_variants(found["confirmation"])
    for sentence in tuning_words.claim(found):
        print(sentence)


def print_explanation(found: dict[str, Any]) -> None:
    """What was explained, and whether to believe it."""
    labels = found["labels"] or [""] * len(found["images"])
    rows = zip(found["images"], labels, found["predicted"], found["targets"], found["probability"], strict=True)
    print_table(
        ["image", "class", "predicted", "evidence for", "its probability"],
        [(name, label, predicted, target, f"{chance:.1%}") for name, label, predicted, target, chance in rows],
    )
    _print_scores(found["scores"])


def print_inside(found: dict[str, Any]) -> None:
    """The numbers of a look inside."""
    print_table(
        ["layer", "filters", "dead", "duplicates", "noisy"],
        [
            (row["layer"], row["filters"], len(row["dead"]), sum(map(len, row["duplicates"])), len(row["noisy"]))
            for row in found["health"]
        ],
    )
    _print_scores(found["methods"])
    from seefar.reporting import inside_words

    for sentences in inside_words.everything(found).values():
        for sentence in sentences:
            print(sentence)


def _print_scores(scores: dict[str, dict[str, Any]]) -> None:
    """Deletion and insertion of each method, with a random map's below for scale."""
    rows = [(name, f"{score['deletion']:.3f}", f"{score['insertion']:.3f}") for name, score in scores.items()]
    if scores:
        one = next(iter(scores.values()))
        rows.append(("a random map", f"{one['random_deletion']:.3f}", f"{one['random_insertion']:.3f}"))
    print_table(["method", "deletion (low is true)", "insertion (high is true)"], rows)


def print_comparison(found: dict[str, Any]) -> None:
    """Runs side by side, and what their differences say."""
    from seefar.reporting import comparison_words

    first = found["pairs"][0]
    costs = {first["base"]: first["cost"]["base"]} | {pair["other"]: pair["cost"]["other"] for pair in found["pairs"]}
    accuracies = {name: a for row in found["recipes"] for name, a in zip(row["runs"], row["accuracies"], strict=True)}
    rows = [
        (
            name,
            f"{accuracies[name]:.2%}" if name in accuracies else "",
            f"{cost['seconds']:.0f}",
            f"{cost['parameters']:,}",
            f"{cost['multiply_adds']:,}",
        )
        for name, cost in costs.items()
    ]
    print_table(["run", f"{found['split']} accuracy", "seconds", "parameters", "multiply-adds"], rows)
    for pair in found["pairs"]:
        for sentence in comparison_words.pair(pair):
            print(sentence)
    for row in found["recipes"]:
        print(comparison_words.seeds(row))
    for row in found["recipe_differences"]:
        print(comparison_words.recipes(row))


def print_description(data: "Dataset", found: "DataDescription") -> None:
    """What `describe` found, and what was skipped on the way."""
    from seefar.reporting import words

    print(f"{data.name}: {data.source}")
    splits = {"training": asdict(found.train), "test": asdict(found.test)}
    rows = [(name, *(split["counts"][name] for split in splits.values())) for name in data.classes]
    print_table(["class", *splits], [*rows, ("all", *(split["images"] for split in splits.values()))])
    for name, split in splits.items():
        print(f"{name}: {data.train.size}x{data.train.size} pixels, mean and deviation by channel {words.channels(split)}")
        for sentence in words.balance(split):
            print(sentence)
    facts = {"images": splits["test"], "leaks": asdict(found.leaks), "by_rule": data.test_by_rule}
    for sentence in words.data(
        splits["training"], facts | {"modes": data.modes, "sizes": data.sizes, "warnings": data.warnings}
    ):
        print(sentence)
    if data.skipped:
        print_table([f"skipped ({len(data.skipped)})", "reason"], data.skipped[:20])


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").replace(".", "").replace("%", "").replace("-", "").strip().isdigit()
