"""`seefar predict`: a trained network's answers for image files, few or millions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from seefar.answering.rows import Form, Lines
    from seefar.cli.pace import Count
    from seefar.model.predictions import Prediction

PARTLY = 3  # exit code where some files could not be read: the one for bad data
AT_ONCE = 200  # rows of a table; the next ones get a table of their own (chosen by hand)

EXAMPLES = (
    "seefar predict runs/shapes-tiny-seed0 photo.png my-photos/ other.zip",
    "seefar predict model.onnx my-photos/ --out answers.csv --top 3 --abstain 0.99",
    "seefar predict /shared/model.onnx '/shared/photos/**/*.jpg' --ray ray://head:10001 --out /shared/answers",
    "find photos -name '*.jpg' | seefar predict model.onnx - --out answers.jsonl --resume",
)


def predict(
    model: Path,
    images: Annotated[list[str], Parameter(negative="", allow_leading_hyphen=True)],
    *,
    json: Annotated[bool, Parameter(negative="")] = False,
    csv: Annotated[bool, Parameter(negative="")] = False,
    out: Path | None = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    top: int | None = None,
    abstain: float | None = None,
    explain: Annotated[bool, Parameter(negative="")] = False,
    decoders: Literal["threads", "processes"] | None = None,
    workers: int | None = None,
    ray: str | None = None,
    device: str = "auto",
) -> int:
    """Classify image files, in their order; a million of them take no more memory than a few. The exit code is 3 if any could not be read.

    Parameters
    ----------
    model
        A run folder, or an exported ONNX file.
    images
        Files; folders and zips, which stand for the images in them; patterns such as 'photos/**/*.jpg'; - for the files that stdin
        names, one a line.
    json
        One JSON object a line, with the probabilities of all classes.
    csv
        CSV, with the most probable class.
    out
        Write the answers to this file, which appears at the end; its name says the form: .jsonl or .csv.
    resume
        Go on with an --out that was killed; without one, begin.
    top
        List so many classes of each image, most probable first.
    abstain
        0.99: name no class where the confidence is below the one from which on 99 % were right on validation.
    explain
        Also save a picture of where the evidence was found for each image, in a folder beside --out, or in explained/.
    decoders
        What decodes beside the network: threads, as by default, or processes, which pay for many small files on many cores.
    workers
        How many of them; by default one for each core.
    ray
        Let a Ray cluster answer (pip install 'seefar[cluster]'): auto, local, or an address such as ray://host:10001. --out is then a
        folder of Parquet files, and everything lies on a disk that all machines share.
    device
        Of a run: auto, cpu, cuda or mps. Files are computed on the CPU.
    """
    import sys

    from seefar.answering.answer_file import answer_file, digest_of
    from seefar.answering.overlays import save_overlays
    from seefar.answering.predict import blocks
    from seefar.answering.rows import Lines
    from seefar.cli.pace import pace
    from seefar.model.fastest import load_fastest

    if ray is not None:
        return _on_ray(
            model, images, ray, out, top, abstain, resume, device, [json, csv, explain, bool(decoders), workers is not None]
        )
    form = _form(json, csv, out, resume)
    kind = decoders or "threads"
    trained, done, bad = load_fastest(model, device), 0, 0
    overlays = (out.with_name(f"{out.stem}-explained") if out else Path("explained")) if explain else None
    seen = out is None and sys.stdout.isatty()
    with pace("answering", _count(images), on_terminal=not seen) as tell:
        if out is not None and form is not None:
            done, bad = answer_file(
                trained,
                digest_of(model),
                images,
                out,
                form,
                top=top,
                abstain=abstain,
                resume=resume,
                overlays=overlays,
                decoders=kind,
                workers=workers,
                tell=tell,
            )
        else:
            limit = 1 if top is None and form == "csv" else top
            lines = Lines(form, limit or 1) if form else None
            _print_head(lines)
            tell(0)
            for block in blocks(trained, images, top=limit, abstain=abstain, maps=explain, decoders=kind, workers=workers):
                if overlays:
                    save_overlays(overlays, done, block)
                _print(block.rows, lines)
                done += len(block.rows)
                bad += sum(row.error is not None for row in block.rows)
                tell(done)
    if out:
        print(out)
    _tell_end(done, bad, overlays)
    return PARTLY if bad else 0


def _on_ray(
    model: Path,
    images: list[str],
    address: str,
    out: Path | None,
    top: int | None,
    abstain: float | None,
    resume: bool,
    device: str,
    others: list[bool],
) -> int:
    from seefar.answering.on_ray import answer_on_ray
    from seefar.cli.pace import pace
    from seefar.errors import UsageError

    if out is None or any(others):
        raise UsageError(
            "with --ray the answers are Parquet files in the folder --out; leave out --json, --csv, --explain, --decoders and --workers"
        )
    with pace("answering", _count(images), on_terminal=True) as tell:
        done, bad = answer_on_ray(
            model, images, out, address, top=top, abstain=abstain, resume=resume, device=device, tell=tell
        )
    print(out)
    _tell_end(done, bad, None)
    return PARTLY if bad else 0


def _form(json: bool, csv: bool, out: Path | None, resume: bool) -> "Form | None":
    from seefar.answering.rows import form_of
    from seefar.errors import UsageError

    if json and csv:
        raise UsageError("--json and --csv contradict each other; give one of them")
    if resume and out is None:
        raise UsageError("--resume goes on with a file of answers; say with --out which")
    if json or csv:
        return "json" if json else "csv"
    return form_of(out.suffix) if out else None


def _count(images: list[str]) -> "Count | None":
    """How many files there are, counted meanwhile; a list on stdin can only be read once."""
    from seefar.answering.items import LIST, Item, Reader, items
    from seefar.cli.pace import Count

    def listed() -> "Iterator[Item]":
        reader = Reader()
        try:
            yield from items(images, reader)
        finally:
            reader.close()

    return None if LIST in images else Count(listed)


def _print_head(lines: "Lines | None") -> None:
    if lines and lines.head():
        print(lines.head().decode(), end="")


def _print(rows: "Iterable[Prediction]", lines: "Lines | None") -> None:
    """Lines for programs, or tables for people."""
    if lines:
        print(lines.lines(rows).decode(), end="", flush=True)
        return
    from seefar.cli.output import print_table
    from seefar.reporting.tables import predictions

    waiting = [vars(row) for row in rows]
    for start in range(0, len(waiting), AT_ONCE):
        print_table(predictions(waiting[start : start + AT_ONCE]))


def _tell_end(done: int, bad: int, overlays: Path | None) -> None:
    from seefar.progress import say

    if bad:
        say(f"{bad:,} of {done:,} files could not be read; their rows say why")
    if overlays:
        say(f"pictures: {overlays}")
