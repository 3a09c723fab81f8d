"""All runs, studies and searches below a folder, in memory; read again where files have changed, and told as what is new since a moment."""

import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seefar.errors import ModelFileError
from seefar.home import groups, rows
from seefar.home.untrusted import Folder, inside
from seefar.home.walk import SETTLED, Place, Walk

MOST = 20_000  # runs that are read (chosen by hand: four times what the page is measured with)
AT_ONCE = 1000  # entries of an answer (chosen by hand)
THOROUGH = (
    20.0  # seconds after which each file is looked at, not only the folder: one may be written over in place (chosen by hand)
)


@dataclass
class Entry:
    """A row.

    Attributes:
        parts: the names from the root to its folder.
        kind: "run", "study" or "search".
        version: when it last changed, in changes of the index.
        json: what the page gets.
        seen: state of the folder when it was read.
        state: of a run: "training", "finished", ...
        digest: of the test images that a run was evaluated on.
    """

    parts: tuple[str, ...]
    kind: str
    version: int
    json: str
    seen: tuple[Any, ...]
    state: str
    digest: str


class Index:
    """The rows below a root. One thread refreshes it; any may read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.scanning = True
        self._boot = secrets.token_hex(4)
        self._walk = Walk(root)
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._gone: dict[str, int] = {}
        self._version = 0
        self._recipes: dict[str, int] = {}
        self._recipe_list: list[str] = []
        self._full = 0
        self._thorough_at = 0.0

    def refresh(self) -> None:
        """Look what has changed, and read that."""
        thorough = time.monotonic() - self._thorough_at > THOROUGH
        if thorough:
            self._thorough_at = time.monotonic()
        met, count = set[str](), 0
        for place in self._walk.places():
            count += place.kind == "run"
            if place.kind == "run" and count > MOST:
                continue
            name = id_of(place.parts)
            met.add(name)
            self._update(name, place, thorough)
        with self._lock:
            for name in self._entries.keys() - met:
                del self._entries[name]
                self._version += 1
                self._gone[name] = self._version
            self._full = max(count - MOST, 0)
            self.scanning = False

    def _update(self, name: str, place: Place, thorough: bool) -> None:
        """Read a row if its folder has changed."""
        there = self._entries.get(name)
        if there and there.seen[0] == place.changed and there.kind == place.kind and not thorough and there.state != "training":
            return
        try:
            with inside(self.root, place.parts) as folder:
                stamps = rows.stamps(folder) if place.kind == "run" else groups.stamps(folder)
                seen = (place.changed, stamps)
                if there and there.seen == seen and there.kind == place.kind and there.state != "training":
                    return
                row, recipe = rows.read_row(folder) if place.kind == "run" else (groups.read_group(folder, place.kind), {})
        except ModelFileError as error:
            seen, row, recipe = (-1, ()), {"reason": str(error)}, {}
        except Exception as error:  # noqa: BLE001  one row that nobody foresaw must not hide the others
            seen, row, recipe = (-1, ()), {"reason": f"it cannot be read ({type(error).__name__}); please report this"}, {}
        if _newest(seen) > time.time_ns() - SETTLED * 1e9:
            seen = (-1, seen[1])  # it may change again without a sign: look once more
        self._put(name, place, row, recipe, seen)

    def _put(self, name: str, place: Place, row: dict[str, Any], recipe: dict[str, Any], seen: tuple[Any, ...]) -> None:
        whole: dict[str, Any] = {"id": name, "kind": place.kind, "path": "/".join(place.parts) or self.root.name}
        if place.group is not None:
            whole["group"] = id_of(place.group)
        with self._lock:
            if place.kind == "run":
                whole["recipe"] = self._recipe(json.dumps(recipe))
            text = json.dumps(whole | row, separators=(",", ":"), allow_nan=False)
            there = self._entries.get(name)
            if there and there.json == text:
                there.seen = seen
                return
            self._version += 1
            self._gone.pop(name, None)
            state, digest = str(row.get("state", "")), str(row.get("digest", ""))
            self._entries[name] = Entry(place.parts, place.kind, self._version, text, seen, state, digest)

    def _recipe(self, text: str) -> int:
        """The number of a recipe: runs that share one share its text."""
        if text not in self._recipes:
            self._recipes[text] = len(self._recipe_list)
            self._recipe_list.append(text)
        return self._recipes[text]

    def since(self, moment: str, recipes: int) -> bytes:
        """What changed since a moment, as JSON: at most 1,000 entries, the next moment, and whether there is more.

        Args:
            moment: "at" of the answer before; anything else stands for the beginning.
            recipes: how many recipes the asker has.
        """
        boot, _, version = moment.partition("-")
        known = int(version) if boot == self._boot and version.isdigit() and len(version) < 16 else 0
        with self._lock:
            fresh = boot != self._boot or known > self._version
            known = 0 if fresh else known
            new = sorted((one for one in self._entries.values() if one.version > known), key=lambda one: one.version)
            gone = [name for name, at in self._gone.items() if at > known] if known else []
            more = len(new) > AT_ONCE
            at = new[AT_ONCE - 1].version if more else self._version
            texts = [one.json for one in new[:AT_ONCE]]
            new_recipes = self._recipe_list[0 if fresh else min(recipes, len(self._recipe_list)) :]
            notes = list(self._walk.notes)
            if self._full:
                notes.append(f"{self._full:,} runs more lie here than the {MOST:,} that are shown; name a folder with fewer")
            head = {
                "at": f"{self._boot}-{at}",
                "fresh": fresh,
                "more": more,
                "scanning": self.scanning,
                "root": str(self.root),
                "notes": notes,
                "gone": gone,
            }
        return (json.dumps(head)[:-1] + f', "recipes": [{",".join(new_recipes)}], "entries": [{",".join(texts)}]}}').encode()

    def find(self, name: str, *kinds: str) -> Entry | None:
        """A row by its id; None if there is none of that kind."""
        with self._lock:
            found = self._entries.get(name)
        return found if found and found.kind in kinds else None

    def looked(self) -> dict[str, list[str]]:
        """The ids of the runs that were evaluated on test images, by the digest of those."""
        found: dict[str, list[str]] = {}
        with self._lock:
            for name, entry in self._entries.items():
                if entry.digest:
                    found.setdefault(entry.digest, []).append(name)
        return found


def id_of(parts: Sequence[str]) -> str:
    """A name for a folder that can stand in an address, whatever the folder is called."""
    return hashlib.blake2b(os.fsencode("/".join(parts)), digest_size=8).hexdigest()


def open_folder(index: Index, entry: Entry) -> Folder:
    """The folder of a row, open. Raises ModelFileError if it is gone."""
    return Folder.open(index.root, entry.parts)


def _newest(seen: tuple[Any, ...]) -> int:
    return int(max([seen[0], *(changed for changed, _ in seen[1])]))
