"""docs/how-to/own-network.md is followed to the letter: its file, its commands on small images, its last lines."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from seefar.cli import main
from seefar.runs.folder import Run

PAGE = (Path(__file__).parents[1] / "docs" / "how-to" / "own-network.md").read_text()
[NETWORK, LOOP] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^(seefar .*)$", PAGE, re.MULTILINE)


def test_the_network_has_fifteen_lines() -> None:
    assert len([line for line in NETWORK.splitlines() if line]) <= 15


@pytest.mark.slow
def test_the_page_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_net.py").write_text(NETWORK)
    Path("other.py").write_text(NETWORK.replace("def resnet", "def Net").replace("64", "48"))
    run, study = [shlex.split(command)[1:] for command in COMMANDS if "shapes" in command]
    small = ["--subset", "200", "--epochs", "1"]
    assert main([*run, *small]) == 0
    [folder] = Path("runs").iterdir()
    made = Run(folder)
    assert made.recipe()["model"] == "my_net.py:resnet"
    assert (folder / "network-source.txt").read_text() == NETWORK
    assert made.read("inside-validation.json")["stages"] == ["0", "1", "2"]
    assert "class=" in (folder / "report.html").read_text()
    folder.rename("runs/shapes-tiny+model=my_net.py_resnet-seed0")
    done = subprocess.run([sys.executable, "-c", LOOP], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("tensor(["), done.stderr
    assert main([*study, "--subset", "200", "--set", "epochs=1"]) == 0
    assert "other.py:Net" in capsys.readouterr().out
