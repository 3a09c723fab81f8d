"""Several processes under torchrun against one: the same training, ended and taken up again together; nobody hangs, one speaks."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import safetensors.torch
import torch
from tests.conftest import SMALL, images
from tests.networks import outside_networks
from tests.training import processes_script as script
from tests.training.plans import TINY, new_plan

import seefar as sf
from seefar import torchrun
from seefar.data.images import Dataset
from seefar.errors import SeefarError, UsageError
from seefar.recipe_fields import change
from seefar.training import processes
from seefar.training.events import Step
from seefar.training.fit import fit
from seefar.training.machine import Machine

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")


class Finished(NamedTuple):
    """What is left of a program."""

    code: int
    out: str
    err: str

    def codes(self) -> list[int]:
        """The exit codes of the processes, as torchrun lists them, that of the first to fail last; a signal's is negative."""
        return [int(code) for code in re.findall(r"exitcode +: (-?\d+)", self.err)]

    def errors(self) -> list[str]:
        """The sentences on stderr that are ours."""
        return re.findall(r"^error: (.*)$", self.err, re.MULTILINE)


class Place:
    """A folder for what the programs leave: a home, signs, and what they print."""

    def __init__(self, path: Path) -> None:
        self.path, self.signs = path, path / "signs"
        self.signs.mkdir(parents=True)

    def start(self, *words: str | Path, count: int = 2, restarts: int = 0, **env: str) -> subprocess.Popen[bytes]:
        """Let torchrun start the script with these words."""
        given = {
            "PYTHONPATH": str(ROOT),
            "SEEFAR_HOME": str(self.path / "home"),
            "SIGNS": str(self.signs),
            "OMP_NUM_THREADS": "1",
        }
        torchrun = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--nproc-per-node",
            str(count),
            "--max-restarts",
            str(restarts),
        ]
        command, environment = [*torchrun, script.__file__, *map(str, words)], os.environ | given | env
        with (self.path / "out").open("wb") as out, (self.path / "err").open("wb") as err:
            return subprocess.Popen(command, env=environment, cwd=self.path, stdout=out, stderr=err)

    def finish(self, program: subprocess.Popen[bytes]) -> Finished:
        """Wait until it ends."""
        try:
            code = program.wait(120)
        except BaseException:
            program.terminate()  # torchrun ends the processes, after 30 seconds by force
            program.wait(60)
            raise
        return Finished(code, (self.path / "out").read_text(), (self.path / "err").read_text())

    def run(self, *words: str | Path, count: int = 2, restarts: int = 0, **env: str) -> Finished:
        return self.finish(self.start(*words, count=count, restarts=restarts, **env))

    def await_text(self, name: str, pattern: str) -> str:
        """Wait until the file of that name holds the pattern, and return what it found."""
        end = time.monotonic() + 120
        while not (self.path / name).exists() or not (found := re.search(pattern, (self.path / name).read_text())):
            assert time.monotonic() < end, f"no {pattern} in {name}"
            time.sleep(0.05)
        return found[0]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """121 training images, of which 109 are left to train on: the last step has 13."""
    folder = tmp_path_factory.mktemp("data") / "colours"
    for split, count, seed in (("train", 121, 1), ("test", 30, 2)):
        images(count, seed, split).save(folder / split)
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "place")


class Scenarios(NamedTuple):
    """What two processes that nothing befell have left: their runs in a folder, what each reports, and the program."""

    folder: Path
    found: list[dict[str, Any]]
    finished: Finished


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Scenarios:
    folder = tmp_path_factory.mktemp("scenarios")
    finished = Place(folder / "place").run("scenarios", folder, data)
    assert finished.code == 0, finished.err
    return Scenarios(folder, [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)], finished)


def weights(run: Path, name: str = "last") -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(run / "weights" / f"{name}.safetensors")


def assert_same_bits(run: Path, other: Path) -> None:
    for name in ("weights/last.safetensors", "weights/best.safetensors", "history.csv"):
        assert (run / name).read_bytes() == (other / name).read_bytes(), name


def names(run: Path) -> set[str]:
    return {path.relative_to(run).as_posix() for path in run.rglob("*")}


# The same training


def test_two_processes_train_as_one_does(scenarios: Scenarios, tmp_path: Path) -> None:
    """With all randomness on, an uneven last batch, clipping and averaging."""
    assert_rounded_alike(
        script.train(tmp_path / "one", **script.CHANGES["augmented"]), sf.open_run(scenarios.folder / "augmented")
    )


