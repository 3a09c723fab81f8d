"""Terminal, report, card and files of every planted set: what is stated first, what must be read, and what is false there."""

import re
from typing import Any

import pytest
from tests.journeys import Journey, journey
from tests.planted import PLANTED
from tests.prose import Prose
from tests.sentence_table import EVERY
from tests.sentences import read
from tests.truth import Truth, is_share

from seefar.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SERIOUS = {"all_copies", "half_copies", "contradicting", "five", "border", "file_type", "drawings"}
STANDS = {  # what must be read in the terminal, on the page and in the card
    "all_copies": ["120 of 120 test images are equal to a training or validation image"],
    "half_copies": ["120 of 240 test images are equal to a training or validation image"],
    "contradicting": ["60 of 180 test images are equal to one of another class"],
    "five": [r"Fewer than 30 test images count for .*\(1\)"],
    "uneven": ["3,960 training images of level and 40 of slanted"],
    "border": ["nothing but the outermost pixels tells the classes of the training images apart 100.0 %"],
    "file_type": [
        "nothing but the format, size and length of the files tells the classes of the training images apart 100.0 %"
    ],
    "validation_copies": [],
    "perfect": [],
    "chance": [],
    "drawings": ["1,000 of 1,000 test images are equal to a training or validation image"],
}
ONLY_THERE = {  # what is false of every other set
    "training images, pixel by pixel|equal to a training or validation image": {"all_copies", "half_copies", "drawings"},
    "equal to one of another class|contradicting labels|Equal images have": {"contradicting"},
    "Fewer than 30|Too few images": {"five", "all_copies", "drawings"},
    "classes are uneven|[Bb]alanced accuracy, which counts": {"uneven"},
    "alone tells? the classes apart|logistic regression": {"border", "file_type"},
    "cannot be told from guessing": {"chance"},
    "[Ii]t has learned nothing": {"chance"},
    "cannot be measured": {"all_copies", "five", "drawings"},
    "no image is left": set(),
}

NEVER = (  # what is false of any run
    r"between (\S+?)\s?% and \1\s?%",
    r"(\d[\d.]*)\s?% to \1\s?%",
    r"\bnan\b|\binf\b|\bNone\b|\bNaN\b",
    r"\b0 of 0\b",
    r"\b1 (?:images|groups|epochs|answers|bursts|were|are)\b",
    r"=\d+\.0\b",
    r"that it had not learned from",
)


@pytest.fixture(params=PLANTED, scope="module")
def walked(request: pytest.FixtureRequest) -> Journey:
    return journey(request.param)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["walked"])


@pytest.fixture
def evaluation(walked: Journey) -> dict[str, Any]:
    return walked.read("evaluation-test.json")


def everywhere(walked: Journey) -> dict[str, str]:
    """What a person reads, by where."""
    places = {
        "terminal": walked.terminal,
        "page": " ".join(Prose(walked.text("report.html")).everything),
        "card": re.sub(r"\\(.)", r"\1", walked.text("README.md")),
    }
    return {place: " ".join(text.split()) for place, text in places.items()}


def test_a_run_ends_well_whatever_is_wrong_with_its_images(walked: Journey) -> None:
    assert walked.code == 0, walked.told


def test_the_figures_are_on_the_images_that_count(walked: Journey, evaluation: dict[str, Any]) -> None:
    planted, truth = walked.planted, Truth(walked)
    assert evaluation["images"] == planted.clean.sum()
    assert evaluation["raw"]["images"] == len(planted.data.test)
    left_out = {kind: getattr(planted, kind) for kind in ("copies", "repeats", "contradicting")}
    assert evaluation["left_out"] == left_out
    assert evaluation["raw"]["images"] == evaluation["images"] + sum(left_out.values())
    assert evaluation["raw"]["accuracy"]["value"] == pytest.approx(truth.test.raw)
    if evaluation["images"]:
        assert evaluation["accuracy"]["value"] == pytest.approx(truth.test.accuracy)
        assert sum(score["support"] for score in evaluation["scores"]) == planted.clean.sum()
        assert sum(map(sum, evaluation["confusion"])) == planted.clean.sum()
    else:
        assert evaluation["accuracy"] is None
        assert evaluation["scores"] == []


def test_there_is_a_headline_if_and_only_if_it_means_something(walked: Journey, evaluation: dict[str, Any]) -> None:
    report, measurable = walked.read("report.json"), walked.planted.measurable
    assert (evaluation["headline"] is not None) == (report["headline"] is not None) == measurable
    assert bool(evaluation["cannot"]) == (not measurable)
    assert report["cannot"].startswith("cannot be measured: ") == (not measurable)
    validated = walked.read("evaluation-validation.json")["headline"]
    counted = walked.read("evaluation-validation.json")["images"]
    beside = {"split": "validation", "counted": counted, "clusters": None}  # none of the sets has groups
    assert report["instead"] == (None if measurable or not validated else validated | beside)


