"""Answers for any number of files, written to a file that appears whole or not at all and goes on after a kill."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from seefar.answering.decoding import Decoders
from seefar.answering.items import Reader, items
from seefar.answering.output import writing
from seefar.answering.overlays import save_overlays
from seefar.answering.rows import Form, Lines
from seefar.answering.stream import stream
from seefar.files import sha256
from seefar.model.model import Model


class Written(NamedTuple):
    """What became of it: the answers in the file, those of earlier attempts among them, and how many of the files were bad."""

    done: int
    bad: int


def answer_file(
    model: Model,
    digest: str,
    what: Sequence[str],
    out: Path,
    form: Form,
    *,
    top: int | None = None,
    abstain: float | None = None,
    resume: bool = False,
    overlays: Path | None = None,
    decoders: Decoders = "threads",
    workers: int | None = None,
    tell: Callable[[int], None] = lambda done: None,
    stdin: BinaryIO | None = None,
) -> Written:
    """Write the answers for everything that `what` stands for; see `output.py` for how.

    Args:
        model: answers.
        digest: of its file or run (`digest_of`): answers of two models never come together in one file.
        what: as `items.items` takes it.
        out: the file.
        form: "json" (a line an answer) or "csv".
        top: how many classes a row lists; by default all in JSON, and one in CSV.
        abstain: as for `stream`.
        resume: go on with what an earlier attempt has left.
        overlays: a folder for pictures of where the evidence was found.
        decoders, workers: as for `stream`.
        tell: called with the number of answers that are written.
        stdin: what "-" reads from.

    Raises:
        DataError: `what` is not there, or has changed since the attempt that is resumed.
        UsageError: there is an earlier attempt that is not to be resumed, or was of another request.
        InUseError: another process is writing the file.
        DiskError: no space, no permission.
    """
    lines = Lines(form, top or 1)
    request = {
        "model": digest,
        "temperature": model.temperature,
        "what": list(what),
        "form": form,
        "top": top,
        "abstain": abstain,
        "overlays": None if overlays is None else str(overlays),
    }
    reader = Reader()
    try:
        listed = items(what, reader, stdin)
        with writing(out, request, lines, resume) as output:
            left = output.skip(listed)
            tell(output.done)
            limits: dict[str, Any] = {"top": 1 if top is None and form == "csv" else top, "abstain": abstain}
            for block in stream(model, left, reader, **limits, maps=overlays is not None, decoders=decoders, workers=workers):
                if overlays is not None:
                    save_overlays(overlays, output.done, block)
                output.write(block.rows)
                tell(output.done)
            return Written(output.done, output.bad)
    finally:
        reader.close()


def digest_of(source: str | Path) -> str:
    """What tells a model's file or run from any other: the SHA-256 of the file, or of the run's manifest."""
    path = Path(source)
    return sha256(path if path.is_file() else path / "manifest.json")
