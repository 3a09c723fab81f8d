"""Exact resume: interrupted anywhere, by anything, and resumed, a training ends with the same bits.

The recipe of these tests has everything in it that carries state from step to step.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from tests.conftest import SMALL, colours, images
from tests.training.plans import at_step

import seefar as sf
from seefar.cli import main
from seefar.errors import ModelFileError, StoppedError, UsageError
from seefar.recipe_fields import text
from seefar.runs.checkpoint_files import write_checkpoint
from seefar.training import checkpoint
from seefar.training.learner import Learner

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
NOT_IN_FAST = ("batch_norm", "dense", "dropout", "spatial_dropout")
FAST = {name: value for name, value in EVERYTHING.items() if name not in NOT_IN_FAST} | {
    "model": "fast",
    "resolution": [[0.0, 0.5], [0.3, 0.75], [0.6, 1.0]],
    "leave_out": 0.4,
    "remember": True,
    "schedule": "linear",
    "patience": 0,
}


DATA = colours()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> sf.Run:
    """The uninterrupted training."""
    return sf.train(DATA, "tiny", out=tmp_path_factory.mktemp("whole") / "run", quiet=True, **EVERYTHING)


@pytest.fixture(scope="module")
def reference(whole: sf.Run) -> dict[str, bytes]:
    """What it leaves."""
    return outcome(whole)


@pytest.fixture(scope="module")
def fast_reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The same with FAST."""
    return outcome(sf.train(DATA, "tiny", out=tmp_path_factory.mktemp("fast") / "run", quiet=True, **FAST))


def outcome(run: sf.Run) -> dict[str, bytes]:
    """Everything that training decided: weights, history with its stopping decision, the manifest with its reason."""
    names = ["history.csv", "manifest.json", "recipe.json", "weights/best.safetensors", "weights/last.safetensors"]
    names += ["learning.npz"] * run.has("learning.npz")
    return {name: (run.path / name).read_bytes() for name in names}


Interrupt = Callable[..., Path]


@pytest.fixture
def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Interrupt:
    """Trains, is told to leave during a step, as if SIGTERM had arrived, and gives the folder."""

    def train(step: int, **options: Any) -> Path:
        asked = 0

        def leave() -> int:
            nonlocal asked
            asked += 1
            return signal.SIGTERM if asked == step else 0

        with monkeypatch.context() as patch:
            patch.setattr("seefar.training.train.graceful", lambda: nullcontext(leave))
            with pytest.raises(StoppedError, match=f"interrupted by SIGTERM after step {step}; it is saved"):
                sf.train(DATA, "tiny", out=tmp_path / "run", quiet=True, **(options or EVERYTHING))
        return tmp_path / "run"

    return train


def resumed(run: Path) -> dict[str, bytes]:
    """What the training leaves when it is resumed."""
    return outcome(sf.resume(run, data=DATA, quiet=True))


@pytest.mark.parametrize("step", [1, 6, 7, 8, 17, 34])
def test_taken_up_again_after_a_signal_it_ends_with_the_same_bits(
    interrupted: Interrupt, reference: dict[str, bytes], step: int
) -> None:
    run = sf.open_run(interrupted(step))
    assert len(run.history() if run.has("history.csv") else []) == (step - 1) // STEPS
    assert run.ended() == ("interrupted" if step > STEPS else "")
    assert resumed(run.path) == reference


def test_a_state_that_lacks_a_part_does_not_end_with_the_same_bits(
    interrupted: Interrupt, reference: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: without the momentum in the checkpoint, the comparison above must fail."""
    run = interrupted(17)
    monkeypatch.setattr(checkpoint, "_load_optimiser", lambda *parts: None)
    found = resumed(run)
    assert found["weights/last.safetensors"] != reference["weights/last.safetensors"]
    assert found["history.csv"] != reference["history.csv"]


@pytest.mark.parametrize("part", ["average", "network", "position"])
def test_every_part_of_the_state_matters(
    interrupted: Interrupt, reference: dict[str, bytes], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Further negative controls: each part that is not put back shows."""
    run, real = interrupted(17), checkpoint.unpack

    def lossy(content: bytes, learner: Learner, memory: dict[str, torch.Tensor]) -> checkpoint.Position:
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
    assert resumed(run) != reference


@pytest.mark.parametrize("step", [3, 9, 13, 20])
def test_what_was_left_out_and_the_size_of_images_go_on_exactly(
    interrupted: Interrupt, fast_reference: dict[str, bytes], step: int
) -> None:
    """Epochs of 7 steps, then of 5; at step 9 and 20 the losses of an epoch are half known."""
    run = interrupted(step, **FAST)
    assert resumed(run) == fast_reference
    assert len(sf.open_run(run).history()) == 5


def test_the_memory_of_what_to_leave_out_matters(
    interrupted: Interrupt, fast_reference: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    run, real = interrupted(9, **FAST), checkpoint.unpack
    monkeypatch.setattr("seefar.training.fit.unpack", lambda content, learner, memory: real(content, learner, memory | {}))
    assert resumed(run) != fast_reference


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "adamw"])
def test_each_optimiser_goes_on_exactly(interrupted: Interrupt, tmp_path: Path, optimiser: str) -> None:
    changes = EVERYTHING | {"optimiser": optimiser, "learning_rate": 0.01, "epochs": 2}
    expected = outcome(sf.train(DATA, "tiny", out=tmp_path / "whole", quiet=True, **changes))
    assert resumed(interrupted(10, **changes)) == expected


