"""The documents quote what was measured: tables are made from the committed results, not typed."""

import json
from pathlib import Path

import pytest
import torch
from tests.conftest import script

import seefar as sf
from seefar.networks.summary import summarise

ROOT = Path(__file__).parents[1]


def test_the_table_of_the_enhancement_study_is_what_the_study_wrote() -> None:
    found = json.loads((ROOT / "docs" / "enhancement.json").read_bytes())
    page = (ROOT / "docs" / "enhancement.md").read_text()
    assert script(ROOT / "benchmarks" / "study_table.py").table(found) in page
    together = found["together"]
    assert f"**All steps together are worth {100 * together['value']:.1f} points** ({100 * together['low']:.1f} to" in page


@pytest.mark.parametrize("name", ["time-to-accuracy", "time-to-accuracy-float32"])
def test_the_tables_of_the_times_to_accuracy_are_what_was_measured(name: str) -> None:
    measured = script(ROOT / "benchmarks" / "time_to_accuracy.py")
    results = json.loads((ROOT / "docs" / f"{name}.json").read_bytes())
    assert measured.tables(list(results.values())) in (ROOT / "docs" / "benchmarks.md").read_text()


def test_the_table_of_promised_accuracies_is_what_was_measured_and_almost_all_were_kept() -> None:
    measured = script(ROOT / "benchmarks" / "promises.py")
    results = list(json.loads((ROOT / "docs" / "promises.json").read_bytes()).values())
    rows, _ = measured.table(results).rsplit("\n\n", 1)
    kept, missed_beside = sum(map(measured.is_kept, results)), 1  # a run by `seefar run`, which the page tells of
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert rows in page
    assert f"**{kept} of {len(results) + missed_beside} intervals held**" in page
    assert kept / (len(results) + missed_beside) > 14 / 15


@pytest.mark.parametrize(
    ("row", "key"),
    [
        ("`fast`, 3 epochs", "fast 1"),
        ("`fast`, 7 epochs", "fast 2"),
        ("`fast`, 17 epochs", "fast 5"),
        ("airbench94", "airbench94_muon, published"),
        ("a [typical Keras notebook](benchmarks/peers/keras_notebook.py), deep", "Keras notebook, deep"),
        ("the same, plain", "Keras notebook, plain"),
        ("ResNet-18", "ResNet-18, PyTorch"),
    ],
)
def test_the_readme_compares_what_was_measured(row: str, key: str) -> None:
    results = json.loads((ROOT / "docs" / "time-to-accuracy-float32.json").read_bytes())
    last = results[f"{key}, seed 0"]["last"]
    seconds = f"{last['seconds']:.0f} s" if last["seconds"] < 600 else f"{last['seconds'] / 60:.0f} min"
    shown = next(line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(f"| {row}"))
    assert f"{100 * last.get('test_tta', last['test']):.1f} %" in shown
    assert seconds in shown


def test_the_arithmetic_of_the_peers_is_that_of_their_networks() -> None:
    flops = script(ROOT / "benchmarks" / "flops.py")
    networks = {
        flops.RESNET: script(ROOT / "benchmarks" / "peers" / "resnet18.py").resnet18(),
        flops.AIRBENCH: script(ROOT / "benchmarks" / "peers" / "airbench94_muon.py").Airbench(torch.rand(20, 3, 32, 32)),
    }
    for products, network in networks.items():
        assert sum(layer.multiply_adds for layer in summarise(network, 32)) == products


def test_the_arithmetic_of_a_training_follows_epochs_sizes_and_what_is_left_out() -> None:
    training_flops = script(ROOT / "benchmarks" / "flops.py").training_flops

    def ours(*changes: str) -> float:
        return training_flops({"options": ["ours.py", *(word for change in changes for word in ("--set", change))]})

    whole = ours("epochs=2", "leave_out=0", "resolution=[[0,1]]")
    assert whole == 6 * sum(layer.multiply_adds for layer in sf.summary("fast")) * 2 * 45_000
    assert ours("epochs=2", "leave_out=0.5", "resolution=[[0,1]]") == pytest.approx(0.75 * whole, rel=0.01)
    assert ours("epochs=2", "leave_out=0", "resolution=[[0,0.625],[0.5,1]]") == pytest.approx(0.68 * whole, rel=0.05)


def test_the_page_of_results_is_what_was_measured() -> None:
    results = json.loads((ROOT / "docs" / "results.json").read_bytes())
    assert script(ROOT / "benchmarks" / "results.py").page(list(results.values())) == (ROOT / "docs" / "results.md").read_text()


@pytest.mark.parametrize("fresh", [False, True])
def test_results_that_are_there_are_kept_or_trained_anew_on_demand(
    fresh: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = script(ROOT / "benchmarks" / "results.py")
    before = json.loads((ROOT / "docs" / "results.json").read_bytes())
    (tmp_path / "results.json").write_text(json.dumps(before))
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(module, "PAGE", tmp_path / "results.md")
    monkeypatch.setattr(module, "one_run", lambda recipe, seed, images: before[f"{recipe}, seed {seed}"] | {"accuracy": 0.5})
    monkeypatch.setattr("sys.argv", ["results.py", "--only", "tiny", *(["--fresh"] if fresh else [])])
    module.main()
    after = json.loads((tmp_path / "results.json").read_bytes())
    assert list(after) == list(before)
    assert {key for key in before if after[key] != before[key]} == (
        {f"tiny, seed {seed}" for seed in range(3)} if fresh else set()
    )
    assert capsys.readouterr().out.count("--fresh trains it anew") == (0 if fresh else 3)
    assert (tmp_path / "results.md").read_text() == module.page(list(after.values()))


@pytest.mark.parametrize("recipe", ["tiny", "baseline", "deep", "fast"])
def test_the_readme_quotes_the_page_of_results(recipe: str) -> None:
    def row(page: str) -> list[str]:
        shown = (ROOT / page).read_text()
        return next(line for line in shown.splitlines() if line.startswith(f"| `{recipe}` |")).split(" | ")

    quoted, measured = row("README.md"), row("docs/results.md")
    for figure in measured[1:3]:
        assert figure.removesuffix(" (3 seeds)").strip() in quoted
    assert quoted[-1].removesuffix(" |") == measured[4]


def test_the_page_of_results_has_a_row_for_each_recipe() -> None:
    page = script(ROOT / "benchmarks" / "results.py").page
    run = {
        "recipe": "fast",
        "accuracy": 0.85,
        "accuracy_tta": 0.86,
        "epochs": 9,
        "seconds": 100.0,
        "gflops": [300, 310],
        "machine": "two cores",
    }
    plain = run | {"recipe": "tiny", "accuracy_tta": None, "seconds": 20.4, "gflops": [290, 302], "machine": "another"}
    shown = page([run, run | {"accuracy": 0.86, "accuracy_tta": 0.87}, plain])
    assert (
        "| `fast` | 85.50 ± 6.35 (2 seeds) | 86.50 ± 6.35 (2 seeds) | 9 | 1.7 min | two cores | 300 to 310 GFLOP/s |" in shown
    )
    assert "| `tiny` | 85.00 (one seed) |  | 9 | 20 s | another | 290 to 302 GFLOP/s |" in shown
    assert shown.endswith("\nNot measured: `baseline`, `deep`, `fast_gpu`, `best`.\n")
