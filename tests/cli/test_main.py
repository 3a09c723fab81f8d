"""The command line as a whole: light to start, one line for an error, the right exit code, clean streams."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seefar import cli
from seefar.cli import main


def seefar(*words: str, **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "seefar", *words], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("program", ["import seefar", "from seefar.cli import main; main(['--help'])"])
def test_importing_and_helping_load_nothing_heavy(program: str) -> None:
    heavy = {"torch", "numpy", "PIL", "sklearn", "scipy", "matplotlib", "httpx"}
    code = program + f"\nimport sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("words", "ceiling"), [(["-c", "import seefar"], 0.2), (["-m", "seefar", "--help"], 0.5)])
def test_importing_and_helping_take_little_time(words: list[str], ceiling: float) -> None:
    alone = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}  # it would count itself

    def seconds() -> float:  # of the processor: on the clock it would be the time of all that goes on beside
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *words], capture_output=True, check=True, env=alone)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < ceiling


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["rnu"], 2, 'Unknown command "rnu". Did you mean "run"?'),
        (["run"], 2, "requires an argument"),
        (["run", "--data", "shapes", "--seeed", "1"], 2, "--seeed"),
        (["run", "--data", "shapes", "--seed", "x"], 2, "--seed"),
        (["run", "--data", "shapes", "--recipe", "fsat"], 2, "no recipe is called 'fsat'"),
        (["run", "--data", "shapes", "--set", "learning_rtae=1"], 2, "did you mean 'learning_rate'?"),
        (["run", "--data", "shapes", "--set", "epochs"], 2, "--set epochs is not of the form field=value"),
        (["run", "--data", "shapes", "--set", "epochs=1", "--set", "epochs=2"], 2, "--set epochs is given twice"),
        (["run", "--data", "shapes", "--epochs", "1", "--set", "epochs=2"], 2, "are the same; give one of them"),
        (["run", "--data", "shapes", "--epochs", "-1"], 2, "epochs is -1; allowed is 1 to 10000"),
        (["run", "--data", "shapes", "--size", "64"], 2, "shapes is 32x32 pixels"),
        (["run", "--data", "some.zip", "--size", "16"], 2, "halve 16x16 images to 2x2"),
        (["run", "--data", "some.zip", "--size", "600"], 2, "size is 600; allowed is 8 to 512 pixels"),
        (["train", "--data", "shapes", "--set", "monitor=test_acc"], 2, "the test set cannot be used to choose"),
        (["train"], 2, "--data is missing"),
        (["train", "--data", "shapes", "--recipe", "fast", "--budget", "soon"], 2, "the budget is 'soon'; expected seconds"),
        (["train", "--data", "shapes", "--recipe", "fast", "--target", "90"], 2, "--target is '90'; expected an accuracy"),
        (["train", "--data", "shapes", "--recipe", "fast", "--target", "90%"], 2, "known only for CIFAR-10; use --budget"),
        (["train", "--data", "shapes", "--recipe", "tiny", "--target", "90%"], 2, "a target needs recipe fast as it is"),
        (["train", "--data", "shapes", "--set", "resolution=[[0,0.5]]"], 2, "the network 'vgg' takes images of one size only"),
        (["train", "--data", "shapes", "--set", "resolution=[[0.5,1]]"], 2, "pairs of a fraction of the run, from 0 up"),
        (["train", "--data", "shapes", "--set", "tta=filp"], 2, "did you mean 'flip'?"),
        (["train", "--data", "shapes", "--seeds", "0"], 2, "--seeds is 0; allowed is 1 to 1000"),
        (["train", "--data", "shapes", "--threads", "0"], 2, "threads is 0; allowed is 1 to"),
        (["train", "--data", "shapes", "--set", "precision=fp16", "--device", "cpu"], 2, "this cpu has no fp16 arithmetic"),
        (["train", "--data", "shapes", "--set", "shift=40"], 2, "shift is 40"),
        (["train", "--data", "shapes", "--set", "cutout=33"], 2, "cutout is 33"),
        (["train", "--data", "shapes", "--set", "schedule=cosin"], 2, "did you mean 'cosine'?"),
        (["train", "--data", "shapes", "--set", "batch_size=8999", "--set", "batch_norm=on"], 2, "leave 1 of the 9000"),
        (["train", "--data", "shapes", "--from", "nowhere"], 4, "there is no run folder nowhere"),
        (["train", "--data", "shapes", "--set", "frozen_stages=1"], 2, "frozen_stages would freeze random weights"),
        (["train", "--resume", "nowhere"], 4, "there is no run folder nowhere"),
        (
            ["train", "--resume", "nowhere", "--recipe", "deep", "--set", "shift=1"],
            2,
            "decided --recipe, --set shift=1 already",
        ),
        (["train", "--resume", "auto"], 2, "--data is missing"),
        (["find-rate", "--data", "shapes", "--recipe", "tinny"], 2, "did you mean 'tiny'?"),
        (["data", "augment", "shapes", "--set", "flip=up"], 2, "flip is 'up'; allowed is none, random, alternating"),
        (["train", "--data", "shapes", "--device", "tpu"], 2, "no device is called 'tpu'"),
        (["train", "--data", "shapes", "--archive", "x.tar.gz"], 2, "--archive goes with --data cifar10 or cifar100"),
        (["train", "--data", "cifar10", "--unverified"], 2, "--unverified needs --archive FILE"),
        (["train", "--data", "cifar1O"], 3, "no data set of that name (did you mean 'cifar10'?"),
        (["train", "--data", "cifar10", "--archive", "none.tar.gz"], 3, "none.tar.gz"),
        (["evaluate", "nowhere"], 4, "there is no run folder nowhere"),
        (["evaluate", "nowhere", "--split", "train"], 2, "--split"),
        (["report", "."], 4, "is not the folder of a run"),
        (["report"], 2, "report takes one run"),
        (["compare"], 2, "a comparison needs two runs or more; given 0"),
        (["compare", "nowhere", "elsewhere"], 4, "there is no run folder nowhere"),
        (["explain", "nowhere"], 4, "there is no run folder nowhere"),
        (["explain", "nowhere", "--mistakes"], 4, "there is no run folder nowhere"),
        (["data", "audit"], 2, "nothing is named that could be audited; give images"),
        (["study", "--data", "shapes"], 2, "name a study, or say what to --vary"),
        (["study", "enhancment", "--data", "shapes"], 2, "did you mean 'enhancement'"),
        (["study", "--vary", "flip=none,random", "--data", "shapes"], 2, "--base and --vary go together"),
        (["study", "--base", "tiny", "--vary", "filp=none,random", "--data", "shapes"], 2, "did you mean 'flip'"),
        (["study", "none.toml", "--data", "shapes"], 2, "there is no file none.toml"),
        (["tune", "--data", "nowhere", "--search", "drpout=0..0.5"], 2, "did you mean 'dropout'"),
        (["tune", "--data", "nowhere", "--search", "dropout"], 2, "not of the form field=low..high"),
        (["tune", "--data", "shapes"], 2, "--search"),
        (["data", "audit", "shapes", "--recipe", "fsat"], 2, "did you mean 'fast'?"),
        (["predict", "nowhere", "x.png"], 4, "there is no run folder nowhere"),
        (["recipes", "tinny"], 2, "did you mean 'tiny'?"),
        (["recipes", "tinny", "--layers"], 2, "did you mean 'tiny'?"),
        (["recipes", "--layers"], 2, "--layers shows the network of one recipe"),
        (["recipes", "tiny", "deep", "--layers"], 2, "--layers shows the network of one recipe"),
        (["recipes", "tiny", "--layers", "--size", "16"], 2, "halve 16x16 images to 2x2"),
        (["data", "fetch", "imagenet"], 2, "imagenet"),
    ],
)
def test_a_wrong_request_is_one_line_on_stderr_and_its_exit_code(
    words: list[str],
    code: int,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == code
    out = capsys.readouterr()
    assert out.out == ""
    assert sentence in out.err
    assert out.err.startswith("error: ")
    assert "Traceback" not in out.err
    assert len([line for line in out.err.splitlines() if not line.startswith("  ")]) == 1
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_where_an_error_came_from() -> None:
    done = seefar("evaluate", "nowhere", "--debug")
    assert "Traceback" in done.stderr
    assert "ModelFileError" in done.stderr


def test_an_output_folder_that_holds_something_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault 61."""
    (tmp_path / "recipe.json").write_text("{}")
    assert main(["train", "--data", "shapes", "--recipe", "tiny", "--out", str(tmp_path)]) == 2
    assert "holds another run; choose another folder with --out" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.json"]


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_end_with_a_line_and_their_code_and_leave_no_temporary_file(
    tmp_path: Path, sign: signal.Signals, code: int
) -> None:
    words = [
        "train",
        "--data",
        "shapes",
        "--recipe",
        "tiny",
        "--set",
        "widths=[[4],[4]]",
        "--subset",
        "1000",
        "--epochs",
        "500",
        "--out",
        str(tmp_path / "run"),
    ]
    program = [sys.executable, "-m", "seefar", *words]
    with subprocess.Popen(program, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "1/500" in line:
                process.send_signal(sign)
                break
        lines += process.stderr.readlines()
    assert process.returncode == code
    assert lines[-1].startswith("error: ")
    assert "Traceback" not in "".join(lines)
    assert not list((tmp_path / "run").rglob("*.tmp"))
    assert (tmp_path / "run" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (KeyboardInterrupt(), 130, "interrupted; what was finished before is kept"),
        (cli.Terminated(), 143, "terminated; what was finished before is kept"),
        (MemoryError(), 6, "out of memory; use a smaller batch"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 6, "out of memory; use a smaller batch"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/a"), 7, "No space left on device: runs/a; free some space"),
        (OSError(errno.EROFS, "Read-only file system"), 7, "Read-only file system: a file; free some space"),
        (OSError(errno.EIO, "Input/output error"), 1, "OSError: [Errno 5] Input/output error; please report this"),
        (ValueError("two\nlines"), 1, "ValueError: two lines; please report this, with what --debug prints"),
    ],
    ids=str,
)
def test_an_error_that_nobody_foresaw_is_one_line_too(
    error: BaseException, code: int, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_words: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    assert main(["recipes"]) == code
    err = capsys.readouterr().err
    assert err.startswith(f"error: {sentence}")
    assert err.count("\n") == 1
    with pytest.raises(type(error)):
        main(["recipes", "--debug"])


def test_a_reader_who_leaves_early_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "seefar", "recipes", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_no_colours_where_there_is_no_terminal() -> None:
    done = seefar("recipes", env=os.environ | {"TERM": "xterm-256color"})
    assert "\x1b[" not in done.stdout
    assert done.stderr == ""


def test_the_version() -> None:
    from seefar import __version__

    assert seefar("--version").stdout.strip() == __version__
