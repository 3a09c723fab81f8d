"""Networks from outside are trained like ours: resumed to the bit, opened by the same file alone, started from weights, exported."""

import contextlib
import functools
import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from tests.networks import outside_networks as theirs
from tests.training.plans import at_step
from torch import nn

import seefar as sf
from seefar import network_source
from seefar.cli import main
from seefar.data.images import Dataset
from seefar.errors import ModelFileError, UsageError
from seefar.networks.device import choose_device
from seefar.training import loop

OPTIONS = {"batch_size": 16, "precision": "fp32", "epochs": 2, "quiet": True}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs.write(tmp_path)
    monkeypatch.chdir(tmp_path)


def weights(run: sf.Run) -> bytes:
    return (run.path / "weights" / "last.safetensors").read_bytes()


@pytest.mark.parametrize("kind", ["residual", "Tied"])
def test_what_torch_drops_is_resumed_to_the_bit(kind: str, small_data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    options = OPTIONS | {"model": f"my_net.py:{kind}", "averaging": 0.9}
    whole = sf.train(small_data, "tiny", out="whole", **options)  # type: ignore[arg-type]

    def leave() -> None:
        raise KeyboardInterrupt

    for step in (3, 9):
        with monkeypatch.context() as patch:
            at_step(step, leave, patch)
            with pytest.raises(KeyboardInterrupt):
                sf.train(small_data, "tiny", out=f"part-{step}", **options)  # type: ignore[arg-type]
        torch.rand(7)  # the global state is another one
        assert weights(sf.resume(f"part-{step}", data=small_data, quiet=True)) == weights(whole)


def test_without_the_seeded_global_state_it_would_not_be(small_data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_noise_of_others", lambda *values: contextlib.nullcontext())
    options = OPTIONS | {"model": "my_net.py:residual"}
    one, other = (sf.train(small_data, "tiny", out=name, **options) for name in ("one", "other"))  # type: ignore[arg-type]
    assert weights(one) != weights(other)


def test_a_run_is_opened_by_the_same_file_alone(small_data: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    run = sf.train(small_data, "tiny", out="run", model="my_net.py:residual", **OPTIONS)  # type: ignore[arg-type]
    assert (run.path / "network-source.txt").read_text() == theirs.TEXT
    run.verify()
    before = run.network()
    assert not before.training
    assert before(torch.zeros(2, 3, 16, 16, dtype=torch.uint8)).shape == (2, 3)
    Path("my_net.py").write_text(theirs.TEXT + "\n")
    with pytest.raises(
        ModelFileError, match=r"is not the file that this network was built from.*bring the old text back"
    ) as caught:
        run.network()
    assert caught.value.exit_code == 4
    Path("images").mkdir()
    assert main(["predict", "run", "images"]) == 4
    assert capsys.readouterr().err.count("\n") == 1
    Path("my_net.py").unlink()
    Path("run/my_net.py").write_text(theirs.TEXT)
    with pytest.raises(ModelFileError, match=r"there is no file my_net.py in the current folder"):
        run.network()


def test_a_text_in_the_run_folder_that_was_changed_is_noticed(small_data: Dataset) -> None:
    run = sf.train(small_data, "tiny", out="run", model="my_net.py:residual", **OPTIONS)  # type: ignore[arg-type]
    (run.path / "network-source.txt").write_text("another")
    with pytest.raises(ModelFileError, match=r"network-source.txt is damaged or was changed"):
        run.verify()


def small(classes: int, width: int = 6) -> nn.Module:
    """A callable without a file that Python could import."""
    maps = [nn.Conv2d(3, width, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1)]
    return nn.Sequential(*maps, nn.Linear(width, classes))


def test_a_callable_has_to_be_given_again_in_another_process(small_data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = functools.partial(small, width=9)
    run = sf.run(small_data, "tiny", out="run", network=wide, **OPTIONS)
    assert re.fullmatch(r"given:small\(width=9\)@[0-9a-f]{8}", run.recipe()["model"])
    assert "def small" in (run.path / "network-source.txt").read_text()
    monkeypatch.setattr(network_source, "_given", {})
    with pytest.raises(ModelFileError, match="this process does not know"):
        sf.load_model(run)
    assert sf.load_model(run, network=wide).network.layer("0").out_channels == 9
    assert sf.evaluate(run, "validation", data=small_data).accuracy is not None


def test_scikit_learn_takes_one(small_data: Dataset) -> None:
    from sklearn.base import clone

    images = small_data.train
    made = clone(sf.SeefarClassifier("tiny", network=small, size=16, epochs=2, batch_size=16, learning_rate=0.02))
    assert made.fit(images.pixels, images.labels).predict(images.pixels).shape == (120,)
    assert re.fullmatch(r".+:small(@[0-9a-f]{8})?", made.recipe_.network.source)
    with pytest.raises(UsageError, match="model is given both by itself and in changes"):
        made.set_params(changes={"model": "vgg"}).fit(images.pixels, images.labels)


def test_another_run_is_a_start_and_its_stages_can_be_frozen(small_data: Dataset) -> None:
    options = OPTIONS | {"model": "my_net.py:residual"}
    first = sf.train(small_data, "tiny", out="first", **options)  # type: ignore[arg-type]
    second = sf.train(small_data, "tiny", 1, out="second", start=first, frozen_stages=1, **options)  # type: ignore[arg-type]
    there, here = (safetensors.torch.load_file(run.path / "weights" / "best.safetensors") for run in (first, second))
    same = {name for name in here if torch.equal(here[name], there[name])}
    assert {name for name in here if name.startswith("body.0.")} <= same
    assert "body.1.one.weight" not in same
    with pytest.raises(UsageError, match="cannot freeze 3 stages of a network that has 2"):
        sf.train(small_data, "tiny", out="third", start=first, frozen_stages=3, **options)  # type: ignore[arg-type]


def test_a_file_of_weights_is_a_start(small_data: Dataset, tmp_path: Path) -> None:
    options = OPTIONS | {"model": "my_net.py:residual"}
    first = sf.train(small_data, "tiny", out="first", **options)  # type: ignore[arg-type]
    plain = {
        name.removeprefix("body."): value.contiguous()
        for name, value in first.network().state_dict().items()
        if "scale" not in name
    }
    safetensors.torch.save_file(plain, "plain.safetensors")
    second = sf.train(small_data, "tiny", 1, out="second", start="plain.safetensors", frozen_stages=2, **options)  # type: ignore[arg-type]
    assert second.read("data.json")["start"]["run"] == "plain.safetensors"
    here = second.network().state_dict()
    assert torch.equal(here["body.1.one.weight"].cpu(), plain["1.one.weight"].to(choose_device("cpu")))
    assert not torch.equal(here["body.5.weight"].cpu(), plain["5.weight"].cpu())  # the last layer is new
    Path("weights.pth").write_bytes(b"")
    safetensors.torch.save_file({"other": torch.zeros(3)}, "other.safetensors")
    for file, sentence in {
        "weights.pth": "weights.pth is a pickle, which can hold programs; save the weights as safetensors",
        "absent.safetensors": "cannot load absent.safetensors",
        "other.safetensors": r"other.safetensors does not hold the weights of tiny\+.*model=my_net.py:residual",
    }.items():
        with pytest.raises(ModelFileError, match=sentence):
            sf.train(small_data, "tiny", out="x", start=file, **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--from pretrained is for networks of timm"):
        sf.train(small_data, "tiny", out="x", start="pretrained", **options)  # type: ignore[arg-type]


def test_a_study_compares_two_of_them_and_notices_another_text(small_data: Dataset) -> None:
    from seefar.studies.vary import vary

    Path("other.py").write_text(theirs.TEXT)
    question = vary("tiny", ["model=my_net.py:residual,other.py:largest"], {"epochs": 1, "batch_size": 16, "precision": "fp32"})
    found = sf.study(question, small_data, seeds=2, quiet=True, out="study")
    assert [row.variant for row in found.rows][-1] == "model=other.py:largest"
    Path("other.py").write_text(theirs.TEXT + "\n")
    with pytest.raises(UsageError, match=r"study holds another study"):
        sf.study(question, small_data, seeds=3, quiet=True, out="study")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["residual", "hidden"])
def test_exports_say_what_the_network_says(kind: str, small_data: Dataset) -> None:
    run = sf.train(small_data, "tiny", out="run", model=f"my_net.py:{kind}", **OPTIONS)  # type: ignore[arg-type]
    model = sf.load_model(run, "cpu", precision="fp32")
    for to in ("onnx", "torch"):
        assert sf.export(run, to=to, data=small_data).path.exists()
    mine, theirs_ = (
        one.answers(small_data.train.pixels[:5], maps=True) for one in (model, sf.load_model(run.path / "model.onnx"))
    )
    assert mine.maps is not None
    assert theirs_.maps is not None
    assert np.allclose(mine.maps, theirs_.maps, atol=1e-4)


def test_keras_takes_a_row_of_layers_and_refuses_others(small_data: Dataset) -> None:
    keras = pytest.importorskip("keras")
    assert keras
    run = sf.train(small_data, "tiny", out="run", model="my_net.py:residual", **OPTIONS)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"body.0 is Block with layers inside, which no standard layer of Keras equals"):
        sf.export(run, to="keras", data=small_data)
