"""What machines do to trainings: full disks, vanished folders, killed processes, no memory, a second process, an odd environment."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import SMALL, images
from tests.training.plans import at_step
from tests.training.test_resume import EVERYTHING, outcome

import seefar as sf
from seefar import files
from seefar.cli import main
from seefar.data.images import Dataset
from seefar.errors import DiskError, InUseError, OutOfMemoryError

SHORT = EVERYTHING | {"epochs": 3}


class KilledError(BaseException):
    """Stands for kill -9: nothing may catch it to tidy up."""


def calls_of_a_training(data: Dataset, out: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often a training writes a file or renames one."""
    count = 0
    with monkeypatch.context() as patch:
        real = Path.replace

        def counting(self: Path, target: Path) -> Path:
            nonlocal count
            count += 1
            return real(self, target)

        patch.setattr(Path, "replace", counting)
        sf.train(data, "tiny", out=out, quiet=True, **SHORT)
    return count


@pytest.mark.parametrize("after", [False, True], ids=["before the rename", "after the rename"])
def test_killed_at_writes_throughout_a_run_it_ends_with_the_same_bits(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """Fault 105: at every third rename of a whole training, which is one of each file; half-written ones stay lying about."""
    calls = calls_of_a_training(small_data, tmp_path / "whole", monkeypatch)
    expected = outcome(sf.open_run(tmp_path / "whole"))
    assert calls > 25
    real = Path.replace
    for deadly in range(8 if after else 7, calls + 1, 3):  # the first six are the files before the first step
        path, count = tmp_path / f"run-{after}-{deadly}", 0

        def dying(self: Path, target: Path, deadly: int = deadly) -> Path:
            nonlocal count
            count += 1
            if count == deadly:
                if after:
                    real(self, target)
                else:
                    shutil.copy(self, target.with_name(f".{target.name}.1.tmp"))
                raise KilledError
            return real(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", dying)
            with pytest.raises(KilledError):
                sf.train(small_data, "tiny", out=path, quiet=True, **SHORT)
        run = sf.open_run(path)
        if run.has("manifest.json"):
            run.verify()
        assert outcome(sf.resume(run, data=small_data, quiet=True)) == expected, deadly
        shutil.rmtree(path)


def test_a_folder_that_vanishes_ends_with_code_7_at_the_next_save(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 104."""
    steps = at_step(10, lambda: shutil.rmtree(tmp_path / "run"), monkeypatch)
    with pytest.raises(DiskError, match="No such file or directory"):
        sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    assert len(steps) == 14  # the end of that epoch
    assert not (tmp_path / "run").exists()


def test_a_full_disk_ends_with_code_7_and_the_epochs_before_are_intact(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 103: from the second epoch on there is no space for a checkpoint."""
    import errno

    real = files.write_whole

    @contextlib.contextmanager
    def full(path: Path, needed: int = 0) -> Any:
        if path.suffix == ".safetensors" and path.stem == "000000014":
            with files.disk_errors(path, needed):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with real(path, needed) as file:
            yield file

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_whole", full)
        with pytest.raises(
            DiskError, match=r"No space left on device \([\d,]+ bytes are needed, [\d,]+ are free on that disk\)"
        ):
            sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    run = sf.open_run(tmp_path / "run")
    run.verify()
    assert max(path.stem for path in (run.path / "state").iterdir()) == "000000007"
    whole = sf.train(small_data, "tiny", out=tmp_path / "whole", quiet=True, **SMALL)
    assert outcome(sf.resume(run, data=small_data, quiet=True)) == outcome(whole)


def test_a_second_process_in_the_folder_is_refused_with_code_8(small_data: Dataset, tmp_path: Path) -> None:
    """Fault 117; the lock of a dead process holds nobody up, because the system frees it."""
    run = sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    program = (
        "import sys, time; from pathlib import Path; from seefar.files import lock\n"
        f"with lock(Path({str(run.path / '.lock')!r})):\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(InUseError, match=f"is in use by process {process.pid} on "):
            sf.resume(run, data=small_data, epochs=4, quiet=True)
        process.kill()
    assert len(sf.resume(run, data=small_data, epochs=4, quiet=True).history()) == 4


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:126] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        ),
        MemoryError(),
    ],
)
def test_no_memory_is_code_6_with_batch_size_peak_and_what_to_try(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Fault 109: in the tenth step; nothing of the half step is saved."""

    def fail() -> None:
        raise error

    at_step(10, fail, monkeypatch)
    sentence = (
        r"no memory left for steps of 16 images of 16x16 pixels \(the most so far was [\d,]+ MiB\); use --set batch_size=8"
    )
    with pytest.raises(OutOfMemoryError, match=sentence):
        sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    run = sf.open_run(tmp_path / "run")
    run.verify()
    assert max(path.stem for path in (run.path / "state").iterdir()) == "000000007"


def test_other_errors_are_not_taken_for_a_lack_of_memory(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("something else")

    at_step(1, fail, monkeypatch)
    with pytest.raises(RuntimeError, match="something else"):
        sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)


def test_killed_while_the_report_is_written_the_old_one_stays_and_the_next_completes_it(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 119."""
    run = sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    (run.path / "report.html").write_text("the old one")
    real = Path.replace

    def dying(self: Path, target: Path) -> Path:
        if target.name == "report.html":
            raise KilledError
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dying)
        with pytest.raises(KilledError):
            sf.report(run)
    assert (run.path / "report.html").read_text() == "the old one"
    assert "</html>" in sf.report(run).read_text()


def test_an_odd_environment_is_no_obstacle(tmp_path: Path) -> None:
    """Fault 118: umask 077, no TMPDIR, no UTF-8, no TERM, stdin closed, all at once."""
    images(60, 0, "train").save(tmp_path / "photos")
    fields = ["--set", "widths=[[4],[4]]", "--set", "dense=8", "--set", "batch_size=16", "--epochs", "1"]
    words = ["train", "--data", str(tmp_path / "photos"), "--size", "16", "--recipe", "tiny", *fields]
    command = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "seefar", *words, "--out", str(tmp_path / "rün")]
    odd = {"TMPDIR": "/nowhere", "LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "TERM": ""}
    done = subprocess.run(command, capture_output=True, check=False, umask=0o077, env={**os.environ, **odd})
    assert done.returncode == 0, done.stderr
    sf.open_run(tmp_path / "rün").verify()


def test_without_a_home_it_says_which_folder_it_cannot_use(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault 118: the ledger has no place; /proc takes no folders, not even from root."""
    assert sf.report  # Matplotlib is loaded while there is a home, or it would list all fonts for this test
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "/proc/nobody")
    monkeypatch.delenv("SEEFAR_HOME")
    monkeypatch.setattr(sf, "load", lambda data, **options: small_data)
    words = ["run", "--data", "shapes", "--recipe", "tiny", "--set", "widths=[[4],[4]]", "--epochs", "1"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 7
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: cannot use /proc/nobody")


def test_a_run_made_on_another_device_loads_here(small_data: Dataset, tmp_path: Path) -> None:
    """Fault 72: weights and checkpoints are plain float32 tensors that name no device."""
    run = sf.train(small_data, "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    for path in [*(run.path / "state").glob("*.safetensors"), *(run.path / "weights").iterdir()]:
        assert b"cuda" not in path.read_bytes()
    run.write("environment.json", run.read("environment.json") | {"device": "NVIDIA H100", "precision": "float16"})
    assert len(sf.resume(run, data=small_data, epochs=4, quiet=True).history()) == 4