def test_terminal_page_and_card_state_the_same_first(walked: Journey, evaluation: dict[str, Any]) -> None:
    page, card = walked.text("report.html"), walked.text("README.md")
    big = re.findall(r'class="big[^"]*">\s*([^<]*?)\s*<', page)
    first = walked.terminal.strip().splitlines()[0]
    if not walked.planted.measurable:
        assert big == ["cannot be measured"]
        assert first.startswith("test accuracy cannot be measured: ")
        assert "model-index" not in card
        return
    said = evaluation["headline"]
    assert len(big) == 1
    assert is_share(big[0], said["value"])
    assert first.startswith(f"test {said['name']} ")
    assert is_share(re.findall(r"[\d.]+\s%", first)[0], said["value"])
    assert f"type: {said['name'].replace(' ', '_')}, value: {said['value']:.4f}" in card


def test_what_is_wrong_is_read_everywhere(walked: Journey, name: str) -> None:
    for place, text in everywhere(walked).items():
        for pattern in STANDS[name]:
            assert re.search(pattern, text) or (place == "terminal" and "more stand in the report" in text), (place, pattern)


def test_what_is_not_wrong_is_not_read_anywhere(walked: Journey, name: str) -> None:
    for place, text in everywhere(walked).items():
        for pattern, sets in ONLY_THERE.items():
            found = re.search(pattern, text)
            assert name in sets or not found, f"{place}: {text[max(found.start() - 60, 0) : found.end() + 60] if found else ''}"


def test_the_worst_is_the_first_warning(walked: Journey, name: str) -> None:
    warnings = walked.read("report.json")["warnings"]
    assert [warning["kind"] for warning in warnings][:1] == ([walked.planted.kind] if walked.planted.kind else [])
    assert any(warning["serious"] for warning in warnings) == (name in SERIOUS)


def test_what_is_wrong_is_said_before_anybody_waits(walked: Journey, name: str) -> None:
    before = walked.told.partition("epoch")[0]
    assert ("warning: " in before) == (name in SERIOUS)


def test_the_result_fits_into_twelve_lines(walked: Journey) -> None:
    assert 4 <= len([line for line in walked.terminal.splitlines() if line.strip()]) <= 12


def test_strict_refuses_what_is_seriously_wrong(walked: Journey, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["evaluate", str(walked.path), "--split", "test", "--strict"])
    refused = capsys.readouterr().err
    assert code == (3 if name in SERIOUS else 0), refused
    assert ("--strict: " in refused) == (name in SERIOUS)


def test_no_validation_image_is_one_that_was_learned(walked: Journey) -> None:
    truth = Truth(walked)
    learned = {image.tobytes() for image in truth.learned.pixels}
    assert not [id_ for id_, image in zip(truth.held_out.ids, truth.held_out.pixels, strict=True) if image.tobytes() in learned]
    assert truth.held_out.counts().min() > 1


def test_what_is_shown_of_test_counts(walked: Journey) -> None:
    """Neither the mistakes nor the dozen on the first screen are copies, repeats or contradictions."""
    ids, planted = walked.answers["ids"].tolist(), walked.planted
    counts = dict(zip(planted.data.test.ids, planted.clean.tolist(), strict=True))
    assert walked.answers["counts"].tolist() == [counts[id_] for id_ in ids]
    for name in ("mistakes-test.npz", "highlights-test.npz"):
        positions = walked.arrays(name)["positions"].tolist()
        assert all(counts[ids[position]] for position in positions)
    assert len(walked.arrays("highlights-test.npz")["positions"]) == min(12, planted.clean.sum())


def paragraphs(walked: Journey) -> list[str]:
    """Everything that is read as sentences: the page's, the terminal's, the card's."""
    page = Prose(walked.text("report.html")).blocks
    terminal = [line for line in walked.terminal.splitlines() if line.strip()]
    told = [line for line in walked.told.splitlines() if line.startswith("warning:")]
    card = walked.text("README.md").partition("\n---\n")[2].split("```")  # every second part is code
    lines = [re.sub(r"\\(.)|`", r"\1", line.removeprefix("- ")) for part in card[::2] for line in part.splitlines()]
    items = [line for line in lines if line and not line.startswith(("#", "|"))]
    return [*page, *terminal, *told, *items]


def unknown(texts: list[str]) -> list[str]:
    """What of them no sentence of the table knows."""
    return [rest for text in texts if (rest := read(text, EVERY)[1])]


def untrue(texts: list[str], truth: Truth) -> list[str]:
    """The sentences among them whose condition does not hold."""
    false = []
    for text in texts:
        for sentence, said in read(text, EVERY)[0]:
            if sentence.holds and not sentence.holds(truth, said):
                false.append(f"{sentence.text}: {said}")
    return false


def test_every_sentence_is_in_the_table(walked: Journey) -> None:
    assert unknown(paragraphs(walked)) == []


def test_no_sentence_is_false(walked: Journey) -> None:
    assert untrue(paragraphs(walked), Truth(walked)) == []


def test_nothing_senseless_stands_anywhere(walked: Journey) -> None:
    """Labels that are read out and titles of pictures included."""
    texts = everywhere(walked) | {"before": walked.told}
    assert [
        (place, match[0]) for place, text in texts.items() for pattern in NEVER for match in re.finditer(pattern, text)
    ] == []
