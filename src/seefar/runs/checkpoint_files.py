"""Checkpoint files: everything that resuming needs, in `state/`, verified before use; the two newest are kept.

A checkpoint is one file of tensors, `<step>.safetensors`, and beside it `<step>.json` with its length and SHA-256. The latter is
written last: a checkpoint without it was never finished and does not count. The newest is known by its step, never by a file's time.
"""

import hashlib
import json
from pathlib import Path

from seefar.errors import ModelFileError
from seefar.runs.folder import Run
from seefar.runs.formats import FORMAT

KEPT = 2  # so that there is a good one left if the newest turns out to be damaged


def write_checkpoint(run: Run, step: int, content: bytes) -> None:
    """Add a checkpoint, then delete all but the newest two, what a kill has left half-written, and any of later steps.

    A later one can only be damaged: training was resumed from the one before it.

    Raises:
        DiskError: no space, no permission; the checkpoints before it are untouched.
    """
    (run.path / "state" / f"{step:09d}.json").unlink(missing_ok=True)
    run.write_bytes(f"state/{step:09d}.safetensors", content)
    seal = {"format": FORMAT, "step": step, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    run.write_bytes(f"state/{step:09d}.json", json.dumps(seal).encode())
    kept = {path.stem for path in [path for path in _seals(run) if int(path.stem) <= step][:KEPT]}
    for path in (run.path / "state").iterdir():
        if path.suffix == ".tmp" or path.stem not in kept:
            path.unlink(missing_ok=True)


def newest_checkpoint(run: Run) -> tuple[bytes | None, list[str]]:
    """The newest checkpoint that is whole, and a sentence for each newer one that is not.

    Returns:
        (content, complaints); the content is None if there never was a checkpoint.

    Raises:
        ModelFileError: there are checkpoints, but none can be used.
    """
    complaints: list[str] = []
    for seal in _seals(run):
        try:
            return _verified(seal), complaints
        except ModelFileError as error:
            complaints.append(str(error))
    if complaints:
        raise ModelFileError(f"no checkpoint in {run.path / 'state'} can be used; train again", complaints)
    return None, []


def _seals(run: Run) -> list[Path]:
    """The small files that make checkpoints count, newest first."""
    return sorted((path for path in (run.path / "state").glob("*.json") if path.stem.isdigit()), reverse=True)


def _verified(seal: Path) -> bytes:
    path = seal.with_suffix(".safetensors")
    try:
        facts, content = json.loads(seal.read_bytes()), path.read_bytes()
        if facts["format"] > FORMAT:
            raise ModelFileError(f"{path} is of format {facts['format']}, this seefar reads {FORMAT}: use a newer seefar")
        length, digest = facts["bytes"], facts["sha256"]
    except FileNotFoundError:
        raise ModelFileError(f"{path} is missing") from None
    except OSError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError):
        raise ModelFileError(f"{seal} is damaged") from None
    if len(content) != length:
        raise ModelFileError(f"{path} is damaged: it has {len(content):,} bytes, expected {length:,}")
    if (found := hashlib.sha256(content).hexdigest()) != digest:
        raise ModelFileError(f"{path} is damaged: SHA-256 is {found[:12]}..., expected {str(digest)[:12]}...")
    return content
