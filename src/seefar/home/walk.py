"""Which folders below a root are runs, studies and searches: listed once, and again only where something has changed."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from seefar.home.groups import KINDS

DEEPEST = 8  # folders below the root (chosen by hand: a confirming study of a search is five)
MOST_FOLDERS = 100_000  # that are looked into (chosen by hand)
SETTLED = 1.0  # seconds: what was changed later than that may change again within one tick of the clock of the disk
MARKS = {"data.json", "splits.json", "environment.json", "history.csv", "manifest.json", "timing.json", "weights"}
ENOUGH = 3  # of them tell a run that has lost its recipe (chosen by hand: one or two of these names are common)


@dataclass
class Place:
    """A folder below the root.

    Attributes:
        parts: the names from the root to it.
        kind: "run", "study", "search", or empty.
        changed: when its list of names changed, in nanoseconds.
        group: the parts of the study or search that it belongs to.
    """

    parts: tuple[str, ...]
    kind: str
    changed: int
    group: tuple[str, ...] | None


@dataclass
class _Known:
    changed: int
    kind: str
    below: list[str]
    links: int


@dataclass
class Walk:
    """The folders below a root. `notes` says what the last walk left out."""

    root: Path
    notes: list[str] = field(default_factory=list)
    _known: dict[tuple[str, ...], _Known] = field(default_factory=dict)

    def places(self) -> Iterator[Place]:
        """Every run, study and search, the folders above before those below."""
        known: dict[tuple[str, ...], _Known] = {}
        refused, seen = 0, 0
        pending: list[tuple[tuple[str, ...], tuple[str, ...] | None]] = [((), None)]
        full = False
        while pending:
            parts, group = pending.pop()
            path = self.root.joinpath(*parts)
            try:
                changed = path.stat(follow_symlinks=not parts).st_mtime_ns
                there = self._known.get(parts)
                if there is None or there.changed != changed:
                    there = _listed(path, changed)
            except OSError:
                refused += 1
                continue
            seen += 1
            known[parts] = there
            own = parts if there.kind in KINDS.values() else group
            if there.kind:
                yield Place(parts, there.kind, changed, group)
            if len(parts) < DEEPEST:
                pending += [((*parts, name), own) for name in reversed(there.below)]
            if seen >= MOST_FOLDERS:
                full = True
                break
        self._note(sum(one.links for one in known.values()), refused, full)
        young = time.time_ns() - SETTLED * 1e9
        self._known = {parts: replace(one, changed=-1) if one.changed > young else one for parts, one in known.items()}

    def _note(self, links: int, refused: int, full: bool) -> None:
        found = []
        if full:
            found.append(
                f"more than {MOST_FOLDERS:,} folders lie here: the others were not looked into; name a folder with fewer"
            )
        if refused:
            found.append(f"{refused:,} folder{'s' * (refused > 1)} could not be read")
        if links:
            found.append(f"{links:,} link{'s' * (links > 1)} to folders were not followed; name the folder itself")
        self.notes = found


def _listed(path: Path, changed: int) -> _Known:
    """What a folder is, the folders in it, and how many links to folders. A run has nothing below that is looked into."""
    names, below, links = set(), [], 0
    with os.scandir(path) as entries:
        for entry in entries:
            names.add(entry.name)
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.name)
            elif entry.is_symlink() and entry.is_dir():
                links += 1
    kind = next((kind for name, kind in KINDS.items() if name in names), "")
    if not kind and ("recipe.json" in names or len(names & MARKS) >= ENOUGH):
        return _Known(changed, "run", [], 0)
    return _Known(changed, kind, sorted(below), links)
