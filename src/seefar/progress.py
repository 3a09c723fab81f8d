"""What a person sees while something takes long: a bar on a terminal, plain lines elsewhere; always on stderr."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seefar.models.summary import Layer
    from seefar.training.fit import Epoch
    from seefar.training.loop import Step

Tell = Callable[[int, int, str], None]  # done, in all, a note behind the bar


@contextlib.contextmanager
def bar(task: str) -> Iterator[Tell]:
    """A bar for the length of the block; the value is to be called with what is done, what there is in all, and a note.

    Nothing is shown before the first call, nor where stderr is no terminal.
    """
    if not sys.stderr.isatty():
        yield lambda done, total, note: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    texts = (TextColumn("{task.description}"), TextColumn("{task.fields[note]}"))
    columns = (texts[0], BarColumn(), TaskProgressColumn(), texts[1], TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        shown = progress.add_task(task, total=None, visible=False, note="")
        yield lambda done, total, note: progress.update(shown, completed=done, total=total, visible=True, note=note)


def say(line: str) -> None:
    """One line on stderr, at once; above the bar if there is one."""
    print(line, file=sys.stderr, flush=True)


def show_layers(layers: "Iterable[Layer]") -> None:
    """The table of layers, as `seefar.models.summary.summarise` gives them, with their sums."""
    say(f"{'layer':<14} {'kind':<10} {'output':>14} {'parameters':>12} {'multiply-adds':>14}")
    parameters = products = 0
    for layer in layers:
        shape = " x ".join(map(str, layer.shape))
        numbers = (f"{number:,}" if number else "" for number in (layer.parameters, layer.multiply_adds))
        say("{:<14} {:<10} {:>14} {:>12} {:>14}".format(layer.name, layer.kind, shape, *numbers))
        parameters += layer.parameters
        products += layer.multiply_adds
    say(f"{'all':<40} {parameters:>12,} {products:>14,}")


def follow(events: "Iterable[Step | Epoch]", epochs: int, steps: int) -> None:
    """Go through a training with a line after each epoch and, on a terminal, a bar with the speed and the time that remains.

    Args:
        events: what `fit` yields.
        epochs: how many there will be.
        steps: how many each of them has.
    """
    from seefar.training.loop import Step

    say(f"{'epoch':>9} {'loss':>8} {'accuracy':>9} {'val loss':>9} {'val acc':>8} {'rate':>8} {'seconds':>8}")
    with bar("training") as tell:
        images, began = 0, time.perf_counter()
        for event in events:
            if isinstance(event, Step):
                images += event.images
                speed = images / (time.perf_counter() - began)
                tell(event.number, epochs * steps, f"epoch {(event.number - 1) // steps + 1}/{epochs}  {speed:,.0f} images/s")
            else:
                say(_row(event, epochs))
                images, began = 0, time.perf_counter()


def _row(epoch: "Epoch", epochs: int) -> str:
    return (
        f"{epoch.number:>5}/{epochs:<3} {epoch.loss:8.3f} {epoch.accuracy:9.1%} {epoch.validation_loss:9.3f} "
        f"{epoch.validation_accuracy:8.1%} {epoch.rate:8.2g} {epoch.seconds:8.1f}{'  best so far' if epoch.best else ''}"
    )
