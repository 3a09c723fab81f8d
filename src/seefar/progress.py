"""What a person sees while something takes long: a bar on a terminal, plain lines elsewhere; always on stderr."""

import contextlib
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator

Tell = Callable[[int, int | None, str], None]  # done, in all (None: nobody knows), a note behind the bar


@contextlib.contextmanager
def bar(task: str) -> Iterator[Tell]:
    """A progress bar for the length of the block; call the value with the work done, the total, and a note.

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
    """One line on stderr, at once; above the bar if there is one. In a notebook on stdout: there stderr is red, as if it had failed."""
    in_notebook = type(sys.stderr).__module__.startswith("ipykernel")
    print(line, file=sys.stdout if in_notebook else sys.stderr, flush=True)


def warn(line: str) -> None:
    """The same for what must not be missed: on a terminal it is not broken within a word, and yellow if there are colours."""
    if sys.stderr.isatty():
        line = textwrap.fill(line, shutil.get_terminal_size().columns, subsequent_indent="  ", break_long_words=False)
        if "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb":
            line = f"\x1b[33m{line}\x1b[0m"
    say(line)
