"""The live view of a training: a table that grows by a line an epoch and, on a terminal, curves and a bar below it."""

import contextlib
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from seefar.data.batches import Lengths
from seefar.progress import say
from seefar.training.events import Epoch, Step
from seefar.training.pace import ByClock
from seefar.training.plan import Plan
from seefar.training.sparkline import Piece, chart

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.live import Live
    from rich.segment import Segment

COLUMNS = {"epoch": 9, "loss": 8, "accuracy": 9, "val loss": 9, "val acc": 8, "rate": 8, "seconds": 8}  # their widths
DISPENSABLE = ("seconds", "rate", "loss", "val loss", "accuracy")  # on a narrow terminal, in this order
BEST = "  best so far"
ENDINGS = {"patience": "validation did not improve", "budget": "the budget is used up"}

REFRESH = 1 / 8  # seconds between two pictures; one takes 0.6 ms (measured in a terminal of 100 columns): 0.5 % of the time
UNKNOWN = 1_000_000  # stands for the number of epochs where a clock decides
SIDE_BY_SIDE = 72  # columns from which two charts stand beside each other (chosen by hand)
CHART = (70, 7)  # columns at most, and lines, of a chart (chosen by hand)


def live_view(events: Iterator[Step | Epoch], plan: Plan, earlier: Sequence[Epoch] = ()) -> Iterator[Step | Epoch]:
    """Pass a training on, with a line after each epoch and, on a terminal, curves, the speed and the time that remains.

    Args:
        events: what `fit` yields.
        plan: what is trained.
        earlier: the epochs before `events` where a run is resumed; they are drawn, but the speed is that of now.
    """
    clock = plan.clock if plan.recipe.stopping.budget else None
    epochs = UNKNOWN if clock else plan.recipe.stopping.epochs
    lengths = Lengths(len(plan.train), plan.recipe.sampling.batch_size, plan.recipe.sampling.leave_out)
    history = list(earlier)
    comparable = plan.recipe.kept.interim == 1  # else epochs answer for different images, and none is the best
    with _screen(history, epochs, lengths.steps_before, plan.recipe.stopping.patience > 0, clock) as screen:
        columns = _columns(screen)
        say(_heading(columns))
        if earlier:
            say(f"{_number(len(earlier), epochs)} epochs done before{_best(history) * comparable}")
        for event in events:
            if isinstance(event, Step):
                if screen:
                    screen.step(event)
                yield event
                continue
            history.append(event)
            if _columns(screen) != columns:  # the window has another width now
                columns = _columns(screen)
                say(_heading(columns))
            say(" ".join(_cells(event, epochs)[name] for name in columns) + BEST * (event.best and comparable))
            if event.ending:
                say(_end(history, epochs) + _best(history).replace("best so far", "best") * comparable)
            if screen:
                screen.speed.pause(time.perf_counter())
            yield event


def _columns(screen: "_Screen | None") -> list[str]:
    """The columns of the table for which there is room: all of them where there is no terminal."""
    columns = list(COLUMNS)
    for name in DISPENSABLE if screen else ():
        if screen and len(_heading(columns)) + len(BEST) > screen.width:
            columns.remove(name)
    return columns


def _heading(columns: Sequence[str]) -> str:
    return " ".join(f"{name:>{COLUMNS[name]}}" for name in columns)


def _cells(epoch: Epoch, epochs: int) -> dict[str, str]:
    return {
        "epoch": _number(epoch.number, epochs),
        "loss": f"{epoch.loss:8.3f}",
        "accuracy": f"{epoch.accuracy:9.1%}",
        "val loss": f"{epoch.validation_loss:9.3f}",
        "val acc": f"{epoch.validation_accuracy:8.1%}",
        "rate": f"{epoch.rate:8.2g}",
        "seconds": f"{epoch.seconds:8.1f}",
    }


def _number(epoch: int, epochs: int) -> str:
    """Of an epoch, as it stands in the first column."""
    return f"{epoch:>5}    " if epochs == UNKNOWN else f"{epoch:>5}/{epochs:<3}"


def _best(history: Sequence[Epoch]) -> str:
    best = [epoch.number for epoch in history if epoch.best]
    return f"; best so far: epoch {best[-1]}" if best else ""


def _end(history: Sequence[Epoch], epochs: int) -> str:
    """Why it is over, in words."""
    last = history[-1]
    where = f"after epoch {last.number}" + (f" of {epochs}" if epochs != UNKNOWN else "")
    return f"finished {where}" if last.ending == "finished" else f"stopped {where}: {ENDINGS.get(last.ending, last.ending)}"


