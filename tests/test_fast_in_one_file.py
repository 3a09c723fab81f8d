"""`examples/fast_in_one_file.py` trains as recipe `fast` does, to the last bit."""

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tests.conftest import script

import seefar as sf

EXAMPLE = Path(__file__).parents[1] / "examples" / "fast_in_one_file.py"
COUNTS = {"train": {"zebra": 93, "Ant": 71, "bee": 62}, "test": {"zebra": 4, "Ant": 4, "bee": 4}}  # in no order, and uneven


def drawn(path: Path) -> Path:
    """A zip of a folder, as people make them: noise around a colour for each class, some in grey, and files that are none."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("pictures")
        archive.writestr("pictures/notes.txt", "not an image")
        archive.writestr("__MACOSX/pictures/train/bee/._0.png", "not an image")
        for split, classes in COUNTS.items():
            for place, (name, count) in enumerate(classes.items()):
                colours = np.array([60 + 60 * place, 120, 180 - 40 * place])
                for i in rng.permutation(count):
                    tint = colours + rng.normal(0, 40, 3)  # so that not all of them can be told apart
                    pixels = np.clip(rng.normal(tint, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
                    image = Image.fromarray(pixels).convert("L" if i % 10 == 0 else "RGB")
                    image.save(content := io.BytesIO(), "PNG")
                    archive.writestr(f"pictures/{split}/{name}/{i}.png", content.getvalue())
    return path


def differing(weights: dict[str, torch.Tensor], run: sf.Run) -> list[str]:
    """The names of those weights, buffers included, that are not the same bytes in the run."""
    there = load_file(run.path / "weights" / "last.safetensors")
    assert weights.keys() == there.keys()
    return [name for name, value in weights.items() if value.numpy().tobytes() != there[name].numpy().tobytes()]


def test_the_weights_and_accuracies_are_those_of_the_library(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three epochs: all three sizes, two without the easy half, one mirrored; the last batch of the first is smaller."""
    example, path = script(EXAMPLE), drawn(tmp_path / "pictures.zip")
    run = sf.train(sf.load(path), "fast", 5, epochs=3, batch_size=50, out=tmp_path / "run", device="cpu", quiet=True)
    images = example.read_images(str(path), "train")
    assert differing(example.train(*images, epochs=3, seed=5, batch_size=50).state_dict(), run) == []
    printed = capsys.readouterr().out
    history = run.history()
    assert re.findall(r"loss (\S+),", printed) == [f"{epoch['loss']:.3f}" for epoch in history]
    assert re.findall(r"validation accuracy (\S+),", printed) == [f"{epoch['validation_accuracy']:.1%}" for epoch in history]
    assert printed.split()[-1] == f"{sf.evaluate(run, split='validation', device='cpu').tta_accuracy.value:.2%}"

    other = differing(example.train(*images, epochs=3, seed=6, batch_size=50).state_dict(), run)
    assert "stages.0.0.weight" in other
    assert not {"scale.mean", "stem.0.weight"} & set(other)  # these follow from the images alone


def test_it_needs_nothing_of_the_library_and_fits_into_180_lines() -> None:
    text = EXAMPLE.read_text()
    assert not re.search(r"^\s*(import|from) seefar", text, re.MULTILINE)
    assert len(text.splitlines()) <= 180


@pytest.mark.slow
def test_the_command_saves_the_file_that_the_library_saves(real_images: Path, tmp_path: Path) -> None:
    """Three epochs with 2,000 of the real training images, all else as the recipe has it; and the test images on demand."""
    path, out = tmp_path / "some.zip", tmp_path / "fast.safetensors"
    with zipfile.ZipFile(real_images) as everything, zipfile.ZipFile(path, "w") as some:
        for name in sorted(everything.namelist())[::25]:
            some.writestr(name, everything.read(name))
    words = [str(EXAMPLE), str(path), "--epochs", "3", "--seed", "1", "--out", str(out), "--test"]
    printed = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True).stdout
    run = sf.train(sf.load(path), "fast", 1, epochs=3, out=tmp_path / "run", device="cpu", quiet=True)
    assert out.read_bytes() == (run.path / "weights" / "last.safetensors").read_bytes()
    assert printed.split()[-1] == f"{sf.evaluate(run, split='test', device='cpu').tta_accuracy.value:.2%}"
