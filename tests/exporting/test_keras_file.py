"""`.keras` files: they hold what we say, and open as anybody opens them, on any backend."""

import io
import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.exporting.trained_networks import as_model, as_trained, varied
from tests.networks.test_networks import KINDS, every_kind

import seefar as sf
from seefar.data.images import Dataset
from seefar.exporting.certificate import agreement
from seefar.exporting.keras_file import KerasDraft
from seefar.exporting.notes import NAME
from seefar.model.self_test import Example, from_json, prepared

OTHERS = {  # what an environment of its own needs; tensorflow-cpu, 400 MB, is there for Linux on x86
    "tensorflow": ["tensorflow-cpu>=2.20,<3", "keras==3.15.1"],
    "jax": ["jax>=0.8,<1", "keras==3.15.1"],
}

OPEN_IT = """
import sys
sys.modules["seefar"] = None  # importing it is an error
import keras, numpy as np
images, labels = np.load("images.npy"), np.arange(60) % 5
for number in range({count}):
    model = keras.models.load_model(f"{{number}}.keras")
    np.save(f"{{number}}.npy", model.predict(images, verbose=0, batch_size=len(images)))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
first, *_, last = model.fit(images, labels, epochs=8, verbose=0).history["loss"]
assert last < first, (first, last)
model.save("trained-on.keras")
keras.models.load_model("trained-on.keras")
print(keras.backend.backend())
"""


@every_kind
@pytest.mark.parametrize("batch", [1, 4, 50])
def test_the_file_answers_as_the_model_does(kind: str, batch: int) -> None:
    """Features, too: Keras has those of flattened maps in another order."""
    model, images = as_model(as_trained(KINDS[kind], 5, 17), 17), varied(9, 17)
    expected, found = model.answers(images), KerasDraft(model).answers(images, batch)
    agreed = agreement(expected, found)
    assert agreed.holds
    assert (agreed.same, agreed.differing) == (1, 0)
    assert (agreed.probability, agreed.logit, agreed.feature) < (1e-5, 1e-4, 1e-4)
    assert agreed.feature < 1e-4
    assert {array.dtype for array in (found.logits, found.features, found.probabilities)} == {np.dtype(np.float32)}


def test_the_file_is_keras_own_with_notes_beside_it() -> None:
    draft = KerasDraft(as_model(as_trained(KINDS["fast"], 3, 16), 16))
    content = draft.finished({"classes": ["ä", "b"]}, [Example(b"a file", [1.0, 2.0], [0.3, 0.7])])
    assert draft.size < len(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5", NAME]
        said = json.loads(archive.read(NAME))
        assert said["classes"] == ["ä", "b"]
        assert said["self_test"] == [{"file": "YSBmaWxl", "logits": [1.0, 2.0], "probabilities": [0.3, 0.7]}]
        assert json.loads(archive.read("config.json"))["compile_config"] == {}
        assert archive.read("model.weights.h5").startswith(b"\x89HDF")


def test_it_says_what_computes_and_can_be_timed() -> None:
    draft = KerasDraft(as_model(as_trained(KINDS["fast"], 3, 16), 16))
    assert draft.engine.startswith("Keras 3.")
    assert draft.engine.endswith(" on torch")
    timed = draft.timed(1)
    assert timed is not None
    timed(varied(3, 16))


def opened_with(python: str, backend: str, folder: Path) -> None:
    """Open a file of every kind with a backend, in a process that has no seefar; compare; train on there."""
    images = varied(60, 17)
    np.save(folder / "images.npy", images)
    models = [as_model(as_trained(how, 5, 17), 17) for how in KINDS.values()]
    for number, model in enumerate(models):
        (folder / f"{number}.keras").write_bytes(KerasDraft(model).finished({"classes": model.classes}, []))
    own = {"KERAS_BACKEND": backend, "KERAS_HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    command = [python, "-I", "-c", OPEN_IT.format(count=len(models))]
    done = subprocess.run(command, cwd=folder, env=os.environ | own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == backend
    for number, model in enumerate(models):
        np.testing.assert_allclose(np.load(folder / f"{number}.npy"), model.predict_proba(images), atol=2e-5)


@pytest.mark.slow
def test_it_opens_without_seefar_and_can_be_trained_on(tmp_path: Path) -> None:
    opened_with(sys.executable, "torch", tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("backend", OTHERS)
def test_it_opens_with_another_backend_and_can_be_trained_on(backend: str, tmp_path: Path) -> None:
    """In an environment that is made for it and thrown away, or in that of the Python which SEEFAR_TENSORFLOW or SEEFAR_JAX names."""
    python = os.environ.get(f"SEEFAR_{backend.upper()}")
    if not python:
        venv.create(tmp_path / backend, with_pip=True)
        python = str(tmp_path / backend / "bin" / "python")
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *OTHERS[backend]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{backend} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    opened_with(python, backend, tmp_path)


def test_a_run_becomes_a_file_with_its_certificate(run: sf.Run, small_data: Dataset) -> None:
    made = sf.export(run, to="keras", data=small_data)
    assert made.path == run.path / "model.keras"
    with zipfile.ZipFile(made.path) as archive:
        said = json.loads(archive.read(NAME))
    recorded = run.read("export.json")["keras"]
    assert said["certificate"] == recorded["certificate"]
    assert recorded["certificate"]["agreement"]["images"] == run.evaluation("validation")["images"]
    assert recorded["certificate"]["versions"].keys() >= {"keras", "torch", "h5py"}
    assert (said["classes"], said["size"]) == (list(small_data.train.classes), 16)
    files = prepared(from_json(said["self_test"], 3), 16, said["background"])
    found = KerasDraft(sf.load_model(run)).answers(files, 500).probabilities
    np.testing.assert_allclose(found, [one["probabilities"] for one in said["self_test"]], atol=1e-3)
