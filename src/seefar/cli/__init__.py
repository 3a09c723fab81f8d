"""The command line: one verb a file. Results go to stdout, everything else to stderr; errors become one line and an exit code."""

from seefar.cli import started  # noqa: F401  # isort: skip  # first: the clock of a budget runs, and others are watched

import errno
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Never

from cyclopts import App, CycloptsError

from seefar.cli import (
    compare,
    completion,
    data,
    evaluate,
    explain,
    export,
    find_rate,
    playground,
    predict,
    recipes,
    report,
    run,
    serve,
    study,
    train,
    tune,
    ui,
)
from seefar.cli.options import epilogue
from seefar.errors import SeefarError
from seefar.torchrun import is_told_here
from seefar.version import __version__

app = App(
    name="seefar",
    help="Train, prove, explain and ship convolutional classifiers for small images.\n\n"
    "`seefar run --data shapes --recipe tiny` does everything once, on built-in images in about a minute.",
    help_epilogue=epilogue("seefar run --data shapes --recipe tiny", "seefar train --help")
    + "\nAny verb takes --debug, which shows where an error came from.",
    help_format="markdown",
    version=__version__,
    suppress_keyboard_interrupt=False,  # `main` answers it
)
app.command(run.run, sort_key=0, help_epilogue=epilogue(*run.EXAMPLES))  # in the order of a first visit, not of the alphabet
app.command(data.app)
app.command(recipes.recipes, sort_key=2, help_epilogue=epilogue(*recipes.EXAMPLES))
app.command(find_rate.find_rate, sort_key=2, help_epilogue=epilogue(*find_rate.EXAMPLES))
app.command(train.train, sort_key=3, help_epilogue=epilogue(*train.EXAMPLES))
app.command(evaluate.evaluate, sort_key=4, help_epilogue=epilogue(*evaluate.EXAMPLES))
app.command(explain.explain, sort_key=5, help_epilogue=epilogue(*explain.EXAMPLES))
app.command(compare.compare, sort_key=5, help_epilogue=epilogue(*compare.EXAMPLES))
app.command(study.study, sort_key=5, help_epilogue=epilogue(*study.EXAMPLES))
app.command(tune.tune, sort_key=5, help_epilogue=epilogue(*tune.EXAMPLES))
app.command(report.report, sort_key=5, help_epilogue=epilogue(*report.EXAMPLES))
app.command(ui.ui, sort_key=5, help_epilogue=epilogue(*ui.EXAMPLES))
app.command(playground.playground, sort_key=5, help_epilogue=epilogue(*playground.EXAMPLES))
app.command(export.export, sort_key=6, help_epilogue=epilogue(*export.EXAMPLES))
app.command(predict.predict, sort_key=6, help_epilogue=epilogue(*predict.EXAMPLES))
app.command(serve.serve, sort_key=6, help_epilogue=epilogue(*serve.EXAMPLES))
app.command(completion.installer(app), name="--install-completion", help_epilogue=epilogue(*completion.EXAMPLES))


class Terminated(BaseException):
    """SIGTERM arrived. Not an Exception, so that nothing but `main` catches it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (the numbers stand in `seefar.errors`).

    Args:
        arguments: the words after `seefar`; by default those the program was started with.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        result = app(words, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt, Terminated) as error:
        if debug:
            raise
        return _explain(error)


def entry() -> Never:
    """What the `seefar` program runs."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(main())


def _terminate(_signal: int, _frame: FrameType | None) -> Never:
    raise Terminated


def _explain(error: BaseException) -> int:
    """Print one line about the error, unless another process of the same training has told of its own; return the exit code."""
    code, message, details = _read(error)
    if is_told_here(error):
        print(f"error: {message}", *(f"  {line}" for line in details), sep="\n", file=sys.stderr, flush=True)
    return code


def _read(error: BaseException) -> tuple[int, str, tuple[str, ...]]:
    if isinstance(error, SeefarError):
        return error.exit_code, str(error), error.details
    if isinstance(error, CycloptsError):
        return 2, " ".join(str(error).split()), ()
    if isinstance(error, KeyboardInterrupt):
        return 130, "interrupted; what was finished before is kept", ()
    if isinstance(error, Terminated):
        return 143, "terminated; what was finished before is kept", ()
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error) or "out of memory" in str(error):
        return 6, "out of memory; use a smaller batch (--set batch_size=...) or smaller images (--size)", ()
    if isinstance(error, OSError) and error.errno in (
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
    ):
        return 7, f"{error.strerror}: {error.filename or 'a file'}; free some space, or choose another folder", ()
    return 1, f"{type(error).__name__}: {' '.join(str(error).split())}; please report this, with what --debug prints", ()
