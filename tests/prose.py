"""What of a page is read as sentences: paragraphs, items, captions and notes; not tables, drawings, headings and controls."""

from html.parser import HTMLParser

UNREAD = {"script", "style", "svg", "table", "h1", "h2", "h3", "h4", "nav", "button", "label", "select", "pre", "dl", "title"}
LABELS = {"scale", "cells", "shots"}  # classes of elements that hold the words of a drawing
EMPTY = {"img", "br", "meta", "link", "input", "hr", "col", "source"}  # tags without an end
INLINE = {"code", "strong", "em", "b", "i", "a", "span", "abbr", "small", "sub", "sup", "mark", "time"}


class Prose(HTMLParser):
    """The blocks of running text of a page, and besides all of its text, attributes that are read out included."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self.everything: list[str] = []
        self._open: list[tuple[str, bool]] = []  # tags, and whether what is in them is read
        self._ids: list[str] = []
        self._block: list[str] = []
        self.feed(text)
        self._flush()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.everything += [str(values[name]) for name in ("aria-label", "alt", "title", "content") if values.get(name)]
        if tag in EMPTY:
            return
        if tag not in INLINE:
            self._flush()
        classes, hidden = set((values.get("class") or "").split()), "hidden" in values or values.get("aria-hidden") == "true"
        note = "note" in classes and not self._inside("recipe")
        if tag == "span" and self._block and self._reads:
            self._block.append(" ")  # the page parts them by space, not by a space
        self._ids.append(values.get("id") or "")
        self._open.append((tag, note or (self._reads and tag not in UNREAD and not hidden and not classes & LABELS)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in INLINE:
            self._flush()
        while self._open:
            self._ids.pop()
            if self._open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1][0] not in ("script", "style"):
            self.everything.append(data)
        if self._reads:
            self._block.append(data)

    @property
    def _reads(self) -> bool:
        return self._open[-1][1] if self._open else True

    def _inside(self, id_: str) -> bool:
        return id_ in self._ids

    def _flush(self) -> None:
        block = " ".join(part for part in "".join(self._block).replace("\n", " ").split(" ") if part)
        if block:
            self.blocks.append(block)
        self._block = []
