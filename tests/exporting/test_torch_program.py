"""Networks of ours as torch programs: the same answers for any number of images, nothing pickled, no seefar needed."""

import io
import json
import zipfile

import numpy as np
import pytest
import torch
from tests.exporting.trained_networks import as_model, as_trained, varied
from tests.networks.test_networks import KINDS, every_kind

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import ModelFileError
from seefar.exporting.certificate import agreement
from seefar.exporting.torch_program import TorchDraft, answers_without_seefar, torch_program
from seefar.exporting.without_seefar import OUTPUTS
from seefar.recipes import Fast, Vgg

CLOSE = {"atol": 1e-5, "rtol": 1e-4}


@every_kind
def test_the_answers_are_those_of_the_model(kind: str) -> None:
    model = as_model(as_trained(KINDS[kind], 5, 17), 17)
    content = TorchDraft(model).finished({"classes": ["ä"]}, [])
    notes = {"seefar.json": ""}
    program = torch.export.load(io.BytesIO(content), extra_files=notes).module()
    assert json.loads(notes["seefar.json"]) == {"classes": ["ä"], "self_test": []}
    for n in (1, 2, 7, 50):
        images = varied(n, 17)
        expected = model.answers(images, maps=True)
        with torch.inference_mode():
            found = program(torch.tensor(images))
        assert set(found) == {"probabilities", "logits", "features", "maps"}
        for name, values in found.items():
            np.testing.assert_allclose(values.numpy(), getattr(expected, name), **CLOSE, err_msg=name)


@pytest.mark.parametrize("how", [Vgg(widths=((4,),), dense=8), Fast(widths=((4,), (8, 8)), residual=True, patterns=5)])
@pytest.mark.parametrize(("size", "classes"), [(8, 2), (224, 200)])
def test_the_smallest_and_the_largest(how: Vgg | Fast, size: int, classes: int) -> None:
    model, images = as_model(as_trained(how, classes, size), size), varied(3, size)
    with torch.inference_mode():
        found = torch_program(model).module()(torch.tensor(images))
    np.testing.assert_allclose(found["logits"].numpy(), model.logits(images), **CLOSE)


def test_without_a_temperature_probabilities_are_those_of_the_network() -> None:
    model, images = as_model(as_trained(KINDS["plain"], 3, 16), 16, None), varied(4, 16)
    with torch.inference_mode():
        found = torch_program(model).module()(torch.tensor(images))
    np.testing.assert_allclose(found["probabilities"].numpy(), model.predict_proba(images), **CLOSE)


def test_nothing_in_the_file_is_pickled() -> None:
    content = TorchDraft(as_model(as_trained(KINDS["fast"], 5, 17), 17)).finished({}, [])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert members["data/sample_inputs/model.pt"] == b""
    for name in ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json"):
        assert not any(tensor["use_pickle"] for tensor in json.loads(members[name])["config"].values())
    assert not [name for name, member in members.items() if member.startswith((b"\x80", b"PK")) and "weight_" not in name]


def test_the_network_itself_is_left_as_it_was() -> None:
    network = as_trained(KINDS["deep"], 5, 16)
    network.train()
    before = {name: (values.clone(), values.stride()) for name, values in network.state_dict().items()}
    torch_program(as_model(network, 16))
    assert network.training
    for name, values in network.state_dict().items():
        assert torch.equal(values, before[name][0])
        assert values.stride() == before[name][1]


@pytest.mark.parametrize("batch", [1, 7, 512])
def test_a_draft_answers_from_the_file_in_batches(batch: int) -> None:
    model, images = as_model(as_trained(KINDS["deep, hidden layer"], 5, 17), 17), varied(20, 17)
    agreed = agreement(model.answers(images, maps=True), TorchDraft(model).answers(images, batch, maps=True))
    assert agreed.holds
    assert agreed.map is not None
    assert max(agreed.probability, agreed.logit, agreed.feature, agreed.map) < 1e-5


def test_it_says_what_computes_and_can_be_timed() -> None:
    draft = TorchDraft(as_model(as_trained(KINDS["plain"], 3, 16), 16))
    assert draft.engine == f"torch.export {torch.__version__.split('+')[0]} on cpu"
    assert draft.size > 10_000
    timed = draft.timed(1)
    assert timed is not None
    timed(varied(3, 16))


@pytest.mark.slow
def test_a_process_without_seefar_gives_the_same_answers() -> None:
    model, images = as_model(as_trained(KINDS["fast, residual"], 5, 17), 17), varied(40, 17)
    expected, found = model.answers(images), TorchDraft(model).answers(images, 7)
    for name in OUTPUTS:
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), **CLOSE, err_msg=name)
    assert found.maps is None


@pytest.mark.slow
def test_a_program_that_does_not_load_there_is_an_error() -> None:
    content = TorchDraft(as_model(as_trained(KINDS["plain"], 5, 16), 16)).finished({}, [])
    with pytest.raises(ModelFileError, match=r"does not run in a process without seefar \(exit code 1\)") as found:
        answers_without_seefar(content[: len(content) // 2], varied(1, 16), 1)
    assert found.value.details


@pytest.mark.slow
def test_a_run_becomes_a_file_with_its_certificate(run: sf.Run, small_data: Dataset) -> None:
    made = sf.export(run, to="torch", data=small_data)
    assert made.path == run.path / "model.pt2"
    notes = {"seefar.json": ""}
    torch.export.load(made.path, extra_files=notes)
    recorded = run.read("export.json")["torch"]
    assert json.loads(notes["seefar.json"])["certificate"] == recorded["certificate"]
    assert all(found["map"] is not None and found["map"] < 1e-5 for found in recorded["certificate"]["batches"].values())
