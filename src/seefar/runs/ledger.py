"""The ledger of looks at test images. With enough looks chance alone finds a good figure, so every look is counted and reported.

A look is any output of a trained network for test images. Each goes into the run's own ledger and, by the digest of the test set,
into one in `SEEFAR_HOME`, which counts over all runs on this machine. A look is written before its output exists.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seefar import files
from seefar.runs.folder import Run

NAME = "test-ledger.jsonl"


@dataclass(frozen=True)
class Looks:
    """How often test images were looked at: with this run's network, and with any network on this machine."""

    run: int
    machine: int


def record_look(run: Run | None, digest: str, verb: str) -> None:
    """Enter one look.

    Args:
        run: whose network looks; None for networks that no run keeps, as those of an audit.
        digest: of the test images, `ImageSet.digest`.
        verb: what for: "evaluate", say.

    Raises:
        DiskError: a ledger cannot be written; then nothing may look.
    """
    folder = files.make_folder(files.home() / "looks")
    look = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "verb": verb,
        "test": digest,
        "manifest": _manifest(run) if run else None,
    }
    line = json.dumps(look)
    files.append_line(folder / f"{digest}.jsonl", line)
    if run:
        files.append_line(run.path / NAME, line)


def count_looks(run: Run, digest: str) -> Looks:
    """The counts so far."""
    return Looks(_lines(run.path / NAME), _lines(files.home() / "looks" / f"{digest}.jsonl"))


def _manifest(run: Run) -> str:
    """The digest of the run's manifest: it stands for the weights that looked."""
    return files.sha256(run.path / "manifest.json")


def _lines(path: Path) -> int:
    return len(path.read_bytes().splitlines()) if path.exists() else 0
