"""Exact resume: broken off anywhere, by anything, and taken up again, a training ends with the same bits.

The recipe of these tests has everything in it that carries state from step to step.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from tests.conftest import SMALL, images

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import ModelFileError, StoppedError, UsageError
from seefar.training import signals, state

EVERYTHING = SMALL | {
    "widths": [[8, 8], [8]],
    "batch_norm": True,
    "spatial_dropout": 0.2,
    "dropout": [0.1, 0.1],
    "flip": "alternating",
    "shift": 2,
    "rotate": 10,
    "cutout": 4,
    "mixup": 0.3,
    "optimiser": "muon",
    "learning_rate": 0.1,
    "averaging": 0.9,
    "schedule": "plateau",
    "drop_after": 1,
    "patience": 4,
    "warmup": 0.1,
    "gradient_clip": 1.0,
    "epochs": 5,
}
STEPS = 7  # an epoch of 108 images in batches of 16


@pytest.fixture
def reference(small_data: Dataset, tmp_path: Path) -> dict[str, bytes]:
    """What the uninterrupted training leaves."""
    return outcome(sf.train(small_data, "tiny", out=tmp_path / "reference", quiet=True, **EVERYTHING))


def outcome(run: sf.Run) -> dict[str, bytes]:
    """Everything that training decided: weights, history with its stopping decision, the manifest with its reason."""
    names = ["history.csv", "manifest.json", "recipe.json", "weights/best.safetensors", "weights/last.safetensors"]
    names += ["learning.npz"] * run.has("learning.npz")
    return {name: (run.path / name).read_bytes() for name in names}


@contextmanager
def signal_after(calls: int) -> Iterator[Callable[[], int]]:
    """Stands for `graceful`: SIGTERM arrives during the given step."""
    asked = 0

    def leave() -> int:
        nonlocal asked
        asked += 1
        return signal.SIGTERM if asked == calls else 0

    yield leave


def broken_off(data: Dataset, out: Path, step: int, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """A training that is told to leave after a step."""
    with monkeypatch.context() as patch:
        patch.setattr(signals, "graceful", lambda: signal_after(step))
        with pytest.raises(StoppedError, match=f"interrupted by SIGTERM after step {step}; it is saved"):
            sf.train(data, "tiny", out=out, quiet=True, **(EVERYTHING | changes))


@pytest.mark.parametrize("step", [1, 6, 7, 8, 17, 34])
def test_taken_up_again_after_a_signal_it_ends_with_the_same_bits(
    small_data: Dataset, tmp_path: Path, reference: dict[str, bytes], step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_off(small_data, tmp_path / "run", step, monkeypatch)
    run = sf.open_run(tmp_path / "run")
    assert len(run.history() if run.has("history.csv") else []) == (step - 1) // STEPS
    assert run.ended() == ("interrupted" if step > STEPS else "")
    assert outcome(sf.resume(run, data=small_data, quiet=True)) == reference


def test_a_state_that_lacks_a_part_does_not_end_with_the_same_bits(
    small_data: Dataset, tmp_path: Path, reference: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: without the momentum in the state, the comparison above must fail."""
    broken_off(small_data, tmp_path / "run", 17, monkeypatch)
    monkeypatch.setattr(state, "_load_optimiser", lambda *parts: None)
    found = outcome(sf.resume(tmp_path / "run", data=small_data, quiet=True))
    assert found["weights/last.safetensors"] != reference["weights/last.safetensors"]
    assert found["history.csv"] != reference["history.csv"]


