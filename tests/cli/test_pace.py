"""Rate and time left: what was done before does not count for the rate, and nobody is told what nobody knows."""

import io
import threading
import time

import pytest
from tests.test_progress import plain, terminal

from seefar.cli import pace as pacing
from seefar.cli.pace import Count, Pace, pace, sentence


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in its first place is the time."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def counted(number: int) -> Count:
    count = Count(lambda: range(number))
    while count.known is None:
        time.sleep(0.001)
    return count


@pytest.mark.parametrize(
    ("total", "rate", "expected"),
    [
        (1_000_000, 500.0, "12,000 of 1,000,000 images, 500 a second, about 32 min 56 s left"),
        (None, 500.0, "12,000 images, 500 a second"),
        (1_000_000, 0.0, "12,000 of 1,000,000 images, 0 a second"),
        (12_000, 500.0, "12,000 of 12,000 images, 500 a second"),
    ],
)
def test_the_sentence_says_what_is_known(total: int | None, rate: float, expected: str) -> None:
    assert sentence(12_000, total, rate) == expected


def test_a_line_a_minute_and_what_was_done_before_is_not_in_the_rate(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    count = counted(10_000)
    tell = Pace(None, count)
    for seconds, done in ((0, 4000), (30, 4300), (60, 4600), (90, 4900), (121, 5210)):
        clock[0] = 100.0 + seconds
        tell(done)
    assert capsys.readouterr().err.splitlines() == [
        "4,600 of 10,000 images, 10 a second, about 9 min 0 s left",
        "5,210 of 10,000 images, 10 a second, about 7 min 59 s left",
    ]


def test_a_bar_on_a_terminal_unless_the_terminal_shows_the_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, 120) as written, pace("answering", counted(4), on_terminal=True) as tell:
        tell(0)
        time.sleep(0.01)
        tell(3)
    assert any("answering" in line and "75%" in line and "images a second" in line for line in plain(written.getvalue()))
    with terminal(monkeypatch, 120) as written, pace("answering", None, on_terminal=False) as tell:
        tell(3)
    assert written.getvalue() == ""


def test_without_a_total_the_bar_says_the_rate_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, 120) as written, pace("answering", None, on_terminal=True) as tell:
        tell(0)
        time.sleep(0.01)
        tell(3)
    assert "images a second" in written.getvalue()
    assert "%" not in written.getvalue()


def test_counting_goes_on_meanwhile_and_its_trouble_is_left_to_the_work() -> None:
    go = threading.Event()

    def things() -> io.StringIO:
        go.wait(5)
        return io.StringIO("a\nb\n")

    count = Count(things)
    assert count.known is None
    go.set()
    late = pacing.time.monotonic() + 5
    while count.known is None:
        assert pacing.time.monotonic() < late
        time.sleep(0.001)
    assert count.known == 2

    def trouble() -> list[object]:
        raise ValueError

    assert Count(trouble).known is None
