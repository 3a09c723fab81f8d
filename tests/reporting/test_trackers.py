"""MLflow and trackio get each epoch, and stop no training; with stand-ins quickly, with the real ones where somebody asks for it."""

import json
import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tests.conftest import SMALL, colours
from tests.environments import environment

import seefar as sf
from seefar.cli import main
from seefar.errors import DivergedError, UsageError
from seefar.reporting.trackers import MLFLOW_FILE, mlflow, trackio

ROOT = Path(__file__).parents[2]
Metric = namedtuple("Metric", "key value timestamp step")
Pair = namedtuple("Pair", "key value")


class Client:
    """Takes what MLflow's takes, unless it is `down`."""

    made: "list[Client]" = []  # noqa: RUF012  the clients of a test
    down = False

    def __init__(self, tracking_uri: str) -> None:
        self.uri, self.runs, self.statuses = tracking_uri, dict[str, list[Any]](), dict[str, list[str]]()
        Client.made.append(self)

    def _ask(self) -> None:
        if Client.down:
            raise ConnectionError(f"nobody at {self.uri}")

    def search_experiments(self, max_results: int) -> list[Any]:
        self._ask()
        return []

    def get_experiment_by_name(self, name: str) -> None:
        return None

    def create_experiment(self, name: str) -> str:
        return name

    def create_run(self, experiment: str, run_name: str) -> Any:
        self.runs[run_name], self.statuses[run_name] = [], ["RUNNING"]
        return SimpleNamespace(info=SimpleNamespace(run_id=run_name))

    def update_run(self, run: str, status: str) -> None:
        self.statuses.setdefault(run, []).append(status)
        self.runs.setdefault(run, [])

    def log_batch(self, run: str, metrics: Any = (), params: Any = (), tags: Any = ()) -> None:
        self._ask()
        self.runs[run] += [*metrics, *params, *tags]

    def set_terminated(self, run: str, status: str) -> None:
        self._ask()
        self.statuses[run].append(status)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    """A package `mlflow` with this client."""
    monkeypatch.setitem(sys.modules, "mlflow", ModuleType("mlflow"))
    monkeypatch.setitem(sys.modules, "mlflow.tracking", SimpleNamespace(MlflowClient=Client))
    monkeypatch.setitem(sys.modules, "mlflow.entities", SimpleNamespace(Metric=Metric, Param=Pair, RunTag=Pair))
    monkeypatch.setattr(Client, "made", [])
    monkeypatch.setattr(Client, "down", False)
    return Client


def accuracies(entries: list[Any]) -> dict[int, float]:
    return {one.step: one.value for one in entries if isinstance(one, Metric) and one.key == "validation_accuracy"}


def test_mlflow_gets_recipe_epochs_tags_and_the_end(client: type[Client], tmp_path: Path) -> None:
    run = sf.train(
        colours(), "tiny", out=tmp_path / "r", quiet=True, tags=("paper",), watch=[mlflow("sqlite:///m.db")], **SMALL
    )
    (made,) = client.made
    entries = made.runs["r"]
    assert accuracies(entries) == {row["number"]: row["validation_accuracy"] for row in run.history()}
    pairs = {one.key: one.value for one in entries if isinstance(one, Pair)}
    assert pairs["seed"] == "0"
    assert pairs["widths"] == "[[8],[8]]"
    assert pairs["tag.paper"] == "1"
    assert pairs["seefar.data"] == "colours"
    assert pairs["seefar.data_digest"] == run.read("data.json")["digest"]
    assert made.statuses["r"] == ["RUNNING", "FINISHED"]


def test_a_resumed_training_continues_its_run(client: type[Client], tmp_path: Path) -> None:
    run = sf.train(colours(), "tiny", out=tmp_path / "r", quiet=True, watch=[mlflow("u")], **SMALL)
    sf.resume(run, data=colours(), epochs=5, quiet=True, watch=[mlflow("u")])
    second = client.made[1]
    assert sorted(accuracies(second.runs["r"])) == [4, 5]
    assert second.statuses["r"] == ["RUNNING", "FINISHED"]


