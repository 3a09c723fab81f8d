"""Every sentence of a report, a model card and a terminal, with the condition under which it is true, in words and as a check.

`python -m tests.sentence_table` writes docs/sentences.md from it. Gaps: {images:n} is a number, {share:p} a percentage, {points:x} a number
with decimals, {which:s} test or validation, {name:w} words.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.truth import Truth

DOCUMENT = Path(__file__).parents[1] / "docs" / "sentences.md"
GAPS = {
    "n": r"\d[\d,]*",
    "p": r"\d+(?:\.\d+)?\s?%",
    "x": r"-?\d+(?:\.\d+)?(?:e-?\d+)?",
    "s": r"test|validation|training",
    "w": r".+?",
}
GAP = re.compile(r"\{(?P<name>\w+):(?P<kind>[npsxw])\}")

Said = dict[str, str]
Check = Callable[[Truth, Said], bool]


@dataclass(frozen=True)
class Sentence:
    """One sentence or several that always come together.

    Attributes:
        text: with gaps.
        when: when it is true, in words.
        holds: whether it is, of a run, and of what stood in the gaps; None where nothing that could be planted makes it false.
    """

    text: str
    when: str
    holds: Check | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The sentence as a regular expression; any space stands for any other."""
        parts, end = [], 0
        for gap in GAP.finditer(self.text):
            parts += [re.escape(self.text[end : gap.start()]), f"(?P<{gap['name']}>{GAPS[gap['kind']]})"]
            end = gap.end()
        parts.append(re.escape(self.text[end:]))
        return re.compile("".join(parts).replace("\\ ", r"\s+"), re.DOTALL)

    @property
    def shown(self) -> str:
        """The sentence as a document shows it."""
        return GAP.sub(lambda gap: f"⟨{gap['name'].replace('_', ' ')}⟩", self.text)


def read(text: str, known: Sequence[Sentence]) -> tuple[list[tuple[Sentence, Said]], str]:
    """The sentences that a paragraph consists of, with what stood in their gaps, and the rest, which no sentence knows."""
    best: tuple[list[tuple[Sentence, Said]], str] = ([], text)
    for sentence in known:
        for end in _ends(sentence, text):
            found, rest = read(text[end:].lstrip(), known)
            match = sentence.pattern.fullmatch(text[:end])
            assert match is not None
            if len(rest) < len(best[1]):
                best = [(sentence, match.groupdict()), *found], rest
            if not rest:
                return best
    return best


def _ends(sentence: Sentence, text: str) -> Iterator[int]:
    """Where the sentence may end, if the text begins with it: gaps of words may be long or short."""
    if not sentence.pattern.match(text):
        return
    for end in sorted({match.end() for match in re.finditer(r"(?<=[.?!:])(?=\s)|$", text)}):
        if sentence.pattern.fullmatch(text[:end].rstrip()):
            yield end


def document(groups: dict[str, list[Sentence]]) -> str:
    """The table for readers."""
    lines = [
        "# Every sentence, and when it is true",
        "",
        "A report, a model card and the terminal say nothing but the sentences below and the names of figures. Each is computed from the",
        "numbers of the run, and said under the condition beside it only. A test trains on data sets with planted faults (all test images",
        "are training images, equal images have two labels, five test images, ...), reads every page as a whole, and fails if a",
        "sentence stands there that this table does not have, or whose condition does not hold. What varies stands in ⟨brackets⟩.",
    ]
    for title, sentences in groups.items():
        lines += ["", f"## {title}", "| sentence | is true when |", "|---|---|"]
        lines += [f"| {_cell(sentence.shown)} | {_cell(sentence.when)} |" for sentence in sentences]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"([|*_`<\[\]])", r"\\\1", text)