def test_a_network_from_outside_may_have_parameters_that_it_does_not_use(scenarios: Scenarios, tmp_path: Path) -> None:
    """DDP would wait for their gradients, and end in the second step."""
    outside_networks.write(tmp_path)
    one, two = script.train(tmp_path / "one", **script.idle(tmp_path)), sf.open_run(scenarios.folder / "idle")
    assert_rounded_alike(one, two)
    assert torch.equal(weights(two.path)["body.idle.weight"], weights(one.path)["body.idle.weight"])


def assert_rounded_alike(one: sf.Run, two: sf.Run) -> None:
    """The runs are the same up to the rounding of sums."""
    for mine, theirs in zip(one.history(), two.history(), strict=True):
        assert mine == {key: pytest.approx(value, rel=1e-4) if type(value) is float else value for key, value in theirs.items()}
    for key, value in weights(two.path).items():
        torch.testing.assert_close(value, weights(one.path)[key], rtol=1e-3, atol=1e-5)


def test_what_is_kept_is_what_was_validated(scenarios: Scenarios) -> None:
    """With batch norm the processes have running statistics of their own; all images are validated with those that are kept."""
    run = sf.open_run(scenarios.folder / "norm")
    found = sf.evaluate(run, "validation", data=script.DATA)
    best = next(row for row in reversed(run.history()) if row["best"])
    assert found.loss == pytest.approx(best["validation_loss"], rel=1e-5)


def test_every_model_trains(scenarios: Scenarios) -> None:
    losses = [row["loss"] for row in sf.open_run(scenarios.folder / "fast").history()]
    assert losses == sorted(losses, reverse=True)


def test_a_signal_to_one_of_them_stops_all_and_the_rest_comes_out_the_same(
    scenarios: Scenarios,
) -> None:
    folder, found, _ = scenarios
    assert found[0]["stopped"] == "interrupted"
    assert_same_bits(folder / "norm", folder / "resumed")


@pytest.mark.skipif(sys.platform != "linux", reason="threads are listed in /proc")
def test_no_thread_of_a_group_outlives_it(scenarios: Scenarios) -> None:
    """One that drops a tensor while Python ends aborts the program, now and then (seen with torch 2.13)."""
    for rank in range(2):
        before, after = json.loads((scenarios.folder / f"threads-{rank}.json").read_text())
        assert [name for name in before if "gloo" in name]
        assert [name for name in after if "gloo" in name] == []


def test_nothing_but_the_runs_is_left(scenarios: Scenarios) -> None:
    assert names(scenarios.folder / "resumed") == names(scenarios.folder / "augmented")
    expected = {*script.CHANGES, "idle", "resumed", "command", "damaged", "place"}
    assert {path.name for path in scenarios.folder.iterdir() if path.is_dir()} == expected


# Agreement


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("odd seed", "process 1 of 2 would train something else: seed is 1 in process 1, 0 in the others; start all with"),
        ("odd recipe", "process 1 of 2 would train something else: learning_rate is 0.002 in process 1, 0.001 in the others;"),
        ("odd images", "process 1 of 2 would train something else: SHA-256 of the training images is "),
    ],
)
def test_the_odd_one_is_named(scenarios: Scenarios, what: str, sentence: str) -> None:
    """Fault 115."""
    for found in scenarios.found:
        assert found[what][:2] == ["UsageError", 2]
        assert found[what][2].startswith(sentence)


def test_a_batch_that_cannot_be_shared_is_refused(scenarios: Scenarios) -> None:
    """Fault 58."""
    for found in scenarios.found:
        assert found["uneven"][:2] == ["UsageError", 2]
        assert found["uneven"][2].startswith("batch_size is 15, which 2 processes cannot share evenly; use --set batch_size=14")
    assert not (scenarios.folder / "odd").exists()


def test_of_an_error_in_all_of_them_one_tells(scenarios: Scenarios) -> None:
    assert sorted(found["told"] for found in scenarios.found) == [False, True]


def test_the_odd_one_is_not_like_most() -> None:
    facts: list[dict[str, Any]] = [{"seed": 7, "torch": "2"}, {"seed": 0, "torch": "2"}, {"seed": 0, "torch": "2"}]
    assert processes._differences(facts) == {0: {"seed": (7, 0)}}
    assert processes._differences(facts[:2]) == {1: {"seed": (0, 7)}}
    assert processes._differences(facts[1:]) == {}


