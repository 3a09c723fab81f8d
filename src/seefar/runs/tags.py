"""Words by which a person finds a run again: `tags.txt` in its folder, one a line, to be changed with any editor at any time."""

from collections.abc import Sequence

from seefar.errors import UsageError
from seefar.runs.folder import Run

NAME = "tags.txt"
LONGEST = 60  # characters of a tag (chosen by hand: a cell of a table)
MOST = 20  # tags of a run (chosen by hand)


def check_tags(tags: Sequence[str]) -> None:
    """Raise UsageError for what cannot be a tag: nothing, several lines, or a whole paragraph; and for too many of them."""
    for tag in tags:
        if not tag.strip() or len(tag) > LONGEST or not tag.isprintable():
            raise UsageError(f"the tag {tag[:LONGEST]!r} is none; expected one line of 1 to {LONGEST} characters")
    if len(tags) > MOST:
        raise UsageError(f"{len(tags)} tags are given; allowed are {MOST}")


def write_tags(run: Run, tags: Sequence[str]) -> None:
    """Write the file, if there are any tags. They have been checked."""
    if tags:
        run.write_bytes(NAME, "".join(f"{tag.strip()}\n" for tag in dict.fromkeys(tags)).encode())


def tags_in(content: bytes) -> list[str]:
    """The tags in the content of such a file; what cannot be one is left out."""
    lines = [line.strip() for line in content.decode(errors="replace").splitlines()]
    return [line for line in dict.fromkeys(lines) if line and len(line) <= LONGEST and line.isprintable()][:MOST]