@contextlib.contextmanager
def _screen(
    history: Sequence[Epoch],
    epochs: int,
    steps_before: Callable[[int], int],
    may_end_early: bool,
    clock: ByClock | None,
) -> "Iterator[_Screen | None]":
    """What moves below the table, for the length of the block; None where nothing can move."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if console.is_dumb_terminal:
        yield None
        return
    live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=sys.stdout.isatty())
    screen = _Screen(live, history, epochs, steps_before, may_end_early, clock)
    with live:
        yield screen


class _Screen:
    """Curves of the epochs so far, and below them a bar with the speed and the remaining time."""

    def __init__(
        self,
        live: "Live",
        history: Sequence[Epoch],
        epochs: int,
        steps_before: Callable[[int], int],
        may_end_early: bool,
        clock: ByClock | None,
    ) -> None:
        self.live, self.history, self.epochs, self.may_end_early = live, history, epochs, may_end_early
        self.steps = steps_before(epochs + 1)  # in all
        self.clock = clock
        self.speed = Speed(steps_before(2))
        self.done = steps_before(len(history) + 1)
        self.due = 0.0
        self.drawn: tuple[object, list[list[Piece]]] = (None, [])
        live.update(self)

    @property
    def width(self) -> int:
        return self.live.console.width

    def step(self, step: Step) -> None:
        """Take note of it, and draw if it is time to. What is written on stderr draws, too: a new epoch is seen at once."""
        now = time.perf_counter()
        self.done = step.number
        self.speed.step(step.images, now)
        if now >= self.due:
            self.live.refresh()
            self.due = time.perf_counter() + REFRESH

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "Iterator[Segment]":
        from rich.segment import Segment
        from rich.style import Style

        styles = {"": Style(), "train": Style(), "val": Style(color="bright_blue"), "bar": Style(color="green")}
        unicode = console.encoding.startswith("utf")
        width, height = console.size
        for line in [*(self._charts(width, height) if unicode else []), *self._bar(width, unicode)]:
            yield from (Segment(text, styles[name]) for text, name in line)
            yield Segment.line()

    def _charts(self, width: int, height: int) -> list[list[Piece]]:
        """Loss and accuracy; drawn anew only when there is something new."""
        state = (len(self.history), width, height)
        if state != self.drawn[0]:
            self.drawn = (state, _charts(self.history, self.epochs, width, height) if self.history else [])
        return self.drawn[1]

    def _bar(self, width: int, unicode: bool) -> list[list[Piece]]:
        """The bar between its texts, or above them where there is no room."""
        if self.clock:
            left, share = f"epoch {len(self.history) + 1}", self.clock.progress()
            remaining: float | None = max(self.clock.seconds - self.clock.spent(), 0)
        else:
            left = f"epoch {min(len(self.history) + 1, self.epochs)}/{self.epochs}"
            share = min(self.done / self.steps, 1)
            remaining = self.speed.remaining(max(self.steps - self.done, 0))
        right = ""
        if remaining is not None:
            right = (
                f"{self.speed.images_per_second():,.0f} images/s  {'at most ' * self.may_end_early}{_duration(remaining)} left"
            )
        room = width - len(left) - max(len(right), 38) - 5  # most texts are shorter: the bar does not jump with them
        length = room if room >= 10 else width - 2
        full = round(length * share)
        done, rest = ("━" * full, "─" * (length - full)) if unicode else ("=" * full, "-" * (length - full))
        if room >= 10:
            return [[(f" {left} ", ""), (done, "bar"), (f"{rest}  {right}", "")]]
        return [[(" ", ""), (done, "bar"), (rest, "")], [(f" {left}  {right}", "")]]


def _charts(history: Sequence[Epoch], epochs: int, width: int, height: int) -> list[list[Piece]]:
    """Loss and accuracy of the epochs so far, beside or above each other, or as much of that as there is room for."""
    wide, high = CHART
    beside = width >= SIDE_BY_SIDE
    size = (min(width // 2 if beside else width, wide), high)
    if size[0] < 30 or height < high + 5:
        return []
    loss = {"train": [epoch.loss for epoch in history], "val": [epoch.validation_loss for epoch in history]}
    accuracy = {"train": [epoch.accuracy for epoch in history], "val": [epoch.validation_accuracy for epoch in history]}
    last = 10  # where the axis ends: doubled when the curves arrive there, so that they never crowd its beginning
    while last < len(history):
        last *= 2
    last = min(last, epochs)
    right = chart("accuracy", accuracy, last, size, lambda value: f"{value:.1%}")
    if not beside and height < 2 * high + 8:
        return [[], *right]
    left = chart("loss", loss, last, size, lambda value: f"{value:.3g}")
    if beside:
        return [[], *(a + b for a, b in zip(left, right, strict=True))]
    return [[], *left, *right]


class Speed:
    """How fast a training goes, by its last epoch's worth of steps: in it are as many checks on validation images as in the rest."""

    def __init__(self, steps: int) -> None:
        """Nothing has been done yet of epochs of so many steps."""
        self.marks: deque[tuple[float, float, int]] = deque(maxlen=steps + 1)  # seconds, those of them in steps, images
        self.resumed: float | None = None

    def step(self, images: int, now: float) -> None:
        """A step has ended at `now` seconds. The first only starts the clock: it is slower than the others."""
        _, busy, seen = self.marks[-1] if self.marks else (now, 0.0, 0)
        self.marks.append((now, busy + (now - self.resumed if self.resumed is not None else 0), seen + images))
        self.resumed = now

    def pause(self, now: float) -> None:
        """Other work than steps has ended at `now` seconds."""
        self.resumed = now

    def images_per_second(self) -> float:
        """Images a second while steps are made; 0 before two of them."""
        if len(self.marks) < 2:
            return 0
        (_, begun, before), (_, busy, seen) = self.marks[0], self.marks[-1]
        return (seen - before) / max(busy - begun, 1e-9)

    def remaining(self, steps: int) -> float | None:
        """Seconds for so many more steps, and the other work between them; None before two of them."""
        if len(self.marks) < 2:
            return None
        return steps * (self.marks[-1][0] - self.marks[0][0]) / (len(self.marks) - 1)


def _duration(seconds: float) -> str:
    """Rounded up, the coarser the longer: 42 s, 3 min 20 s, 12 min, 2 h 5 min."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
