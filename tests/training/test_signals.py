"""The first signal is remembered, the second ends the process at once, and afterwards everything is as before."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from seefar.training.signals import graceful


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_first_signal_is_told_and_the_old_handlers_come_back(number: signal.Signals) -> None:
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    with graceful() as leave:
        assert leave() == 0
        os.kill(os.getpid(), number)
        assert leave() == number
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)] == before


def test_an_ignored_signal_stays_ignored() -> None:
    """`nohup seefar train`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with graceful() as leave:
            os.kill(os.getpid(), signal.SIGHUP)
            assert leave() == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_the_main_thread_nothing_is_caught() -> None:
    told = []

    def inside() -> None:
        with graceful() as leave:
            told.append(leave())

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert told == [0]


@pytest.mark.parametrize(("second", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_leaves_at_once(second: signal.Signals, code: int) -> None:
    """Fault 107: the step never ends here."""
    program = (
        "import time\nfrom seefar.training.signals import graceful\n"
        "with graceful() as leave:\n    print('ready', flush=True)\n    while True: time.sleep(0.01)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert process.poll() is None
        process.send_signal(second)
        assert process.wait(timeout=2) == code
