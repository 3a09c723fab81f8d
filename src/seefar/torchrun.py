"""Processes that torchrun started: which one this is, which one loads images first, which one reports an error. Light to import."""

import contextlib
import functools
import itertools
import json
import os
import secrets
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seefar.errors import SeefarError, UsageError

if TYPE_CHECKING:
    from torch.distributed import Store  # type: ignore[attr-defined] # torch does not declare it

TIMEOUT = 300.0  # seconds for which processes wait for each other in a training; SEEFAR_TIMEOUT changes it (chosen by hand)
LOADING = 3600.0  # seconds for which they wait for the images of a slower one: a download over a slow line (chosen by hand)
CONNECTING = 60.0  # seconds until torchrun's store must have answered (chosen by hand; it is there before the processes are)
POLL = 0.05  # seconds between looks at the notes: signals are answered in between, which a wait inside torch would not allow

_turns = itertools.count()


@dataclass(frozen=True)
class Place:
    """Which process this is.

    Attributes:
        rank: its number, from 0; only number 0 writes to the run folder and to the terminal.
        count: how many there are on all machines.
        local_rank: its number on its machine.
        local_count: how many there are on its machine.
        machine: the number of the machine.
    """

    rank: int
    count: int
    local_rank: int
    local_count: int
    machine: int


def place() -> Place | None:
    """Which of several processes this is; None if it is the only one."""
    if "TORCHELASTIC_RUN_ID" not in os.environ or os.environ["WORLD_SIZE"] == "1":
        return None
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK")
    return Place(*(int(os.environ[name]) for name in names))


def only_alone(verb: str) -> None:
    """Raise UsageError under torchrun: every process would do it, and count as a look of its own at the test images."""
    if place() is not None:
        raise UsageError(f"{verb} runs in one process; only train runs in several: use {verb} without torchrun")


def is_first() -> bool:
    """Whether this process is the one that prints: the first, or the only one."""
    here = place()
    return here is None or here.rank == 0


def patience() -> float:
    """Seconds after which a process that does not answer is given up: SEEFAR_TIMEOUT, or `TIMEOUT`."""
    text = os.environ.get("SEEFAR_TIMEOUT", str(TIMEOUT))
    with contextlib.suppress(ValueError):
        if 1 <= float(text) <= 86400:
            return float(text)
    raise UsageError(f"SEEFAR_TIMEOUT is {text!r}; allowed is 1 to 86400 seconds")


@functools.cache
def _store() -> "Store":
    """The keys and values that torchrun keeps for all processes; those of earlier attempts are still in it."""
    from datetime import timedelta

    from torch.distributed import rendezvous  # type: ignore[attr-defined] # torch does not declare it

    store: Store = next(iter(rendezvous("env://", timeout=timedelta(seconds=CONNECTING))))[0]
    return store


def _part(name: str) -> "Store":
    from torch.distributed import PrefixStore  # type: ignore[attr-defined] # torch does not declare it

    return PrefixStore(f"seefar/{name}", _store())


@functools.cache
def _machine_notes(here: Place) -> "Store":
    """Where the processes of one machine leave notes for each other in one attempt: they have one parent, which counts attempts."""
    return _part(f"{here.machine}/{os.getppid()}/{os.environ['TORCHELASTIC_RESTART_COUNT']}")


_attempt: "Store | None" = None


def notes() -> "Store":
    """Where all processes leave notes for each other, once they have come together."""
    if _attempt is None:
        raise RuntimeError("the processes have not come together")
    return _attempt


def come_together(here: Place, seconds: float) -> list[int]:
    """Wait until all processes have come here, but not longer than that many seconds.

    torchrun's store outlives an attempt, and not every machine counts attempts alike. So the first process names this one, and a
    process is in it if the first has seen a word that nobody else can have left.

    Returns:
        The processes that have not come.
    """
    global _attempt
    meeting, word, end = _part("meeting"), secrets.token_hex(8), time.monotonic() + seconds
    if here.rank == 0:
        name = word
        keys = {rank: f"{name}/{rank}" for rank in range(here.count)}
        meeting.set(keys[0], word)
        meeting.set("name", name)
        if missing := await_notes(meeting, keys, seconds):
            return missing
        meeting.set(f"{name}/in", json.dumps([meeting.get(key).decode() for key in keys.values()]))
    else:
        name = answered = ""
        while not name:
            called = meeting.get("name").decode() if meeting.check(["name"]) else ""
            if called != answered:
                meeting.set(f"{called}/{here.rank}", word)
                answered = called
            if called and meeting.check([f"{called}/in"]) and word in json.loads(meeting.get(f"{called}/in")):
                name = called
            elif time.monotonic() > end:
                return [0]
            else:
                time.sleep(POLL)
    _attempt = _part(name)
    return []


def await_notes(store: "Store", keys: Mapping[int, str], seconds: float) -> list[int]:
    """Wait until all notes are there, but not longer than that many seconds.

    Args:
        store: where they will be.
        keys: the name of the note that each process leaves.
        seconds: how long to wait.

    Returns:
        The processes whose note is missing.
    """
    end = time.monotonic() + seconds
    missing = list(keys)
    while missing := [process for process in missing if not store.check([keys[process]])]:
        if time.monotonic() > end:
            break
        time.sleep(POLL)
    return missing


class OtherFailedError(SeefarError):
    """What a process ends with because another one that it depends on has failed, which tells why; it has that one's exit code."""

    def __init__(self, rank: int, exit_code: int) -> None:
        super().__init__(f"process {rank} has failed; its own error says why")
        self.exit_code = exit_code


@contextlib.contextmanager
def in_turn() -> Iterator[bool]:
    """A block that the first process of each machine runs before its others do: what it leaves in the cache, they find there.

    All processes of a machine have to come here. Alone, it is an ordinary block. The value is whether this process goes first.

    Raises:
        OtherFailedError: it has failed in the first process.
        SeefarError: that one takes too long.
    """
    here = place()
    if here is None or here.local_count == 1:
        yield True
        return
    key = f"turn/{next(_turns)}"
    if here.local_rank == 0:
        outcome = 0
        try:
            yield True
        except BaseException as error:
            outcome = getattr(error, "exit_code", 1)
            raise
        finally:
            _machine_notes(here).set(key, str(outcome))
        return
    leader = here.rank - here.local_rank
    if await_notes(_machine_notes(here), {leader: key}, LOADING):
        raise SeefarError(f"process {leader} has not loaded the images within {LOADING / 60:.0f} minutes")
    if outcome := int(_machine_notes(here).get(key)):
        raise OtherFailedError(leader, outcome)
    yield False


def is_told_here(error: BaseException) -> bool:
    """Whether this process is to tell of its error: the first that fails does, the others fail of the same or of its absence.

    For processes that are about to end: from here on the signal with which torchrun ends those that are left is ignored, so that
    the sentence is not cut short.
    """
    here = place()
    if here is None:
        return True
    with contextlib.suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if isinstance(error, OtherFailedError):
        return False
    try:
        return (_attempt or _machine_notes(here)).add("failed", 1) == 1
    except RuntimeError:  # torchrun is gone, or cannot be reached
        return here.rank == 0
