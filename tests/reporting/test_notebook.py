"""What notebooks show: whole, small, safe, from what is stored, and without a look at test images."""

import importlib
import pkgutil
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import SMALL, images

import seefar
import seefar as sf
from seefar.data.images import Dataset, ImageSet
from seefar.display import Shown
from seefar.errors import UsageError
from seefar.evaluation.audit import Audit, DuplicatePair, LabelIssue
from seefar.metrics import wilson
from seefar.reporting import notebook
from seefar.reporting.run_picture import PICTURES
from seefar.runs.folder import Run
from seefar.studies.tuned import Trial, Tuning

HOSTILE = ("<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>", "$\\frac{1}{0}$ & `{0}` {name}")


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


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Three classes with names that are out for trouble."""

    def named(n: int, seed: int, split: str) -> ImageSet:
        return replace(images(n, seed, split), classes=HOSTILE)

    return Dataset(name="<b>colours</b>", train=named(120, 1, "train"), test=named(30, 2, "test"), source="<i>noise</i>")


@pytest.fixture(scope="module")
def run(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        made = sf.train(data, "tiny", out=folder / "run", quiet=True, remember=True, flip="random", **SMALL)
        sf.evaluate(made, "validation", data=data)
        sf.see_inside(made, quick=True, data=data)
    return made


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
    assert repr(seen) == "Augmented(2 images in 3 epochs of deep+widths=[[8]]+cutout=4)"


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
    assert "validation images are right" in shown(found)
    assert repr(found).startswith("Evaluation(validation, 12 images: ")
    inside = sf.see_inside(run, quick=True, data=data)
    assert "A look inside" in shown(inside)
    assert len(repr(inside)) < 200
    explained = sf.explain(run, data=data, most=2, methods=["grad_cam"])
    assert "in 2 images" in shown(explained)
    assert repr(explained) == "Explanation(2 images by grad_cam)"


def test_spoilt_and_foreign_images(data: Dataset, run: Run) -> None:
    robust = sf.robustness(run, data=data)
    assert "Accuracy on spoilt images" in shown(robust)
    assert repr(robust).startswith("Robustness(validation, 12 images: ")
    foreign = sf.out_of_distribution(run, others=["noise"], data=data)
    assert "noise" in shown(foreign)
    assert sf.picture(run, "corruptions").png
    for name in ("robustness", "out-of-distribution"):
        (run.path / f"{name}-validation.json").unlink()


def test_a_run_without_evaluation_without_an_epoch_and_without_a_folder(data: Dataset, tmp_path: Path) -> None:
    bare = sf.train(data, "tiny", out=tmp_path / "run", quiet=True, **(SMALL | {"epochs": 1}))
    assert "in 1 epoch," in shown(bare)
    assert "evaluated on" not in shown(bare)
    (bare.path / "history.csv").unlink()
    assert "No epoch of it is finished yet." in shown(bare)
    assert "has no recipe.json" in shown(Run(tmp_path / "<gone>"))


def test_showing_is_no_look_at_test(data: Dataset, run: Run) -> None:
    shown(run)
    sf.picture(run, "matrix")
    assert not (run.path / "test-ledger.jsonl").exists()


def test_comparisons_and_studies(data: Dataset, run: Run, tmp_path: Path) -> None:
    other = sf.train(data, "tiny", 1, out=tmp_path / "<other>", quiet=True, **SMALL)
    sf.evaluate(other, data=data)
    found = sf.compare([run, other], split="validation")
    assert "&lt;other&gt;" in shown(found)
    assert "<other> " in repr(found)
    fields = {**SMALL, "epochs": 1}
    question = sf.Study("small", "Is <this> better?", "tiny", (sf.Change("wider", "more", {"dense": 32}),), fields=fields)
    answer = sf.study(question, data, seeds=2, out=tmp_path / "study", quiet=True)
    assert "Is &lt;this&gt; better?" in shown(answer)
    assert len(repr(answer)) < 120


def test_audits_and_searches() -> None:
    share = wilson(9, 10)
    audit = Audit(
        name=HOSTILE[0],
        digests={},
        images={"training": 20, "test": 10},
        recipe="fast",
        folds=3,
        accuracy=share,
        test_accuracy=share,
        unseen_accuracy=share,
        duplicates={"test and training": 1, "within training": 0, "within test": 0},
        duplicated_test_ids=["test/1"],
        listed_duplicates=[DuplicatePair("test/1", HOSTILE[1], "test and training", 0.9, False, False)],
        label_issues={"training": 1, "test": 0},
        listed_label_issues=[LabelIssue("train/1", "training", HOSTILE[0], HOSTILE[2], 0.97, 0.01)],
        overlaps=[],
        strange=[],
    )
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
    assert text.index("70.00%") < text.index("50.00%")
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


def test_pictures_by_name(run: Run, tmp_path: Path) -> None:
    never = {"corruptions", "spoilt", "maximised"}  # nobody asked for them
    for name in PICTURES:
        if name in never or (name == "cases" and not run.read("inside-validation.json")["cases"]):
            with pytest.raises(UsageError, match=rf"has no picture '{name}' .*sf\.{PICTURES[name][0]}"):
                sf.picture(run, name)
        elif name not in ("mistakes", "groups"):  # a network without mistakes has none
            picture = sf.picture(run, name)
            assert picture.png.startswith(b"\x89PNG")
            assert len(picture.png) < 300_000
    content, size = sf.picture(run)._repr_png_()
    assert size["width"] == 672
    assert sf.picture(run).save(tmp_path / "curves.png").read_bytes() == content
    with pytest.raises(UsageError, match=r"no picture is called 'curve' \(did you mean 'curves'\?\); there are curves,"):
        sf.picture(run, "curve")


def test_all_charts_of_the_report_have_a_name(run: Run) -> None:
    from seefar.reporting import content

    drawings = content.drawings(run, content.numbers(run))
    assert {re.sub(r"^inside-|-validation$|-test$", "", name) for name in drawings} <= set(PICTURES)


def test_without_seefar_s_front_a_value_is_shown_as_text() -> None:
    from seefar import display

    assert display._as_text(ImageSet(np.zeros((0, 8, 8, 3), np.uint8), np.zeros(0, np.int64), ("a",), ())) is None
