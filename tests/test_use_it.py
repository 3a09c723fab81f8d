"""README, "Use it", and docs/how-to/export.md: commands and code work as they stand."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from tests.conftest import SMALL, colours

import seefar as sf

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGE = (ROOT / "docs" / "how-to" / "export.md").read_text()


def run_here(command: list[str] | str, folder: Path) -> str:
    """What a command prints, with the programs of this environment; it must end well."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_five_lines_work_as_they_stand(tmp_path: Path) -> None:
    lines = re.findall(r"^## Use it\n.*?^```\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[0].splitlines()
    assert len(lines) == 5
    install, *rest = lines
    assert install == "pip install -e '.[export,keras]' -c constraints.txt"  # those are installed here
    sf.train(sf.load("shapes"), "tiny", out=tmp_path / "runs" / "shapes-tiny-seed0", quiet=True, epochs=1)
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "report.png", tmp_path / "docs")
    said = [run_here(line, tmp_path) for line in rest]
    assert "docs/report.png" in said[1]
    assert "Prediction(image='docs/report.png', label='" in said[3]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an exported network and a photo."""
    folder = tmp_path_factory.mktemp("exported")
    data = colours()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        run = sf.train(data, "tiny", out=folder / "run", quiet=True, **SMALL)
        sf.export(run, folder / "model.onnx", data=data)
        sf.export(run, folder / "model.pt2", to="torch", data=data)
    Image.fromarray(data.train.pixels[0]).resize((50, 40)).save(folder / "photo.png")
    return folder


@pytest.mark.slow
def test_an_onnx_file_answers_in_a_program_without_seefar(exported: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    answer, self_test, in_torch, _ = blocks
    alone = "import sys\nfor name in ('seefar', 'torch'): sys.modules[name] = None\n"
    label, probability = run_here([sys.executable, "-I", "-c", alone + answer + self_test], exported).rsplit(" ", 1)
    [expected] = sf.load_model(exported / "model.onnx").predict(exported / "photo.png")
    assert label == expected.label
    assert float(probability) == pytest.approx(expected.probability, abs=1e-3)
    sixteen = in_torch.replace("5, 32, 32, 3", "5, 16, 16, 3")
    ask = "assert set(answers) == {'probabilities', 'logits', 'features', 'maps'}, answers\nprint(len(answers['logits']), classes)"
    found = run_here([sys.executable, "-I", "-c", f"import sys; sys.modules['seefar'] = None\n{sixteen}{ask}"], exported)
    assert found == "5 ['class 0', 'class 1', 'class 2']\n"