def test_a_run_that_was_not_tracked_before_brings_its_earlier_epochs(client: type[Client], tmp_path: Path) -> None:
    run = sf.train(colours(), "tiny", out=tmp_path / "r", quiet=True, **SMALL)
    sf.resume(run, data=colours(), epochs=4, quiet=True, watch=[mlflow("u")])
    assert sorted(accuracies(client.made[0].runs["r"])) == [1, 2, 3, 4]


def test_a_tracker_that_goes_away_stops_no_training(
    client: type[Client], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(events: Any, plan: Any, earlier: Any) -> Any:
        for event in events:
            if hasattr(event, "validation_accuracy"):
                client.down = event.number in (1, 2)
            yield event

    run = sf.train(colours(), "tiny", out=tmp_path / "r", quiet=True, watch=[interrupted, mlflow("http://host")], **SMALL)
    assert len(run.history()) == 3
    assert sorted(accuracies(client.made[0].runs["r"])) == [1, 2, 3]  # what it missed came with the third
    said = capsys.readouterr().err
    assert said.count("MLflow did not take epoch") == 1
    assert "MLflow did not take epoch 1 (nobody at http://host); the training goes on" in said


def test_what_a_tracker_never_took_is_said_at_the_end(
    client: type[Client], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for since, which in ((2, "epochs 2 to 3"), (3, "epoch 3")):

        def interrupted(events: Any, plan: Any, earlier: Any, since: int = since) -> Any:
            for event in events:
                if hasattr(event, "validation_accuracy"):
                    client.down = event.number >= since
                yield event

        client.down = False
        watch = [interrupted, mlflow("http://host")]
        sf.train(colours(), "tiny", out=tmp_path / f"r{since}", quiet=True, watch=watch, **SMALL)
        said = capsys.readouterr().err
        assert said.count("never took") == 1
        assert f"note: MLflow never took {which} (nobody at http://host)" in said


def test_how_it_ended_is_told_even_if_it_did_not_end_well(client: type[Client], tmp_path: Path) -> None:
    def stops(events: Any, plan: Any, earlier: Any) -> Any:
        for event in events:
            yield event
            if hasattr(event, "validation_accuracy"):
                return

    sf.train(colours(), "tiny", out=tmp_path / "a", quiet=True, watch=[mlflow("u"), stops], **SMALL)
    assert client.made[0].statuses["a"][-1] == "KILLED"

    def diverges(events: Any, plan: Any, earlier: Any) -> Any:
        yield next(events)
        raise DivergedError("the loss is infinite")

    with pytest.raises(DivergedError):
        sf.train(colours(), "tiny", out=tmp_path / "b", quiet=True, watch=[diverges, mlflow("u")], **SMALL)
    assert client.made[1].statuses["b"][-1] == "FAILED"


def test_a_tracker_that_is_not_there_is_said_before_anything_is_done(
    client: type[Client], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client.down = True
    words = ["train", "--data", "shapes", "--recipe", "tiny", "--out", str(tmp_path / "r"), "--mlflow", "http://me:secret@host"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "MLflow does not take runs at http://host: nobody at http://host; give the address of a server" in said
    assert "secret" not in said
    assert not (tmp_path / "r").exists()


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mlflow", "mlflow.tracking", "trackio"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=r"pip install 'seefar\[mlflow\]'"):
        mlflow("u")
    with pytest.raises(UsageError, match=r"pip install 'seefar\[trackio\]'"):
        trackio("p")


def test_trackio_gets_config_and_epochs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given: dict[str, Any] = {"epochs": {}}

    class TrackioRun:
        def log(self, figures: dict[str, float], step: int) -> None:
            given["epochs"][step] = figures

    def init(**options: Any) -> TrackioRun:
        print("* Trackio project initialized")
        given.update(options)
        return TrackioRun()

    monkeypatch.setitem(sys.modules, "trackio", SimpleNamespace(init=init, finish=lambda: print("* Run finished")))
    run = sf.train(colours(), "tiny", out=tmp_path / "r", quiet=True, tags=("paper",), watch=[trackio("my project")], **SMALL)
    assert (given["project"], given["name"], given["config"]["tags"]) == ("my project", "r", "paper")
    wanted = {row["number"]: row["validation_accuracy"] for row in run.history()}
    assert {step: figures["validation_accuracy"] for step, figures in given["epochs"].items()} == wanted
    shown = capsys.readouterr()
    assert shown.out == ""  # it is for the run folder
    assert "trackio show --project 'my project'" in shown.err


REAL = """
import sys
sys.path += sys.argv[4:]
import seefar as sf
from seefar.data.images import Dataset, ImageSet
import numpy as np
from seefar.reporting import trackers
rng = np.random.default_rng(1)
def images(n, split):
    labels = np.arange(n) % 3
    pixels = (labels[:, None, None, None] * 80 + rng.integers(0, 40, (n, 16, 16, 3))).astype(np.uint8)
    return ImageSet(pixels, labels.astype(np.int64), ("a", "b", "c"), tuple(f"{split}/{i}" for i in range(n)))
data = Dataset("colours", images(120, "train"), images(30, "test"), "noise")
watch = [getattr(trackers, sys.argv[1])(sys.argv[2])]
small = {"widths": [[8], [8]], "dense": 16, "epochs": 2, "batch_size": 16, "precision": "fp32"}
run = sf.train(data, "tiny", out=sys.argv[3], quiet=True, watch=watch, tags=["paper"], **small)
sf.resume(run, data=data, epochs=3, quiet=True, watch=[getattr(trackers, sys.argv[1])(sys.argv[2])])
"""

READ = {
    "mlflow": """
import json, sys
from mlflow.tracking import MlflowClient
client = MlflowClient(sys.argv[1])
(experiment,) = client.search_experiments(filter_string="name = 'colours'")
(run,) = client.search_runs([experiment.experiment_id])
history = {one.step: one.value for one in client.get_metric_history(run.info.run_id, "validation_accuracy")}
print(json.dumps({"history": history, "ended": run.info.status, "dense": run.data.params["dense"], "tag": run.data.tags["tag.paper"]}))
""",
    "trackio": """
import json, sys
import trackio
(run,) = trackio.Api().runs(sys.argv[1])
rows = trackio.sqlite_storage.SQLiteStorage.get_logs(sys.argv[1], run.name)
history = {row["step"]: row["validation_accuracy"] for row in rows}
print(json.dumps({"history": history, "ended": "FINISHED", "dense": run.config["dense"], "tag": str(int(run.config["tags"] == "paper"))}))
""",
}


@pytest.mark.slow
@pytest.mark.parametrize(("tracker", "packages"), [("mlflow", ["mlflow==3.17.2"]), ("trackio", ["trackio==0.43.0"])])
def test_the_real_ones_have_the_epochs_in_their_own_stores(tracker: str, packages: list[str], tmp_path: Path) -> None:
    if not os.environ.get("SEEFAR_TRACKERS"):
        pytest.skip("set SEEFAR_TRACKERS=1: it installs up to 87 packages in environments of their own, which takes minutes")
    python = environment(ROOT / ".venv" / tracker, packages)
    where = f"sqlite:///{tmp_path / 'm.db'}" if tracker == "mlflow" else "project"
    surroundings = {**os.environ, "TRACKIO_DIR": str(tmp_path / "trackio"), "SEEFAR_HOME": str(tmp_path / "home")}
    ours = [path for path in sys.path if path.endswith(("site-packages", "src"))]  # behind its own, which are older
    for words in (
        ["-c", REAL, tracker, where, str(tmp_path / "run"), str(ROOT / "src"), *ours],
        ["-c", READ[tracker], where],
    ):
        done = subprocess.run(
            [str(python), *words], capture_output=True, text=True, check=False, env=surroundings, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    wanted = {str(row["number"]): row["validation_accuracy"] for row in sf.open_run(tmp_path / "run").history()}
    assert found["history"] == pytest.approx(wanted)
    assert len(wanted) == 3
    assert (found["ended"], found["dense"], found["tag"]) == ("FINISHED", "16", "1")
    assert (tmp_path / "run" / MLFLOW_FILE).exists() == (tracker == "mlflow")
