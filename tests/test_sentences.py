"""The table of sentences, and how a page is read by it; whole pages are read in test_whole_pages.py."""

import pytest
from tests.prose import Prose
from tests.sentence_table import EVERY, SENTENCES
from tests.sentences import DOCUMENT, Sentence, document, read


def test_the_document_is_the_table() -> None:
    assert DOCUMENT.read_text() == document(SENTENCES), "python -m tests.sentence_table writes it anew"


def test_no_sentence_is_there_twice() -> None:
    texts = [sentence.text for sentence in EVERY]
    assert len(set(texts)) == len(texts)


TWO = [
    Sentence("It has {number:n} legs.", "it is a dog", lambda t, g: g["number"] == "4"),
    Sentence("It barks.", "it is a dog"),
]


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("It has 4 legs. It barks.", ""),
        ("It barks. It has 1,000 legs.", ""),
        ("It barks. It meows.", "It meows."),
        ("It has four legs.", "It has four legs."),
        ("It barks", "It barks"),
    ],
)
def test_what_no_sentence_knows_is_left_over(text: str, rest: str) -> None:
    assert read(text, TWO)[1] == rest


def test_what_stands_in_a_gap_is_held_against_the_condition() -> None:
    ((sentence, said),) = read("It has 3 legs.", TWO)[0]
    assert said == {"number": "3"}
    assert sentence.holds is not None
    assert not sentence.holds(None, said)  # type: ignore[arg-type]


def test_tables_drawings_and_headings_are_no_sentences() -> None:
    table = "<table><tr><td>no</td><td class='note'>a note</td></tr></table>"
    page = f"<h1>No</h1><p>Yes, <b>all</b> of\n it.</p>{table}<svg><text>no</text></svg>"
    assert Prose(page).blocks == ["Yes, all of it.", "a note"]
