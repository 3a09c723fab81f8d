"""The report: self-contained, complete, harmless, and with what is missing said."""

import base64
import dataclasses
import getpass
import hashlib
import json
import re
import shutil
import socket
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import SMALL, images

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import ModelFileError
from seefar.reporting import content


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


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> sf.Run:
    """Evaluated on both splits and reported; tests that change something take a copy."""
    folder = tmp_path_factory.mktemp("page")
    data = Dataset("colours", images(120, 1, "train"), images(120, 2, "test"), "noise around three colours")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        run = trained(data, folder / "run")
        sf.evaluate(run, "validation", data=data)
        sf.evaluate(run, "test", data=data)
        sf.report(run)
    return run


@pytest.fixture
def copy(run: sf.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sf.Run:
    """Of that run, under its name, with its ledger of looks."""
    monkeypatch.setenv("SEEFAR_HOME", str(run.path.parent / "home"))
    return sf.Run(shutil.copytree(run.path, tmp_path / "run"))


@pytest.fixture
def page(run: sf.Run) -> Page:
    return Page(run.path / "report.html")


def test_the_page_needs_nothing_from_outside(run: sf.Run, page: Page) -> None:
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    loaded = [value for name, value in page.attributes if name in ("src", "href", "xlink:href") and value]
    assert [value for value in loaded if not value.startswith(("data:image/png;base64,", "data:image/jpeg;base64,", "#"))] == []
    assert not re.search(r"url\((?!#|\"data:image/(png|jpeg);base64,)", (run.path / "report.html").read_text())


def test_the_only_script_is_the_one_whose_digest_the_page_allows(run: sf.Run) -> None:
    text = (run.path / "report.html").read_text()
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    (allowed,) = re.findall(r"script-src 'sha256-([^']+)'", text)
    assert [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts] == [allowed]
    assert text.count("<script") == 2  # the other one holds the mistakes as JSON, which no browser runs
    assert '<script type="application/json"' in text


def test_the_numbers_lie_beside_the_page_and_a_report_made_again_is_the_same(run: sf.Run, page: Page, copy: sf.Run) -> None:
    numbers = json.loads((run.path / "report.json").read_bytes())
    assert numbers["test"] == run.read("evaluation-test.json")
    assert numbers["history"] == run.history()
    parts = [part.values() if isinstance(part, dict) else part for part in numbers["words"].values()]
    assert all(sentence in page.text for part in parts for sentence in part)
    sf.report(copy)
    for name in ("report.html", "report.json", "README.md", "figures/curves.png"):
        assert (copy.path / name).read_bytes() == (run.path / name).read_bytes()


def test_the_model_card_has_front_matter_with_the_test_accuracy(run: sf.Run) -> None:
    card = (run.path / "README.md").read_text()
    _, front, body = card.split("---\n", 2)
    accuracy = run.read("evaluation-test.json")["accuracy"]["value"]
    assert f"{{type: accuracy, value: {accuracy:.4f}}}" in front
    assert "pipeline_tag: image-classification" in front
    assert "## Where it fails" in body
    assert run.read("environment.json")["command"] in body


def test_an_evaluation_of_an_earlier_version_is_completed_from_its_answers(run: sf.Run, copy: sf.Run) -> None:
    evaluation = copy.read("evaluation-test.json")
    kept = ("split", "images", "digest", "look", "look_on_machine", "accuracy", "balanced_accuracy", "loss", "scores")
    copy.write("evaluation-test.json", {name: evaluation[name] for name in (*kept, "confusion", "confusions")})
    found, now = json.loads(json.dumps(content.numbers(copy))), run.read("report.json")
    for one in (found, now):  # what only the images themselves tell is not known of it
        del one["test"]["findings"], one["warnings"], one["words"]["verdict"]
    assert found == now


def test_what_the_run_found_is_on_the_page(run: sf.Run, page: Page) -> None:
    text = " ".join(page.text.split())
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
    names = {path.name for path in (run.path / "figures").iterdir()}
    drawn = ("recalls", "matrix", "reliability", "coverage", "groups")
    assert names == {"curves.png", "brightness.png", *(f"{name}-test.png" for name in drawn)}


def test_no_path_no_user_and_no_host_is_on_the_page(run: sf.Run, page: Page) -> None:
    text = (run.path / "report.html").read_text()
    assert str(run.path.parent) not in text
    assert socket.gethostname() not in re.sub(r"base64,[^\"]*", "", text)
    assert getpass.getuser() not in page.text.split()


def test_class_names_are_text_and_nothing_else(data: Dataset, tmp_path: Path) -> None:
    """Fault 39."""
    run = trained(data, tmp_path / "run")
    sf.evaluate(run, "test", data=data)
    page = Page(sf.report(run))
    assert page.tags.count("script") == 2  # ours
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    for name in data.classes:
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
    assert "40 training images of class 0 and 4 of class 2" in text


def test_a_damaged_run_is_not_reported(copy: sf.Run) -> None:
    recipe = copy.path / "recipe.json"
    recipe.write_text(json.dumps(json.loads(recipe.read_text()) | {"epochs": 99}))
    with pytest.raises(ModelFileError, match=r"recipe.json is damaged or was changed"):
        sf.report(copy)


def test_more_looks_by_the_run_than_the_machine_knows_of_are_said(
    copy: sf.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEFAR_HOME", str(tmp_path / "another home"))
    text = " ".join(Page(sf.report(copy)).text.split())
    assert "Looks at these test images: 1 by this run, of which the ledger of this machine knows 0" in text


def test_what_is_wrong_stands_first_and_a_figure_that_cannot_be_measured_has_no_number(tmp_path: Path) -> None:
    train = images(120, 1, "train")
    of = np.repeat([0, 1, 2], 40)
    test = dataclasses.replace(images(120, 2, "test"), pixels=train.pixels[of], labels=train.labels[of])
    data = Dataset("copies", train, test, "copies of training images")
    run = trained(data, tmp_path / "run")
    sf.evaluate(run, "validation", data=data)
    sf.evaluate(run, "test", data=data)
    page = Page(sf.report(run))
    text = " ".join(page.text.split())
    assert ("class", "warning serious") in page.attributes
    first = text[text.index("seefar report") : text.index("How good is it?")]
    assert "cannot be measured" in first
    assert "Not one of the 120 test images counts, for example these" in first
    assert first.count("40 times") == 3
    assert "accuracy on test images" not in text


def test_every_section_is_folded_and_begins_with_what_can_be_looked_at(run: sf.Run) -> None:
    text = (run.path / "report.html").read_text()
    sections = re.findall(r'<section id="(\w+)"><details class="fold">(.*?)</details></section>', text, re.DOTALL)
    assert [name for name, _ in sections][:3] == ["results", "mistakes", "trust"]
    assert text.count("<section") == len(sections)
    for name, body in sections:
        inside = body.split("</summary>")[1]
        if name in ("results", "trust", "learning"):
            assert inside.strip().startswith("<figure><svg")
