"""Files that nobody vouches for: what is no plain file, too large, behind a link or no JSON is refused with its reason."""

import json
import os
from pathlib import Path

import pytest

from seefar.errors import ModelFileError
from seefar.home import untrusted
from seefar.home.untrusted import inside, number, text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.json").write_text('{"x": 1}')
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.json").write_text('{"secret": 1}')
    return tmp_path


def reason(root: Path, parts: tuple[str, ...], name: str = "a.json") -> str:
    with pytest.raises(ModelFileError) as refused, inside(root, parts) as opened:
        opened.json(name)
    return str(refused.value)


def test_a_file_is_read(folder: Path) -> None:
    with inside(folder, ("in", "deep")) as opened:
        assert opened.json("a.json") == {"x": 1}
        assert opened.names() == ["a.json"]
        assert opened.stamp("a.json")[1] == 8
        assert opened.stamp("b.json") == (0, 0)


def test_links_are_not_followed(folder: Path) -> None:
    (folder / "in" / "linked").symlink_to(folder / "secret")
    (folder / "in" / "deep" / "b.json").symlink_to(folder / "secret" / "a.json")
    assert "cannot be read" in reason(folder, ("in", "linked"))
    assert reason(folder, ("in", "deep"), "b.json") == "b.json is a link, and links are not followed"


def test_what_is_no_file_is_refused_at_once(folder: Path) -> None:
    os.mkfifo(folder / "in" / "pipe.json")
    (folder / "in" / "folder.json").mkdir()
    assert "is no file" in reason(folder, ("in",), "pipe.json")
    assert "is no file" in reason(folder, ("in",), "folder.json")
    assert reason(folder, ("in",), "none.json") == "none.json is missing"


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe", b"", b"[" * 100_000, b'{"x": ' + b"9" * 5000 + b"}"])
def test_what_is_no_object_is_damaged(folder: Path, content: bytes) -> None:
    (folder / "in" / "x.json").write_bytes(content)
    assert reason(folder, ("in",), "x.json").startswith("x.json is damaged")


def test_a_file_that_is_too_large_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untrusted, "MOST", 100)
    (folder / "in" / "x.json").write_text(json.dumps({"x": "y" * 200}))
    assert "more than such a file ever has" in reason(folder, ("in",), "x.json")


def test_numbers_that_are_none_are_left_out(folder: Path) -> None:
    (folder / "in" / "x.json").write_text('{"a": NaN, "b": Infinity, "c": 1e999, "d": 1.5}')
    with inside(folder, ("in",)) as opened:
        assert opened.json("x.json") == {"a": None, "b": None, "c": None, "d": 1.5}
    assert [number(value) for value in (1, 2.5, True, "3", None, 10**400, float("nan"))] == [
        1,
        2.5,
        None,
        None,
        None,
        None,
        None,
    ]
    assert [text("abc", 2), text(3)] == ["ab", ""]
