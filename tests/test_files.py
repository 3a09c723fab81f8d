"""Files appear whole or not at all; locks hold between processes and die with them."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from seefar import files
from seefar.errors import DiskError, InUseError


def test_a_written_file_holds_what_was_given(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a.json", {"ä": 1.5})
    assert json.loads((tmp_path / "a.json").read_text()) == {"ä": 1.5}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_an_error_while_writing_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"old")
    with contextlib.suppress(KeyboardInterrupt), files.write_whole(path) as file:
        file.write(b"half of the n")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights"]


def test_a_kill_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"old")
    program = (
        "import os, pathlib, sys; from seefar.files import write_whole\n"
        "with write_whole(pathlib.Path(sys.argv[1])) as file:\n    file.write(b'new'); file.flush(); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"


def test_a_full_disk_is_a_disk_error_and_leaves_the_old_file(tmp_path: Path) -> None:
    """`ulimit -f` stands for the full disk: the write fails half way, without special rights."""
    path = tmp_path / "weights"
    path.write_bytes(b"old")
    program = (
        "import pathlib, resource, signal, sys; from seefar.files import write_bytes; from seefar.errors import DiskError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_bytes(pathlib.Path(sys.argv[1]), bytes(5000))\n"
        "except DiskError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True)
    assert "File too large" in done.stdout
    assert "weights" in done.stdout
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights"]


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become nobody")
def test_a_folder_of_somebody_else_is_a_disk_error_that_names_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    program = (
        "import os, pathlib, sys\nfrom seefar.files import write_bytes; from seefar.errors import DiskError\nos.setuid(65534)\n"
        "try: write_bytes(pathlib.Path(sys.argv[1]) / 'x', b'')\nexcept DiskError as error: print(error.exit_code, error)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("7 cannot use ")
    assert str(tmp_path) in done.stdout
    assert "user id 65534" in done.stdout


def test_nan_is_refused_in_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", float("nan"))
    assert not (tmp_path / "a.json").exists()


def test_a_lock_keeps_the_second_out_and_names_the_first(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    with files.lock(lock), pytest.raises(InUseError, match=f"in use by process {os.getpid()} on "), files.lock(lock):
        pass
    with files.lock(lock):
        pass


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys; from seefar.files import lock\n"
        "with lock(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / ".lock")], check=False)
    with files.lock(tmp_path / ".lock"):
        pass


def test_home_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEEFAR_HOME", str(tmp_path))
    assert files.home() == tmp_path
    monkeypatch.delenv("SEEFAR_HOME")
    assert files.home().name == "seefar"


def test_a_missing_folder_is_a_disk_error(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="No such file"):
        files.append_line(tmp_path / "none" / "x", "line")


def test_a_file_is_on_the_disk_before_it_gets_its_name_and_so_is_the_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a power cut leaves: the old file or the new one."""
    seen = []

    def note(descriptor: int) -> None:
        seen.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), (tmp_path / "a").exists()))

    monkeypatch.setattr(os, "fsync", note)
    files.write_bytes(tmp_path / "a", b"content")
    assert seen == [(False, False), (True, True)]
