"""Whoever trains, the table is the same: one process, several, a Ray cluster, and all of them killed in the middle."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import SMALL, wait_for_end_of
from tests.studies.test_carry_out import STUDY, without_clock

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import SeefarError, UsageError
from seefar.studies import workers
from seefar.studies.study import Change
from seefar.studies.workers import Job

COMMAND = """
import sys
from tests.conftest import images
from tests.studies.test_workers import asked
import seefar as sf
from seefar.data.images import Dataset

if __name__ == "__main__":
    data = Dataset(name="colours", train=images(120, 1, "train"), test=images(90, 2, "test"), source="colours")
    sf.study(asked(), data, 2, out=sys.argv[1], jobs=int(sys.argv[2]), threads=1, device="cpu", quiet=True)
"""


def asked() -> Any:
    """A study whose trainings take long enough to be killed in the middle."""
    return replace(STUDY, fields={**SMALL, "epochs": 12})


@pytest.fixture
def script(tmp_path: Path) -> list[str]:
    """A program of a user that carries the study out: give it the folder and the number of jobs."""
    path = tmp_path / "program.py"
    path.write_text(COMMAND)
    return [sys.executable, str(path)]


def started(script: list[str], folder: Path, jobs: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    environment |= {"RAY_worker_niceness": "0", "RAY_raylet_start_wait_time_s": "120"}
    return subprocess.Popen([*script, str(folder), str(jobs)], env=environment, stderr=subprocess.PIPE)


def test_several_processes_give_the_table_of_one_also_where_trainings_fail(small_data: Dataset, tmp_path: Path) -> None:
    wild = Change("wild", "It cannot.", {"optimiser": "sgd", "momentum": 0.99, "learning_rate": 100.0})
    study = replace(STUDY, changes=(wild, STUDY.changes[0]), fields={**SMALL, "epochs": 2})
    for jobs in (1, 3):
        found = sf.study(study, small_data, 1, out=tmp_path / str(jobs), jobs=jobs, threads=1, device="cpu", quiet=True)
        assert "loss" in found.rows[1].failures[0]
        assert found.rows[2].test is not None
    assert without_clock(tmp_path / "1") == without_clock(tmp_path / "3")
    for name in ("00-base-seed0", "02-wider-seed0"):
        one, other = (tmp_path / jobs / "runs" / name / "weights" / "last.safetensors" for jobs in ("1", "3"))
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_in_the_middle_and_called_again_it_gives_the_same_table(script: list[str], tmp_path: Path, jobs: int) -> None:
    """kill -9 of the program, several times; its processes end with it, and leave no folder locked."""
    with started(script, tmp_path / "whole", jobs) as whole:
        assert whole.wait(120) == 0, whole.stderr and whole.stderr.read().decode()
    done = 0
    for _ in range(3):
        program = started(script, tmp_path / "killed", jobs)
        runs = tmp_path / "killed" / "runs"
        while program.poll() is None and len(list(runs.glob("*/history.csv"))) <= done:
            time.sleep(0.02)
        done = len(list(runs.glob("*/history.csv")))
        program.send_signal(signal.SIGKILL)
        program.communicate()
        assert not (tmp_path / "killed" / "results.json").exists()
    with started(script, tmp_path / "killed", jobs) as last:
        assert last.wait(120) == 0, last.stderr and last.stderr.read().decode()
    assert without_clock(tmp_path / "killed") == without_clock(tmp_path / "whole")


def children_of(program: subprocess.Popen[bytes]) -> list[str]:
    return subprocess.run(["pgrep", "-P", str(program.pid)], capture_output=True, text=True, check=False).stdout.split()


def interrupted(program: subprocess.Popen[bytes], folder: Path, files: str) -> list[Path]:
    """Ctrl-C as soon as a file is there: program and processes end. Returns the files of that moment."""
    while not (there := list(folder.glob(files))):
        assert program.poll() is None
        time.sleep(0.02)
    children = children_of(program)
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=60)
    assert program.returncode != 0
    assert len(children) >= 2
    wait_for_end_of(children)
    return there


@pytest.mark.slow
def test_a_signal_leaves_saved_trainings_and_no_process_behind(script: list[str], tmp_path: Path) -> None:
    interrupted(started(script, tmp_path / "study", 2), tmp_path / "study", "runs/*/history.csv")


@pytest.mark.slow
def test_a_ray_cluster_gives_the_table_of_one_process(small_data: Dataset, tmp_path: Path) -> None:
    """A local one, in a program of its own: Ray leaves threads and sockets behind."""
    sf.study(STUDY, small_data, 1, out=tmp_path / "here", threads=1, device="cpu", quiet=True)
    program = COMMAND.replace("jobs=int(sys.argv[2])", "ray='local'").replace("asked(), data, 2", "STUDY, data, 1")
    program = program.replace("test_workers import asked", "test_carry_out import STUDY")
    (tmp_path / "program.py").write_text(program)
    with started([sys.executable, str(tmp_path / "program.py")], tmp_path / "ray", 0) as process:
        _, said = process.communicate(timeout=240)
    assert process.returncode == 0, said.decode()
    assert without_clock(tmp_path / "here") == without_clock(tmp_path / "ray")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1"])
def test_no_cluster_at_the_address_is_one_sentence(small_data: Dataset, tmp_path: Path, address: str) -> None:
    pytest.importorskip("ray")
    with pytest.raises(UsageError, match=f"no Ray cluster answers at '{address}'"):
        sf.study(STUDY, small_data, 1, out=tmp_path / "study", ray=address, quiet=True)
    assert not (tmp_path / "study" / "runs").exists()


def test_a_cluster_that_does_not_start_is_one_sentence(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any, **__: Any) -> None:
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(pytest.importorskip("ray"), "init", slow)
    with pytest.raises(UsageError, match=r"no Ray cluster answers at 'local' .The current node timed out during startup"):
        sf.study(STUDY, small_data, 1, out=tmp_path / "study", ray="local", quiet=True)


def test_threads_that_no_machine_has_are_refused() -> None:
    job = Job(Path("run"), sf.RECIPES["tiny"], 0, "cpu", 64)
    with pytest.raises(UsageError, match="64 threads, but no machine of the cluster has more than 4 cores"):
        workers._check_cores([job], [2.0, 4.0])


@pytest.mark.slow
def test_a_process_that_is_killed_from_outside_is_told_in_a_sentence(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe of one job cannot even be sent to a process without ending it."""
    jobs = [Job(tmp_path / str(number), Deadly(), 0, "cpu", 1) for number in range(2)]  # type: ignore[arg-type]
    with pytest.raises(SeefarError, match="killed from outside, perhaps since memory ran out"):
        list(workers.outcomes(jobs, small_data, processes=2))


class Deadly:
    """Ends the process that unpickles it, as the kernel does when memory runs out."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _die, ()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