def test_what_the_first_makes_reaches_all(scenarios: Scenarios) -> None:
    for rank, found in enumerate(scenarios.found):
        assert found["total"] == [3.0, 1.0]
        assert found["shared"] == {"from": 0, "name": "\udce9"}
        assert found["bytes"] == ["None", "b''", r"b'\x00\x01\x02'"]
        assert found["failed"][:2] == ["DataError" if rank == 0 else "OtherFailedError", 3]


def test_to_meet_after_a_step_costs_little(scenarios: Scenarios) -> None:
    """0.13 ms where the two have a core each; ten times that where others work too (measured on two cores)."""
    assert scenarios.found[0]["milliseconds"] < 5


# The command line


def test_only_the_first_process_prints_and_only_one_decodes(scenarios: Scenarios) -> None:
    """Fault 21: images that cannot be read end all processes with one sentence; where nothing fails there is none."""
    assert [found["codes"] for found in scenarios.found] == [[3, 0], [3, 0]]
    assert max(found["seconds"] for found in scenarios.found) < 60
    (error,) = scenarios.finished.errors()
    assert error.startswith("121 of 121 images cannot be used")
    assert scenarios.finished.out == f"{scenarios.folder / 'command'}\n"
    assert len(re.findall(r"^    1/3 ", scenarios.finished.err, re.MULTILINE)) == 1
    assert "arning" not in scenarios.finished.err
    assert {path.name for path in (scenarios.folder / "place" / "signs").iterdir()} == {"damaged-0", "decoded-0"}


def test_two_processes_write_what_one_writes(scenarios: Scenarios, data: Path, tmp_path: Path) -> None:
    run = scenarios.folder / "command"
    one = sf.train(sf.load(data, size=16), "tiny", out=tmp_path / "one", quiet=True, **SMALL).path
    assert names(run) == names(one)
    for name in ("recipe.json", "data.json", "splits.json", "description-train.json", "pictures-train.npz"):
        assert (run / name).read_bytes() == (one / name).read_bytes(), name
    two, alone = (json.loads((path / "environment.json").read_text()) for path in (run, one))
    assert two.pop("processes") == 2
    assert alone.pop("processes") == 1
    assert two | {"threads": 1} == alone | {"threads": 1}


def test_fewer_validation_images_than_processes_are_refused(small_data: Dataset, tmp_path: Path) -> None:
    many = processes.Processes()
    many.count = 18
    machine = Machine(CPU, torch.float32, processes=many)
    training = fit(new_plan(small_data, tmp_path / "run", change(TINY, {"batch_size": 18}), machine=machine))
    with pytest.raises(UsageError, match="18 processes cannot share 12 validation images"):
        next(training)


@pytest.mark.slow
def test_if_the_one_that_loads_fails_all_end_at_once(place: Place, scenarios: Scenarios) -> None:
    """Fault 21, to the end of the programs."""
    began = time.monotonic()
    finished = place.run("fault", "none", "0", "0", *script.command(scenarios.folder / "damaged", place.path / "run"))
    assert time.monotonic() - began < 60
    assert len(finished.errors()) == 1, finished.err
    assert finished.codes()[-1] == 3
    assert {path.name for path in place.signs.iterdir()} == {"decoded-0"}


@pytest.mark.slow
def test_one_that_ends_is_named_and_a_restart_makes_good(place: Place, data: Path, scenarios: Scenarios) -> None:
    """Faults 106 and 114: process 1 ends without a word in step 10; torchrun starts both again, which go on."""
    out = place.path / "run"
    finished = place.run("fault", "exit", "1", "10", *script.command(data, out, "--resume=auto"), restarts=2)
    assert finished.code == 0, finished.err
    assert [re.sub("after step (9|10);", "after step;", error) for error in finished.errors()] == [
        "process 1 of 2 cannot be reached any more, after step; what was saved before is kept: the same command with "
        "--resume auto resumes it"
    ]
    assert_same_bits(out, scenarios.folder / "command")


@pytest.mark.slow
def test_sigterm_to_one_of_them_is_saved_by_all(place: Place, data: Path, scenarios: Scenarios) -> None:
    """Fault 107: it arrives in step 10; torchrun takes their leaving for a failure, and starts both again."""
    out = place.path / "run"
    finished = place.run("fault", "SIGTERM", "1", "10", *script.command(data, out, "--resume=auto"), restarts=1)
    assert finished.code == 0, finished.err
    assert [error.split(";")[0] for error in finished.errors()] == ["interrupted by SIGTERM after step 10"]
    assert re.search(r"1/3 +epochs done before", finished.err)
    assert_same_bits(out, scenarios.folder / "command")


