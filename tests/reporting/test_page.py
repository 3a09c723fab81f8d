"""The report: self-contained, complete, harmless, and with what is missing said."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import SMALL

import seefar as sf
from seefar.data.images import Dataset, ImageSet
from seefar.errors import ModelFileError

NASTY = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "猫 & {{ 7*7 }}")


def renamed(data: Dataset, classes: tuple[str, ...]) -> Dataset:
    def rename(images: ImageSet) -> ImageSet:
        return dataclasses.replace(images, classes=classes)

    return dataclasses.replace(data, train=rename(data.train), test=rename(data.test))


def trained(data: Dataset, out: Path) -> sf.Run:
    return sf.train(data, "tiny", out=out, quiet=True, **SMALL)


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def run(small_data: Dataset, tmp_path: Path) -> sf.Run:
    run = trained(small_data, tmp_path / "run")
    sf.evaluate(run, "validation", data=small_data)
    sf.evaluate(run, "test", data=small_data)
    return run


def test_the_page_needs_nothing_from_outside(run: sf.Run) -> None:
    page = Page(sf.report(run))
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    loaded = [value for name, value in page.attributes if name in ("src", "href", "xlink:href") and value]
    assert [value for value in loaded if not value.startswith(("data:image/png;base64,", "#"))] == []
    assert not re.search(r"url\((?!#|\"data:image/png;base64,)", (run.path / "report.html").read_text())


def test_the_only_script_is_the_one_whose_digest_the_page_allows(run: sf.Run) -> None:
    import base64
    import hashlib

    text = sf.report(run).read_text()
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    (allowed,) = re.findall(r"script-src 'sha256-([^']+)'", text)
    assert [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts] == [allowed]
    assert text.count("<script") == 2  # the other one holds the mistakes as JSON, which no browser runs
    assert '<script type="application/json"' in text


def test_the_numbers_lie_beside_the_page_and_a_report_made_again_is_the_same(run: sf.Run) -> None:
    sf.report(run)
    first = {name: (run.path / name).read_bytes() for name in ("report.html", "report.json", "README.md", "figures/curves.png")}
    numbers = json.loads(first["report.json"])
    assert numbers["test"] == run.read("evaluation-test.json")
    assert numbers["history"] == run.history()
    assert all(sentence in Page(run.path / "report.html").text for part in numbers["words"].values() for sentence in part)
    sf.report(run)
    assert {name: (run.path / name).read_bytes() for name in first} == first


def test_the_model_card_has_front_matter_with_the_test_accuracy(run: sf.Run) -> None:
    sf.report(run)
    card = (run.path / "README.md").read_text()
    _, front, body = card.split("---\n", 2)
    accuracy = run.read("evaluation-test.json")["accuracy"]["value"]
    assert f"{{type: accuracy, value: {accuracy:.4f}}}" in front
    assert "pipeline_tag: image-classification" in front
    assert "## Where it fails" in body
    assert run.read("environment.json")["command"] in body


def test_an_evaluation_of_an_earlier_version_is_completed_from_its_answers(run: sf.Run) -> None:
    sf.report(run)
    whole = (run.path / "report.json").read_bytes()
    evaluation = run.read("evaluation-test.json")
    kept = ("split", "images", "digest", "look", "look_on_machine", "accuracy", "balanced_accuracy", "loss", "scores")
    run.write("evaluation-test.json", {name: evaluation[name] for name in (*kept, "confusion", "confusions")})
    sf.report(run)
    assert json.loads((run.path / "report.json").read_bytes()) == json.loads(whole)


def test_what_the_run_found_is_on_the_page(run: sf.Run) -> None:
    text = " ".join(Page(sf.report(run)).text.split())
    evaluation = run.read("evaluation-test.json")
    assert f"{100 * evaluation['accuracy']['value']:.1f} %" in text
    assert "noise around three colours" in text
    for field in run.recipe():
        assert field in text or field in ("name", "about")
    assert run.read("environment.json")["command"] in text
    assert run.read("data.json")["digest"] in text
    assert evaluation["digest"] in text
    assert "1 by this run, 1 on this machine" in text
    assert "one seed" in text


def test_every_chart_lies_as_png_in_the_run_folder(run: sf.Run) -> None:
    sf.report(run)
    names = {path.name for path in (run.path / "figures").iterdir()}
    drawn = ("recalls", "matrix", "reliability", "coverage", "groups")
    assert names == {"curves.png", "brightness.png", *(f"{name}-test.png" for name in drawn)}


def test_no_path_no_user_and_no_host_is_on_the_page(run: sf.Run) -> None:
    import getpass
    import socket

    text = sf.report(run).read_text()
    assert str(run.path.parent) not in text
    assert socket.gethostname() not in re.sub(r"base64,[^\"]*", "", text)
    assert getpass.getuser() not in Page(run.path / "report.html").text.split()


def test_class_names_are_text_and_nothing_else(small_data: Dataset, tmp_path: Path) -> None:
    """Fault 39."""
    data = renamed(small_data, NASTY)
    run = trained(data, tmp_path / "run")
    sf.evaluate(run, "test", data=data)
    page = Page(sf.report(run))
    assert page.tags.count("script") == 2  # ours
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    for name in NASTY:
        assert name in page.text
    card = (run.path / "README.md").read_text()
    assert "<script" not in card
    assert "<img" not in card


def test_before_the_test_images_were_looked_at_the_page_says_how(small_data: Dataset, tmp_path: Path) -> None:
    run = trained(small_data, tmp_path / "run")
    text = Page(sf.report(run)).text
    assert "have not been looked at yet" in text
    assert "seefar evaluate run --split test" in text
    sf.evaluate(run, "validation", data=small_data)
    assert "Results on validation images" in Page(sf.report(run)).text


def test_uneven_classes_put_balanced_accuracy_on_top(small_data: Dataset, tmp_path: Path) -> None:
    """Fault 26."""
    few = np.flatnonzero(small_data.train.labels == 2)[:4]
    chosen = np.sort(np.concatenate([np.flatnonzero(small_data.train.labels < 2), few]))
    data = dataclasses.replace(small_data, train=small_data.train[chosen])
    run = trained(data, tmp_path / "run")
    sf.evaluate(run, "test", data=data)
    text = " ".join(Page(sf.report(run)).text.split())
    balanced = run.read("evaluation-test.json")["balanced_accuracy"]
    assert f"{100 * balanced:.1f} % balanced accuracy on test images" in text
    assert "40 training images of class 0, 4 of class 2" in text


def test_a_damaged_run_is_not_reported(run: sf.Run) -> None:
    recipe = run.path / "recipe.json"
    recipe.write_text(json.dumps(json.loads(recipe.read_text()) | {"epochs": 99}))
    with pytest.raises(ModelFileError, match=r"recipe.json is damaged or was changed"):
        sf.report(run)