def test_resume_auto_starts_goes_on_and_leaves_what_is_done(interrupted: Interrupt, reference: dict[str, bytes]) -> None:
    options: dict[str, Any] = {"resume": True, "quiet": True, **EVERYTHING}
    run = interrupted(3, resume=True, **EVERYTHING)
    assert outcome(sf.train(DATA, "tiny", out=run, **options)) == reference
    before = (run / "timing.json").read_bytes()
    assert outcome(sf.train(DATA, "tiny", out=run, **options)) == reference
    assert (run / "timing.json").read_bytes() == before  # nothing was done


def test_what_differs_from_the_run_in_the_folder_is_listed(interrupted: Interrupt) -> None:
    """Fault 62."""
    run = interrupted(3)
    with pytest.raises(UsageError, match="holds a different run from the one requested") as caught:
        sf.train(DATA, "tiny", 1, out=run, resume=True, quiet=True, **(EVERYTHING | {"shift": 1}))
    assert caught.value.details == ("seed: 0 there, 1 here", "shift: 2 there, 1 here")


def test_other_data_are_refused(interrupted: Interrupt) -> None:
    """Fault 73."""
    other = replace(DATA, train=images(120, 9, "train"))
    with pytest.raises(ModelFileError, match="was trained on other data"):
        sf.resume(interrupted(3), data=other, quiet=True)


