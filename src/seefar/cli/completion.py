"""`seefar --install-completion`: the shell completes verbs, options and their values."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from cyclopts import App

from seefar.errors import UsageError
from seefar.files import make_folder, write_bytes

EXAMPLES = (
    "seefar --install-completion",
    "seefar --install-completion --shell zsh --out completions/_seefar",
)

Shell = Literal["bash", "zsh", "fish"]

# What --data takes is a name or a path, and cyclopts would have bash and zsh offer nothing for it; fish offers files anyway.
PATHS_TOO = {"bash": ("complete -F ", "complete -o default -F "), "zsh": (":data'", ":data:_files'"), "fish": ("", "")}


def installer(app: App) -> Callable[..., None]:
    """The command that installs the completion of `app`."""

    def install(*, shell: Shell | None = None, out: Path | None = None) -> None:
        """Set up Tab completion for your shell; it works in new terminals. Prints where the script is.

        Parameters
        ----------
        shell
            bash, zsh or fish; by default the one that this was started from. For bash and zsh a line goes into .bashrc or .zshrc.
        out
            Write the script to this file, and leave the files of the shell alone.
        """
        from cyclopts.completion.install import add_to_rc_file, get_default_completion_path

        shell = shell or _this_shell()
        path = (out or get_default_completion_path(shell, "seefar")).absolute()
        make_folder(path.parent)
        write_bytes(path, script(app, shell).encode())
        if out is None and shell != "fish":
            add_to_rc_file(path, "seefar", shell)
        print(path)
        if out is None:
            print("open a new terminal, type seefar and press Tab", file=sys.stderr)

    return install


def script(app: App, shell: Shell) -> str:
    """What the shell has to read: the verbs and options as they are now."""
    return app.generate_completion(shell=shell).replace(*PATHS_TOO[shell])


def _this_shell() -> Shell:
    from cyclopts.completion.detect import ShellDetectionError, detect_shell

    try:
        shell = detect_shell()
    except ShellDetectionError:
        raise UsageError(
            "the shell that seefar was started from is not known; name it with --shell bash, zsh or fish"
        ) from None
    if shell == "powershell":
        raise UsageError("there is no completion for PowerShell here; use --shell bash, zsh or fish")
    return shell