@pytest.mark.parametrize("part", ["average", "network", "position"])
def test_every_part_of_the_state_matters(
    small_data: Dataset, tmp_path: Path, reference: dict[str, bytes], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Further negative controls: each part that is not put back shows."""
    broken_off(small_data, tmp_path / "run", 17, monkeypatch)
    real = state.unpack

    def lossy(content: bytes, learner: state.Learner, memory: torch.Tensor | None) -> state.Position:
        kept = {name: value.clone() for name, value in learner.network.state_dict().items()}
        position = real(content, learner, memory)
        if part == "average":
            assert learner.average
            learner.average.network.load_state_dict(learner.network.state_dict())
        elif part == "network":
            learner.network.load_state_dict(kept)
        else:
            position.done -= 1
        return position

    monkeypatch.setattr("seefar.training.fit.unpack", lossy)
    assert outcome(sf.resume(tmp_path / "run", data=small_data, quiet=True)) != reference


FAST = EVERYTHING | {
    "model": "fast",
    "dropout": [0.0, 0.0],
    "dense": 0,
    "spatial_dropout": 0.0,
    "resolution": [[0.0, 0.5], [0.3, 0.75], [0.6, 1.0]],
    "leave_out": 0.4,
    "remember": True,
    "schedule": "linear",
    "patience": 0,
}


@pytest.mark.parametrize("step", [3, 9, 13, 20])
def test_what_was_left_out_and_the_size_of_images_go_on_exactly(
    small_data: Dataset, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Epochs of 7 steps, then of 5; at step 9 and 20 the losses of an epoch are half known."""
    whole = sf.train(small_data, "tiny", out=tmp_path / "whole", quiet=True, **FAST)
    broken_off(small_data, tmp_path / "run", step, monkeypatch, **FAST)
    run = sf.resume(tmp_path / "run", data=small_data, quiet=True)
    assert len(run.history()) == 5
    assert outcome(run) == outcome(whole)


def test_the_memory_of_what_to_leave_out_matters(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    whole = sf.train(small_data, "tiny", out=tmp_path / "whole", quiet=True, **FAST)
    broken_off(small_data, tmp_path / "run", 9, monkeypatch, **FAST)
    real = state.unpack
    monkeypatch.setattr("seefar.training.fit.unpack", lambda content, learner, memory: real(content, learner, memory | {}))
    assert outcome(sf.resume(tmp_path / "run", data=small_data, quiet=True)) != outcome(whole)


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "adamw"])
def test_each_optimiser_goes_on_exactly(
    small_data: Dataset, tmp_path: Path, optimiser: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"optimiser": optimiser, "learning_rate": 0.01}
    whole = sf.train(small_data, "tiny", out=tmp_path / "whole", quiet=True, **(EVERYTHING | changes))
    broken_off(small_data, tmp_path / "run", 10, monkeypatch, **changes)
    assert outcome(sf.resume(tmp_path / "run", data=small_data, quiet=True)) == outcome(whole)


def test_resume_auto_starts_goes_on_and_leaves_what_is_done(
    small_data: Dataset, tmp_path: Path, reference: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"out": tmp_path / "run", "resume": True, "quiet": True, **EVERYTHING}
    with monkeypatch.context() as patch:
        patch.setattr(signals, "graceful", lambda: signal_after(3))
        with pytest.raises(StoppedError):
            sf.train(small_data, "tiny", **options)
    assert outcome(sf.train(small_data, "tiny", **options)) == reference
    before = (tmp_path / "run" / "timing.json").read_bytes()
    assert outcome(sf.train(small_data, "tiny", **options)) == reference
    assert (tmp_path / "run" / "timing.json").read_bytes() == before  # nothing was done


