"""POST /v1/predict says what the model says, in every way of asking; what is there is described."""

import base64
import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.serving.running import CLASSES, Running, png, rule_model, running

import seefar as sf
from seefar.answering.overlays import overlay
from seefar.data.images import Dataset


def test_an_image_gets_what_the_model_says(shared: Running) -> None:
    answer = shared.predict(60).json()
    (row,) = answer["answers"]
    said = shared.service.models.get("rule").model.predict(np.full((8, 8, 3), 60, np.uint8))[0]
    assert (answer["model"], answer["version"]) == ("rule", "1")
    assert (row["label"], row["probability"], row["unlike"]) == (said.label, said.probability, said.unlike)
    assert row["probabilities"] == said.probabilities
    assert list(row["probabilities"]) == list(said.probabilities)
    assert (row["original_size"], row["error"], row["abstained"]) == ("8x8", None, False)


def test_a_form_gets_an_answer_for_each_file_in_order(shared: Running) -> None:
    files = [("image", ("a.png", png(215))), ("image", ("b.txt", b"no image")), ("other", ("c", png(40, 30)))]
    answers = shared.client.post("/v1/predict", files=files).json()["answers"]
    assert [row.get("label") for row in answers] == ["light", None, "dark"]
    assert answers[1] == {"error": "not an image (PNG, JPEG, WEBP, BMP and GIF are read)"}
    assert answers[2]["original_size"] == "30x30"


def test_top_lists_the_most_probable(shared: Running) -> None:
    (row,) = shared.predict(40, params={"top": 2}).json()["answers"]
    assert list(row["probabilities"]) == ["dark", "grey"]
    assert list(shared.predict(40, params={"top": 99}).json()["answers"][0]["probabilities"]) == list(CLASSES)


def test_a_map_is_a_picture_of_where_the_evidence_was(shared: Running) -> None:
    (row,) = shared.predict(60, params={"explain": "1"}).json()["answers"]
    kind, _, data = row["map"].partition(",")
    assert kind == "data:image/png;base64"
    found = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    pixels = np.full((8, 8, 3), 60, np.uint8)
    wanted = shared.service.models.get("rule").model.answers(pixels[None], maps=True).maps
    assert wanted is not None
    assert np.array_equal(found, np.asarray(overlay(pixels, wanted[0, 0])))
    assert "map" not in shared.predict(60).json()["answers"][0]


def test_no_class_is_named_where_the_model_is_not_sure(shared: Running) -> None:
    between = shared.predict(84, params={"abstain": "0.99"}).json()["answers"][0]
    assert (between["label"], between["sure"], between["abstained"]) == (None, False, True)
    assert shared.predict(84).json()["answers"][0]["label"] == "dark"
    clear = shared.predict(40, params={"abstain": "0.99"}).json()["answers"][0]
    assert (clear["label"], clear["sure"], clear["abstained"]) == ("dark", True, False)


def test_models_are_chosen_by_name_and_version(tmp_path: Path) -> None:
    other = dataclasses.replace(rule_model(temperature=None, familiar=None, sure=None), classes=("a", "b", "c"))
    with running(tmp_path, {"first": rule_model(), "second": other}) as one:
        assert one.predict(40).json()["answers"][0]["label"] == "dark"
        row = one.predict(40, params={"model": "second"}).json()["answers"][0]
        assert (row["label"], row["sure"], row["unlike"]) == ("a", None, None)
        assert one.predict(40, params={"model": "second", "version": "1"}).status_code == 200
        for odd in ({"model": "third"}, {"version": "9"}):
            assert one.predict(40, params=odd).status_code == 404
        assert one.predict(40, params={"model": "second", "abstain": "0.99"}).status_code == 400
        listed = one.client.get("/v1/models").json()["models"]
        assert [(model["name"], model["version"], model["size"]) for model in listed] == [("first", "1", 8), ("second", "1", 8)]
        assert one.client.get("/v1/models/second").json()["classes"] == ["a", "b", "c"]


def test_an_exported_file_answers_as_in_python(exported: Path, small_data: Dataset, tmp_path: Path) -> None:
    model = sf.load_model(exported)
    pictures = []
    for pixels in small_data.test.pixels:
        file = io.BytesIO()
        Image.fromarray(pixels).resize((37, 50)).save(file, "PNG")
        pictures.append(file.getvalue())
    with running(tmp_path, {"small": model}) as one:
        for start in range(0, len(pictures), 10):
            some = pictures[start : start + 10]
            answers = one.client.post("/v1/predict", files=[("image", ("x", picture)) for picture in some]).json()["answers"]
            said = model.predict([Image.open(io.BytesIO(picture)) for picture in some])
            for row, wanted in zip(answers, said, strict=True):
                assert row["label"] == wanted.label
                assert row["probability"] == pytest.approx(wanted.probability, abs=2e-6)
                assert row["unlike"] == wanted.unlike
