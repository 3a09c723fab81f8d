"""Completion: the script of each shell knows every verb, shells accept it, and bash completes with it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from seefar.cli import app, main
from seefar.cli.completion import Shell, script

SHELLS: tuple[Shell, ...] = ("bash", "zsh", "fish")
VERBS = [name for name in app if not name.startswith("-")]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, where oh-my-zsh is not."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ZSH", raising=False)
    monkeypatch.delenv("ZSH_CUSTOM", raising=False)
    return tmp_path


def completed(code: str, *words: str) -> list[str]:
    """What bash offers for the last of the words after `code` was read."""
    line = " ".join(("seefar", *words))
    ask = f"COMP_WORDS=({line}); COMP_CWORD={len(words)}; _seefar; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "--norc", "-c", f"{code}\n{ask}"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_knows_every_verb(shell: Shell) -> None:
    text = script(app, shell)
    assert "train" in VERBS
    for name in (*VERBS, *(name for name in app["data"] if not name.startswith("-"))):
        assert name in text


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_accepts_the_script(shell: Shell, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    path = tmp_path / "script"
    path.write_text(script(app, shell))
    done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("tr",), ["train"]),
        (("re",), ["recipes", "report"]),
        (("data", "d"), ["describe"]),
        (("data", "fetch", "cifar10"), ["cifar10", "cifar100", "cifar10.1"]),
        (("train", "--rec"), ["--recipe"]),
        (("evaluate", "runs/x", "--split", "t"), ["test"]),
        (("--inst",), ["--install-completion"]),
        (("xyz",), []),
    ],
)
def test_bash_completes(words: tuple[str, ...], offered: list[str]) -> None:
    assert completed(script(app, "bash"), *words) == offered


def test_bash_offers_files_where_a_name_or_a_path_may_stand() -> None:
    """`--data my-photos.zip` could be completed before there was any script."""
    assert "complete -o default -F _seefar seefar\n" in script(app, "bash")
    assert ":data:_files'" in script(app, "zsh")


def test_after_installing_a_new_bash_completes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".bashrc").write_text("greeting=hello\n")
    for _ in range(2):  # twice is not too often
        assert main(["--install-completion", "--shell", "bash"]) == 0
    out = capsys.readouterr()
    path = Path(out.out.splitlines()[-1])
    assert path.is_relative_to(home)
    assert "open a new terminal" in out.err
    assert (home / ".bashrc").read_text().count(str(path)) == (home / ".bashrc").read_text().count("[ -f ") * 2 == 2
    code = 'echo "$greeting"; complete -p seefar; COMP_WORDS=(seefar tr); COMP_CWORD=1; _seefar; echo "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "-ic", code], capture_output=True, text=True, check=True, env=os.environ | {"HOME": str(home)}
    )
    assert done.stdout.splitlines() == ["hello", "complete -o default -F _seefar seefar", "train"]


@pytest.mark.parametrize(
    ("shell", "place", "started_by"),
    [("zsh", ".zsh/completions/_cyclopts_seefar", ".zshrc"), ("fish", ".config/fish/completions/seefar.fish", "")],
)
def test_zsh_and_fish_find_the_script(
    shell: Shell, place: str, started_by: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--install-completion", "--shell", shell]) == 0
    assert capsys.readouterr().out == f"{home / place}\n"
    assert (home / place).read_text() == script(app, shell)
    if started_by:
        assert str((home / place).parent) in (home / started_by).read_text()
    assert len([path for path in home.rglob("*") if path.is_file()]) == 1 + bool(started_by)


def test_out_leaves_the_files_of_the_shell_alone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--install-completion", "--shell", "bash", "--out", str(home / "deep" / "script")]) == 0
    assert capsys.readouterr().out == f"{home / 'deep' / 'script'}\n"
    assert [path for path in home.rglob("*") if path.is_file()] == [home / "deep" / "script"]


def test_the_shell_is_found_out(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FISH_VERSION", "3")
    for name in ("ZSH_VERSION", "BASH_VERSION"):
        monkeypatch.delenv(name, raising=False)
    assert main(["--install-completion"]) == 0
    assert capsys.readouterr().out.endswith("seefar.fish\n")


def test_a_shell_that_cannot_be_told_is_to_be_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cyclopts.completion import detect

    def lost() -> None:
        raise detect.ShellDetectionError

    monkeypatch.setattr(detect, "detect_shell", lost)
    assert main(["--install-completion"]) == 2
    assert "name it with --shell bash, zsh or fish" in capsys.readouterr().err
    monkeypatch.setattr(detect, "detect_shell", lambda: "powershell")
    assert main(["--install-completion"]) == 2
    assert "no completion for PowerShell" in capsys.readouterr().err
    assert list(home.iterdir()) == []