@pytest.mark.slow
def test_sigterm_to_torchrun_is_saved_and_resumed(place: Place, data: Path, scenarios: Scenarios) -> None:
    """Fault 107, as a batch system does it: to torchrun, which passes it on, and to each process itself."""
    command = script.command(data, place.path / "run", "--resume=auto")
    program = place.start("fault", "slow", "0", "10", *command)
    pids = [int(place.await_text(f"signs/slow-{rank}", r"\d+")) for rank in range(2)]
    for pid in (program.pid, *pids):
        os.kill(pid, signal.SIGTERM)
    stopped = place.finish(program)
    assert stopped.code != 0
    assert [error[:34] for error in stopped.errors()] == ["interrupted by SIGTERM after step "], stopped.err
    resumed = place.run("fault", "none", "0", "0", *command)
    assert resumed.code == 0, resumed.err
    assert_same_bits(place.path / "run", scenarios.folder / "command")


@pytest.mark.slow
@pytest.mark.parametrize("hanging", [0, 1])
def test_one_that_hangs_is_named(place: Place, data: Path, hanging: int) -> None:
    """Fault 114."""
    command = script.command(data, place.path / "run")
    program = place.start("fault", "SIGSTOP", str(hanging), "10", *command, SEEFAR_TIMEOUT="5")
    pid = int(place.await_text(f"signs/fate-{hanging}", r"\d+"))
    place.await_text("err", "closing signal")
    os.kill(pid, signal.SIGKILL)  # torchrun would do that 30 seconds later
    finished = place.finish(program)
    assert [re.sub("after step (9|10);", "after step;", error) for error in finished.errors()] == [
        f"process {hanging} of 2 did not answer for 5 seconds (SEEFAR_TIMEOUT), after step; what was saved before is kept: the "
        "same command with --resume auto resumes it"
    ], finished.err
    assert finished.codes()[-1] == 1


@pytest.mark.slow
def test_three_are_rounded_alike_when_taken_up_again(place: Place, data: Path) -> None:
    """With three the order of a sum matters: DDP changes it after its first step, were that not taken before training begins."""
    wide = {"widths": [[32], [64]], "dense": 64, "optimiser": "sgd", "learning_rate": 0.05, "batch_size": 21}
    for name, kind in (("run", "none"), ("resumed", "SIGTERM")):
        command = script.command(data, place.path / name, "--resume=auto", **wide)
        finished = place.run("fault", kind, "2", "9", *command, count=3, restarts=1)
        assert finished.code == 0, finished.err
    assert_same_bits(place.path / "run", place.path / "resumed")


@pytest.mark.slow
def test_torchrun_may_start_only_one(place: Place, data: Path) -> None:
    finished = place.run("fault", "none", "0", "0", *script.command(data, place.path / "run"), count=1)
    assert finished.code == 0, finished.err
    assert finished.out == f"{place.path / 'run'}\n"


def test_another_number_of_processes_goes_on_with_a_note(scenarios: Scenarios, capsys: pytest.CaptureFixture[str]) -> None:
    run = sf.resume(scenarios.folder / "fast", data=script.DATA, epochs=4, device="cpu")
    assert "note: processes was 2 and is 1: the result will not be the same bit for bit" in capsys.readouterr().err
    assert [row["number"] for row in run.history()] == [1, 2, 3, 4]


# Alone


def test_without_torchrun_nothing_is_asked_and_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")  # some systems set these for every program
    monkeypatch.setenv("WORLD_SIZE", "4")
    alone = processes.join(CPU)
    assert alone is processes.ALONE
    step = Step(1, torch.tensor(1.0), torch.tensor(3), 16, 0.1)
    assert alone.meet(step, 15) == (step, 15)
    assert torchrun.is_first()
    assert torchrun.is_told_here(SeefarError("anything"))
    with torchrun.in_turn() as goes_first:
        assert goes_first


@pytest.mark.parametrize("value", ["0", "-1", "inf", "nan", "soon"])
def test_a_senseless_timeout_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SEEFAR_TIMEOUT", value)
    with pytest.raises(UsageError, match="allowed is 1 to 86400 seconds"):
        torchrun.patience()


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UsageError, match="there are 2 processes on this machine, but 1 GPUs"):
        processes._together(torchrun.Place(0, 2, 0, 2, 0), "cuda")
