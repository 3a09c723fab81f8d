"""What notebooks show: whole, small, safe, from what is stored, and without a look at test images."""

import importlib
import pkgutil
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from tests.conftest import SMALL, images
from tests.reporting.conftest import HOSTILE

import seefar
import seefar as sf
from seefar import display
from seefar.data.images import Dataset, ImageSet
from seefar.display import Shown
from seefar.evaluation.audit import Audit
from seefar.reporting import notebook
from seefar.runs.folder import Run
from seefar.studies.study import variants
from seefar.studies.summary import analyse
from seefar.studies.tuned import Trial, Tuning


class Tags(HTMLParser):
    """The tags of a page with their attributes, and whether they close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def shown(value: object, most: int = 400_000) -> str:
    """The HTML of a value, found to be whole, small and free of anything that runs or loads."""
    text = value._repr_html_()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    assert len(text) < most
    tags = Tags(text)
    assert not tags.open
    for tag, attributes in tags.seen:
        assert tag in {"div", "p", "b", "table", "thead", "tbody", "tr", "th", "td", "img", "details", "summary"}
        assert set(attributes) <= {"style", "src", "alt", "width"}
        assert (attributes.get("src") or "data:image/").startswith("data:image/")
        assert "url(" not in (attributes.get("style") or "")
    assert "object at 0x" not in text
    return text


def test_every_value_that_says_so_can_be_drawn() -> None:
    for module in pkgutil.walk_packages(seefar.__path__, "seefar."):
        if module.name not in ("seefar.__main__",) and not module.name.startswith("seefar.cli"):
            importlib.import_module(module.name)
    kinds = {kind.__name__ for kind in Shown.__subclasses__()}
    assert kinds
    assert kinds == set(notebook.HOW)


def test_images(data: Dataset) -> None:
    text = shown(data)
    assert all(name in text for name in ("&lt;b&gt;colours&lt;/b&gt;", "&lt;i&gt;noise&lt;/i&gt;", "&lt;script&gt;"))
    assert ">120<" in text
    assert shown(data.train).count("<img ") == 3
    assert "40 images of &lt;script&gt;" in shown(data.train.of_class(HOSTILE[0]))
    assert "0 images" in shown(data.train[:0])
    assert repr(data) == "Dataset('<b>colours</b>': 120 training and 30 test images of 16x16 pixels in 3 classes)"
    assert repr(data.train) == "ImageSet(120 images of 16x16 pixels in 3 classes)"


def test_a_data_set_is_shown_without_its_test_images(data: Dataset) -> None:
    """Whatever their pixels, the same is shown."""
    other = replace(data, test=replace(data.test, pixels=255 - data.test.pixels))
    assert shown(data) == shown(other)


def test_many_classes_are_cut_short() -> None:
    many = Dataset("many", images(500, 1, "train", classes=250), images(250, 2, "test", classes=250), "noise")
    assert "And 230 more classes." in shown(many)


def test_descriptions_and_augmented_images(data: Dataset) -> None:
    found = sf.describe(data)
    assert "No two training images are equal." in shown(found)
    assert repr(found) == "DataDescription(120 training and 30 test images in 3 classes, 0 leaks)"
    seen = sf.augmented(data, "deep", images=2, views=3, widths=[[8]], cutout=4)
    assert "Training images as the network sees them" in shown(seen)
    assert repr(seen).startswith("Augmented(2 images in 3 epochs; <b>colours</b>: ")
    assert "deep+widths=[[8]]+cutout=4" in repr(seen)


def test_layers_recipes_and_rates(data: Dataset) -> None:
    layers = sf.summary("tiny", classes=3)
    assert f"{sum(layer.parameters for layer in layers):,}" in shown(layers)
    assert repr(layers).startswith("Layers(16 layers, ")
    assert "passes over the training images" in shown(sf.RECIPES["deep"])
    curve = sf.find_rate(data, "tiny", **SMALL)
    assert "A learning rate to start from" in shown(curve)
    assert len(repr(curve)) < 80


def test_a_run_and_what_came_of_it(data: Dataset, run: Run) -> None:
    text = shown(run)
    assert "Learned from 108 images in 3 epochs" in text
    assert "validation" in text
    assert str(run.path.parent) not in text
    assert repr(run) == f"Run({str(run.path)!r})"
    found = sf.evaluate(run, data=data)
    assert "The validation accuracy cannot be measured: there are only 12 validation images" in shown(found)
    assert repr(found) == "Evaluation(validation: cannot be measured, 12 of 12 images count)"
    inside = sf.see_inside(run, quick=True, data=data)
    assert "A look inside" in shown(inside)
    assert len(repr(inside)) < 200
    explained = sf.explain(run, data=data, most=2, methods=["grad_cam"])
    assert "in 2 images" in shown(explained)
    assert repr(explained) == "Explanation(2 images by grad_cam)"


def test_corrupted_and_out_of_distribution_images(data: Dataset, run: Run, tmp_path: Path) -> None:
    own = sf.open_run(shutil.copytree(run.path, tmp_path / "run"))
    robust = sf.robustness(own, data=data)
    assert "Accuracy on corrupted images" in shown(robust)
    assert repr(robust).startswith("Robustness(validation, 12 images: ")
    foreign = sf.out_of_distribution(own, others=["noise"], data=data)
    assert "noise" in shown(foreign)
    assert sf.picture(own, "corruptions").png


def test_a_run_without_evaluation_without_an_epoch_and_without_a_folder(run: Run, tmp_path: Path) -> None:
    bare = sf.open_run(shutil.copytree(run.path, tmp_path / "run"))
    bare.write_bytes("history.csv", b"\n".join((bare.path / "history.csv").read_bytes().splitlines()[:2]))
    (bare.path / "evaluation-validation.json").unlink()
    assert "in 1 epoch," in shown(bare)
    assert "evaluated on" not in shown(bare)
    (bare.path / "history.csv").unlink()
    assert "No epoch of it is finished yet." in shown(bare)
    assert "has no recipe.json" in shown(Run(tmp_path / "<gone>"))


def test_showing_is_no_look_at_test(data: Dataset, run: Run) -> None:
    shown(run)
    sf.picture(run, "matrix")
    assert not (run.path / "test-ledger.jsonl").exists()


def test_comparisons_and_studies(run: Run, tmp_path: Path) -> None:
    other = Run(shutil.copytree(run.path, tmp_path / "<other>"))
    found = sf.compare([run, other], split="validation")
    assert "&lt;other&gt;" in shown(found)
    assert "<other> " in repr(found)
    study = sf.Study("small", "Is <this> better?", "tiny", (sf.Change("wider", "more", {"dense": 32}),))
    runs = {(variant.name, seed): made for variant in variants(study) for seed, made in enumerate((run, other))}
    answer = analyse(study, "colours", [0, 1], runs, {}, planned=2, estimation_only=False, folder="")
    assert "Is &lt;this&gt; better?" in shown(answer)
    assert len(repr(answer)) < 120


def test_audits_and_searches(audit: Audit) -> None:
    text = shown(audit)
    assert "Audit of 30 images" in text
    assert "97%" in text
    assert "other label" in text
    assert "most doubtful labels" in text
    assert "most doubtful labels" not in shown(replace(audit, listed_label_issues=[], listed_duplicates=[]))
    trials = [Trial(number, "complete", {"flip": HOSTILE[1]}, 0.5 + number / 10, 2, None, "") for number in range(3)]
    search = Tuning(
        "deep", "cifar10", "x", {}, {"flip": "none,random"}, trials, 3, 0, 0, 2, False, {}, 0.7, None, None, None, 0
    )
    text = shown(search)
    assert text.index("70.00\N{NO-BREAK SPACE}%") < text.index("50.00\N{NO-BREAK SPACE}%")
    assert "nothing is claimed" in text


def test_predictions(data: Dataset, run: Run, tmp_path: Path) -> None:
    plain = replace(data.test, classes=("a", "b", "c"))
    plain[:2].save(tmp_path / "new")
    (tmp_path / "new" / "<broken>.png").write_bytes(b"nothing")
    answers = sf.predict(run, [tmp_path / "new"])
    text = shown(answers)
    assert "&lt;broken&gt;.png" in text
    assert "unreadable" in text
    assert str(tmp_path.parent) not in text
    assert text.count("<img ") == 2
    assert [pixels is None for pixels in answers.pixels] == [answer.error is not None for answer in answers]


def test_without_seefar_s_front_and_without_a_way_to_draw_it_a_value_is_shown_as_text() -> None:
    assert notebook.html(3) is None
    assert display._as_text(ImageSet(np.zeros((0, 8, 8, 3), np.uint8), np.zeros(0, np.int64), ("a",), ())) is None
