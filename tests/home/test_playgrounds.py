"""Processes beside the page: a run that changed gets a playground anew, and what is only being made ends with the page, too."""

import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from tests.home.folders import made

from seefar.errors import SeefarError
from seefar.home import verdicts
from seefar.home.playgrounds import Playgrounds
from seefar.home.verdicts import Verdicts


def test_a_run_that_changed_gets_another_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    processes: list[BaseProcess] = []

    def start(run: Path) -> tuple[BaseProcess, str]:
        processes.append(multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,), daemon=True))
        processes[-1].start()
        return processes[-1], f"http://{len(processes)}/"

    shown = Playgrounds()
    monkeypatch.setattr(shown, "_start", start)
    assert shown.address(tmp_path, "before") == shown.address(tmp_path, "before") == "http://1/"
    assert shown.address(tmp_path, "after") == "http://2/"
    processes[0].join(10)
    assert [process.is_alive() for process in processes] == [False, True]
    processes[1].terminate()


def ended(work: Callable[[], object], close: Callable[[], None], begun: Callable[[], object]) -> str:
    """What a thread is told that waits for something when the page is closed; it waits no longer."""
    told: list[str] = []

    def wait() -> None:
        with pytest.raises(SeefarError) as caught:
            work()
        told.append(str(caught.value))

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    late = time.monotonic() + 10
    while not begun():
        assert time.monotonic() < late
        time.sleep(0.01)
    close()
    thread.join(10)
    assert not thread.is_alive()
    return told[0]


def test_one_that_is_being_made_ends_with_the_page(tmp_path: Path) -> None:
    shown = Playgrounds()
    assert "ended before" in ended(lambda: shown.address(tmp_path, ""), shown.close, lambda: shown._processes)
    with pytest.raises(SeefarError, match="closed"):
        shown.address(tmp_path, "")


def test_a_comparison_ends_with_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    start = subprocess.Popen
    monkeypatch.setattr(
        verdicts.subprocess, "Popen", lambda words, **how: start([sys.executable, "-c", "import time; time.sleep(60)"], **how)
    )
    base, other = made(tmp_path, 2)
    compared = Verdicts()
    said = ended(lambda: compared.compare(base, other, "test", ()), compared.close, lambda: compared._process)
    assert said == "the comparison failed"
    with pytest.raises(SeefarError, match="closed"):
        compared.compare(base, other, "test", ())