def test_a_damaged_checkpoint_is_passed_over_aloud(
    interrupted: Interrupt, reference: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    run = interrupted(24)
    newest = max((run / "state").glob("*.safetensors"))
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    assert resumed(run) == reference
    assert f"note: {newest} is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"not tensors", b"\x80\x04\x95.", (10**12).to_bytes(8, "little") + b"{}"])
def test_a_checkpoint_of_something_else_is_refused_even_with_a_matching_seal(interrupted: Interrupt, content: bytes) -> None:
    """Faults 67, 68 and 71: what is no safetensors file never reaches anything that could run it."""
    run = sf.open_run(interrupted(3))
    write_checkpoint(run, 99, content)
    with pytest.raises(ModelFileError, match="checkpoint"):
        sf.resume(run, data=DATA, quiet=True)


def test_a_moved_folder_goes_on(interrupted: Interrupt, tmp_path: Path, reference: dict[str, bytes]) -> None:
    """Fault 77: copied, renamed."""
    assert resumed(shutil.copytree(interrupted(10), tmp_path / "elsewhere" / "other name")) == reference


def test_a_finished_run_can_be_trained_for_longer(tmp_path: Path) -> None:
    short = sf.train(DATA, "tiny", out=tmp_path / "run", quiet=True, **(SMALL | {"epochs": 2}))
    long = sf.train(DATA, "tiny", out=tmp_path / "long", quiet=True, **SMALL)
    again = sf.resume(short, data=DATA, epochs=3, quiet=True)
    assert again.recipe()["epochs"] == 3
    assert [row["ending"] for row in again.history()] == ["", "", "finished"]
    # at a constant rate it makes no difference that the first two were planned to be all
    assert (again.path / "weights/last.safetensors").read_bytes() == (long.path / "weights/last.safetensors").read_bytes()
    again.verify()


def test_fewer_epochs_than_are_done_are_refused(interrupted: Interrupt) -> None:
    with pytest.raises(UsageError, match="3 epochs are done already; --epochs 2 is not larger"):
        sf.resume(interrupted(24), data=DATA, epochs=2, quiet=True)


def test_without_a_checkpoint_it_starts_anew(tmp_path: Path, whole: sf.Run, reference: dict[str, bytes]) -> None:
    """Killed before the first one was written."""
    run = shutil.copytree(whole.path, tmp_path / "run")
    for name in ("state", "weights"):
        shutil.rmtree(run / name)
    for name in ("history.csv", "manifest.json", "timing.json"):
        (run / name).unlink()
    assert resumed(run) == reference


# The command line


FIELDS = [word for name, value in EVERYTHING.items() for word in ("--set", f"{name}={text(value)}")]
COMMAND = ["train", "--data", "shapes", "--recipe", "tiny", "--resume", "auto", *FIELDS, "--out"]
PROGRAM = """
import os, sys, time
from tests.conftest import colours
from tests.training.test_resume import COMMAND
import seefar as sf
from seefar.cli import main
from seefar.training import loop
sf.load = lambda data, **options: colours()
set_rate, run = loop.set_rate, sys.argv[1]
def slowly(*values): time.sleep(0.03); set_rate(*values)  # so that there is time to break in
loop.set_rate = slowly
for _ in sys.stdin:  # a child for each line: to import torch each time would take a minute
    child = os.fork()
    if child == 0:
        os.dup2(os.open(run + ".err", os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)
        os.dup2(2, 1)
        os._exit(main([*COMMAND, run]))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Commands:
    """The command line in processes of its own, one after the other."""

    def __init__(self, run: Path) -> None:
        self.errors = run.with_name(f"{run.name}.err")
        self.environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self.words = [sys.executable, "-c", PROGRAM, str(run)]

    def __enter__(self) -> "Commands":
        pipe = subprocess.PIPE
        self.program = subprocess.Popen(self.words, stdin=pipe, stdout=pipe, text=True, env=self.environment)
        return self

    def __exit__(self, *error: object) -> None:
        self.program.communicate(timeout=120)

    def start(self) -> int:
        """The number of a new process."""
        print(file=self.program.stdin, flush=True)
        return self.told()

    def told(self) -> int:
        """The exit code of the process, when it has ended; a signal's is negative."""
        return int(self.program.stdout.readline())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_saves_and_leaves_with_its_code_and_the_same_command_goes_on(
    tmp_path: Path,
    reference: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
    code: int,
) -> None:
    """Faults 107 and 108."""
    monkeypatch.setattr(sf, "load", lambda data, **options: DATA)
    at_step(10, lambda: os.kill(os.getpid(), number), monkeypatch)
    assert main([*COMMAND, str(tmp_path / "run")]) == code
    errors = capsys.readouterr().err
    assert f"error: interrupted by {number.name} after step 10; it is saved" in errors
    assert main([*COMMAND, str(tmp_path / "run")]) == 0
    assert outcome(sf.open_run(tmp_path / "run")) == reference


def test_a_process_leaves_soon_after_sigterm(tmp_path: Path, reference: dict[str, bytes]) -> None:
    """Fault 107: within 10 s, as batch systems ask for."""
    deadline = time.monotonic() + 120
    with Commands(tmp_path / "run") as commands:
        process = commands.start()
        while not (tmp_path / "run" / "history.csv").exists():
            assert time.monotonic() < deadline, commands.errors.read_text()
            time.sleep(0.001)
        os.kill(process, signal.SIGTERM)
        began = time.monotonic()
        assert commands.told() == 143
        assert time.monotonic() - began < 10
    errors = commands.errors.read_text()
    assert "error: interrupted by SIGTERM after step" in errors
    assert "Traceback" not in errors
    assert resumed(tmp_path / "run") == reference


@pytest.mark.slow
def test_killed_at_random_moments_again_and_again_it_ends_with_the_same_bits(
    tmp_path: Path, reference: dict[str, bytes]
) -> None:
    """Faults 105 and 106: kill -9, twelve times, wherever it happens to be.

    A training that is done before its kill has to be right, too; the next one starts in an empty folder.
    """
    moments, deadline, killed = random.Random(0), time.monotonic() + 240, 0
    run = tmp_path / "run"
    with Commands(run) as commands:
        while killed < 12:
            process = commands.start()
            # What is said first, but for notes, comes right before the first step
            while not re.search(
                r"^(?!note:).*\n", commands.errors.read_text() if commands.errors.exists() else "", re.MULTILINE
            ):
                assert time.monotonic() < deadline
                time.sleep(0.001)
            time.sleep(0.6 * moments.random())
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            code = commands.told()
            assert code in (0, -signal.SIGKILL), commands.errors.read_text()
            commands.errors.unlink()
            if (run / "manifest.json").exists():
                sf.open_run(run).verify()
            if code == 0:
                assert outcome(sf.open_run(run)) == reference
                shutil.rmtree(run)
            else:
                killed += 1
        commands.start()
        assert commands.told() == 0, commands.errors.read_text()
    assert outcome(sf.open_run(run)) == reference


def test_the_checkpoint_holds_tensors_and_numbers_and_no_clock(whole: sf.Run) -> None:
    newest = max((whole.path / "state").glob("*.safetensors"))
    tensors = safetensors.torch.load_file(newest)
    assert {name.split(".")[0] for name in tensors} == {"network", "optimiser", "average"}
    assert b"seconds" not in newest.read_bytes()
