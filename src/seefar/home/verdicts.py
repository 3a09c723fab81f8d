"""The verdict on two runs, as `seefar compare` gives it: computed by that command, in a process of its own that needs torch."""

import json
import os
import subprocess
import sys
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from seefar.errors import InUseError, SeefarError

PATIENCE = 120.0  # seconds for one comparison (chosen by hand: importing torch on a busy machine is most of it)
KEPT = 64  # verdicts (chosen by hand)
WAITING = 4  # comparisons that wait for the one that is computed, at most (chosen by hand)


class Verdicts:
    """Compares two runs at a time, and remembers."""

    def __init__(self) -> None:
        self._one = threading.Lock()
        self._waiting = threading.BoundedSemaphore(WAITING)
        self._book = threading.Lock()  # held for moments only: for the two below
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._kept: OrderedDict[tuple[Any, ...], dict[str, Any]] = OrderedDict()

    def compare(self, base: Path, other: Path, split: str, key: tuple[Any, ...]) -> dict[str, Any]:
        """The difference with its interval, by class, and the sentences of `seefar compare`.

        Args:
            base: the folder of one run.
            other: of the other.
            split: "validation" or "test".
            key: stands for the content of both folders.

        Raises:
            InUseError: many comparisons wait already.
            SeefarError: the runs cannot be compared; the sentence says why.
        """
        if not self._waiting.acquire(blocking=False):
            raise InUseError("several comparisons are being computed; ask again in a moment")
        try:
            with self._one:
                if key not in self._kept:
                    self._kept[key] = _verdict(self._computed(base, other, split))
                    while len(self._kept) > KEPT:
                        self._kept.popitem(last=False)
                return self._kept[key]
        finally:
            self._waiting.release()

    def close(self) -> None:
        """End the comparison that is computed, and begin no more."""
        with self._book:
            self._closed = True
            if self._process is not None:
                self._process.kill()

    def _computed(self, base: Path, other: Path, split: str) -> dict[str, Any]:
        words = [sys.executable, "-P", "-m", "seefar", "compare", str(base), str(other), "--split", split, "--json"]
        with self._book:
            if self._closed:
                raise SeefarError("this page was closed")
            self._process = subprocess.Popen(  # noqa: S603  our own program, and folders that we found; -P: no module from where we stand
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
        with self._process as process:
            try:
                out, said_there = process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise SeefarError(
                    f"comparing took more than {PATIENCE:.0f} seconds; use seefar compare in a terminal"
                ) from None
        if process.returncode:
            lines = said_there.decode(errors="replace").strip().splitlines()
            said = next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), "the comparison failed")
            raise SeefarError(said)
        found: dict[str, Any] = json.loads(out)
        return found


def _verdict(found: dict[str, Any]) -> dict[str, Any]:
    from seefar.reporting import comparison_words

    (pair,) = found["pairs"]
    return {
        "split": found["split"],
        "images": found["images"],
        "base": pair["base"],
        "other": pair["other"],
        "difference": pair["difference"],
        "agreement": pair["agreement"],
        "classes": pair["classes"],
        "sentences": comparison_words.pair(pair),
        "recipes": [comparison_words.seeds(row) for row in found["recipes"]],
    }