def test_what_differs_from_the_run_in_the_folder_is_listed(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 62."""
    broken_off(small_data, tmp_path / "run", 3, monkeypatch)
    with pytest.raises(UsageError, match="holds another run than the one that is asked for") as caught:
        sf.train(small_data, "tiny", 1, out=tmp_path / "run", resume=True, quiet=True, **(EVERYTHING | {"shift": 1}))
    assert caught.value.details == ("seed: 0 there, 1 here", "shift: 2 there, 1 here")


def test_other_data_are_refused(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 73."""
    broken_off(small_data, tmp_path / "run", 3, monkeypatch)
    other = Dataset("colours", images(120, 9, "train"), small_data.test, "other noise")
    with pytest.raises(ModelFileError, match="was trained on other data"):
        sf.resume(tmp_path / "run", data=other, quiet=True)


def test_a_damaged_checkpoint_is_passed_over_aloud(
    small_data: Dataset,
    tmp_path: Path,
    reference: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken_off(small_data, tmp_path / "run", 24, monkeypatch)
    newest = max((tmp_path / "run" / "state").glob("*.safetensors"))
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    assert outcome(sf.resume(tmp_path / "run", data=small_data, quiet=True)) == reference
    assert f"note: {newest} is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"not tensors", b"\x80\x04\x95.", (10**12).to_bytes(8, "little") + b"{}"])
def test_a_checkpoint_of_something_else_is_refused_even_with_a_matching_seal(
    small_data: Dataset, tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults 67, 68 and 71: what is no safetensors file never reaches anything that could run it."""
    from seefar.runs.checkpoints import write_checkpoint

    broken_off(small_data, tmp_path / "run", 3, monkeypatch)
    write_checkpoint(sf.open_run(tmp_path / "run"), 99, content)
    with pytest.raises(ModelFileError, match="checkpoint"):
        sf.resume(tmp_path / "run", data=small_data, quiet=True)


def test_a_moved_folder_goes_on(
    small_data: Dataset, tmp_path: Path, reference: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 77: copied, renamed."""
    broken_off(small_data, tmp_path / "run", 10, monkeypatch)
    shutil.copytree(tmp_path / "run", tmp_path / "elsewhere" / "other name")
    moved = sf.resume(tmp_path / "elsewhere" / "other name", data=small_data, quiet=True)
    assert outcome(moved) == reference


def test_a_finished_run_can_be_trained_for_longer(small_data: Dataset, tmp_path: Path) -> None:
    short = sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    long = sf.train(small_data, "tiny", out=tmp_path / "long", quiet=True, **(SMALL | {"epochs": 5}))
    resumed = sf.resume(short, data=small_data, epochs=5, quiet=True)
    assert resumed.recipe()["epochs"] == 5
    assert [row["ending"] for row in resumed.history()] == ["", "", "", "", "finished"]
    # at a constant rate it makes no difference that the first three were planned to be all
    assert (resumed.path / "weights/last.safetensors").read_bytes() == (long.path / "weights/last.safetensors").read_bytes()
    resumed.verify()


def test_fewer_epochs_than_are_done_are_refused(small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_off(small_data, tmp_path / "run", 24, monkeypatch)
    with pytest.raises(UsageError, match="3 epochs are done already; --epochs 2 is not more"):
        sf.resume(tmp_path / "run", data=small_data, epochs=2, quiet=True)


def test_without_a_checkpoint_it_starts_anew(small_data: Dataset, tmp_path: Path, reference: dict[str, bytes]) -> None:
    """Killed before the first one was written."""
    shutil.copytree(tmp_path / "reference", tmp_path / "run")
    for name in ("state", "weights"):
        shutil.rmtree(tmp_path / "run" / name)
    for name in ("history.csv", "manifest.json", "timing.json"):
        (tmp_path / "run" / name).unlink()
    assert outcome(sf.resume(tmp_path / "run", data=small_data, quiet=True)) == reference


PROGRAM = """
import sys, time
from tests.conftest import images
from tests.training.test_resume import EVERYTHING
import seefar as sf
from seefar.data.images import Dataset
from seefar.cli import main
from seefar.recipes import text
data = Dataset("colours", images(120, 1, "train"), images(30, 2, "test"), "noise around three colours")
def load(name, **options): return data
sf.load = load
fields = [word for name, value in EVERYTHING.items() for word in ("--set", f"{name}={text(value)}")]
from seefar.training import loop
set_rate = loop.set_rate
def slowly(*values): time.sleep(0.03); set_rate(*values)  # so that there is time to break in
loop.set_rate = slowly
sys.exit(main(["train", "--data", "shapes", "--recipe", "tiny", "--resume", "auto", "--out", sys.argv[1], *fields]))
"""


def start(out: Path) -> "subprocess.Popen[str]":
    """The command line in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-c", PROGRAM, str(out)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for_epochs(process: "subprocess.Popen[str]", run: Path, epochs: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if (run / "history.csv").exists() and len((run / "history.csv").read_text().splitlines()) > epochs:
            return
        time.sleep(0.001)
    raise AssertionError(f"no {epochs} epochs came: {process.communicate()}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_to_the_process_saves_and_leaves_with_its_code(
    tmp_path: Path, reference: dict[str, bytes], number: signal.Signals, code: int
) -> None:
    """Faults 107 and 108; and SIGTERM leaves within 10 s."""
    process = start(tmp_path / "run")
    wait_for_epochs(process, tmp_path / "run", 1)
    process.send_signal(number)
    began = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - began < 10
    assert process.returncode == code, errors
    assert f"error: interrupted by {number.name} after step" in errors
    assert "Traceback" not in errors
    process = start(tmp_path / "run")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert outcome(sf.open_run(tmp_path / "run")) == reference


@pytest.mark.slow
def test_killed_at_random_moments_again_and_again_it_ends_with_the_same_bits(
    tmp_path: Path, reference: dict[str, bytes]
) -> None:
    """Faults 105 and 106: kill -9, twelve times, wherever it happens to be."""
    moments = random.Random(0)
    for _ in range(12):
        process = start(tmp_path / "run")
        assert process.stderr
        while process.stderr.readline().startswith("note:"):  # the first other line comes right before the first step
            pass
        time.sleep(0.6 * moments.random())
        process.kill()
        process.communicate()
        if (tmp_path / "run" / "manifest.json").exists():
            sf.open_run(tmp_path / "run").verify()
    process = start(tmp_path / "run")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert outcome(sf.open_run(tmp_path / "run")) == reference


def test_the_checkpoint_holds_tensors_and_numbers_and_no_clock(reference: dict[str, bytes], tmp_path: Path) -> None:
    newest = max((tmp_path / "reference" / "state").glob("*.safetensors"))
    tensors = safetensors.torch.load_file(newest)
    assert {name.split(".")[0] for name in tensors} == {"network", "optimiser", "average"}
    assert b"seconds" not in newest.read_bytes()
