"""The file of answers: whole or not at all, resumed after any kill with the same bytes, never of two requests or two models."""

import errno
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.answering.conftest import save

from seefar.answering.answer_file import Written, answer_file
from seefar.errors import DataError, DiskError, InUseError, UsageError
from seefar.files import lock
from seefar.model.model import Model

FORMS = [pytest.param("json", id="json"), pytest.param("csv", id="csv")]


class Killed(BaseException):
    """As when the process ends here."""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seefar.answering.stream.MOST", 16)


@pytest.fixture
def answer(model: Model, photos: Path) -> Callable[..., Written]:
    """Answer for the seventy pictures."""

    def call(out: Path, form: Any = "json", digest: str = "abc", **options: Any) -> Written:
        return answer_file(model, digest, [str(photos)], out, form, **options)

    return call


def stop_after(rows: int) -> Callable[[int], None]:
    def tell(done: int) -> None:
        if done >= rows:
            raise Killed

    return tell


def left_behind(out: Path) -> list[str]:
    return sorted(path.name for path in out.parent.iterdir() if path.name not in ("photos", out.name))


@pytest.mark.parametrize("form", FORMS)
def test_the_file_is_there_at_the_end_and_nothing_else(answer: Any, photos: Path, tmp_path: Path, form: str) -> None:
    (photos / "a" / "003.png").write_bytes(b"")
    out, seen = tmp_path / "out", list[int]()
    out.write_text("an older file")
    assert answer(out, form, tell=lambda done: seen.append(done) or out.read_text() == "an older file") == Written(70, 1)
    assert seen == [0, 16, 32, 48, 64, 70]
    assert len(out.read_text().splitlines()) == 70 + (form == "csv")
    assert left_behind(out) == []


@pytest.mark.parametrize("form", FORMS)
def test_resumed_after_a_kill_at_any_byte_it_is_the_same_file(answer: Any, photos: Path, tmp_path: Path, form: str) -> None:
    (photos / "a" / "003.png").write_bytes(b"")
    (photos / "a" / '004,"5.png').write_bytes(b"")
    whole, out = tmp_path / "whole", tmp_path / "out"
    answer(whole, form)
    with pytest.raises(Killed):
        answer(out, form, tell=stop_after(32))
    rows = tmp_path / "out.partial" / "rows"
    content = rows.read_bytes()
    assert whole.read_bytes().startswith(content)
    shutil.copytree(tmp_path / "out.partial", tmp_path / "kept")
    ends = [0, 1, 40, len(content) - 1, len(content), *range(len(content) - 200, len(content), 7)]
    for end in ends:
        shutil.copytree(tmp_path / "kept", tmp_path / "out.partial", dirs_exist_ok=True)
        rows.write_bytes(content[:end])
        out.unlink(missing_ok=True)
        assert answer(out, form, resume=True) == Written(71, 2)
        assert out.read_bytes() == whole.read_bytes(), end


def test_what_a_power_cut_has_spoilt_is_answered_again(answer: Any, tmp_path: Path) -> None:
    answer(tmp_path / "whole")
    with pytest.raises(Killed):
        answer(tmp_path / "out", tell=stop_after(48))
    rows = tmp_path / "out.partial" / "rows"
    content = rows.read_bytes()
    for spoilt in (
        content[:900] + b"\0" * 500 + content[1400:],
        content + b"\0" * 4096,
        content + b'{"image": 3}\n',
        content + b"[]\n",
    ):
        shutil.rmtree(tmp_path / "kept", ignore_errors=True)
        shutil.copytree(tmp_path / "out.partial", tmp_path / "kept")
        rows.write_bytes(spoilt)
        assert answer(tmp_path / "out", resume=True).done == 70
        assert (tmp_path / "out").read_bytes() == (tmp_path / "whole").read_bytes()
        shutil.copytree(tmp_path / "kept", tmp_path / "out.partial")


def test_resuming_what_was_never_begun_begins_it(answer: Any, tmp_path: Path) -> None:
    assert answer(tmp_path / "out", resume=True).done == 70


def test_an_attempt_that_is_not_to_be_resumed_is_not_thrown_away(answer: Any, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        answer(tmp_path / "out", tell=stop_after(16))
    with pytest.raises(UsageError, match=r"out.partial holds the answers of an attempt that did not end; add --resume"):
        answer(tmp_path / "out")
    assert (tmp_path / "out.partial" / "rows").stat().st_size > 0


def test_an_attempt_without_any_answer_is_not_in_the_way(answer: Any, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        answer(tmp_path / "out", tell=stop_after(0))
    assert answer(tmp_path / "out").done == 70


@pytest.mark.parametrize(
    ("options", "differing"),
    [({"digest": "other"}, "model"), ({"top": 2}, "top"), ({"abstain": 0.99}, "abstain"), ({"form": "csv"}, "form")],
)
def test_answers_of_two_requests_never_come_together(
    answer: Any, tmp_path: Path, options: dict[str, Any], differing: str
) -> None:
    with pytest.raises(Killed):
        answer(tmp_path / "out", tell=stop_after(16))
    with pytest.raises(UsageError, match=f"was begun with another request: {differing} differ"):
        answer(tmp_path / "out", resume=True, **options)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("!", "number 1 was .*000.png, and it is .*!.png now"),
        ("001+", "number 2 was .*001.png, and it is .*001[+].png now"),
        (None, "number 6 was .*005.png, and it is .*006.png now"),
    ],
)
def test_files_that_have_changed_meanwhile_are_noticed(
    answer: Any, photos: Path, tmp_path: Path, number: str | None, sentence: str
) -> None:
    with pytest.raises(Killed):
        answer(tmp_path / "out", tell=stop_after(16))
    if number:
        save(photos / "a" / f"{number}.png", 1)  # "+" comes before "."
    else:
        (photos / "a" / "005.png").unlink()
    with pytest.raises(DataError, match=f"the files have changed since the answers began: {sentence}; delete the folder"):
        answer(tmp_path / "out", resume=True)
    assert len((tmp_path / "out.partial" / "rows").read_bytes().splitlines()) == 16


def test_files_that_have_gone_are_noticed(answer: Any, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        answer(tmp_path / "out", tell=stop_after(48))
    for path in photos.glob("b/*"):
        path.unlink()
    with pytest.raises(DataError, match=r"number 31 was .*030.png, and there are fewer files now"):
        answer(tmp_path / "out", resume=True)


def test_files_that_have_come_are_answered_if_their_place_is_still_ahead(answer: Any, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        answer(tmp_path / "out", tell=stop_after(48))
    save(photos / "b" / "999.png", 1)
    assert answer(tmp_path / "out", resume=True).done == 71


def test_a_list_on_stdin_can_be_resumed_with_the_same_list(model: Model, photos: Path, tmp_path: Path) -> None:
    listed = "".join(f"{path}\n" for path in sorted(photos.rglob("*.png"))).encode()
    for out, stop in (("whole", 99), ("out", 32)):
        if stop < 70:
            with pytest.raises(Killed):
                answer_file(model, "abc", ["-"], tmp_path / out, "json", stdin=io.BytesIO(listed), tell=stop_after(stop))
        answer_file(model, "abc", ["-"], tmp_path / out, "json", stdin=io.BytesIO(listed), resume=True)
    assert (tmp_path / "out").read_bytes() == (tmp_path / "whole").read_bytes()


def test_two_processes_do_not_write_the_same_file(answer: Any, tmp_path: Path) -> None:
    (tmp_path / "out.partial").mkdir()
    with lock(tmp_path / "out.partial" / ".lock"), pytest.raises(InUseError, match=r"out.partial is in use by process"):
        answer(tmp_path / "out")


def test_killed_at_the_very_end_it_does_not_stand_in_the_way(
    answer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows have become the file, and what was asked is still there."""

    def die(folder: Path) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("seefar.answering.output.sync_folder", die)
        with pytest.raises(Killed):
            answer(tmp_path / "out")
    assert len((tmp_path / "out").read_bytes().splitlines()) == 70
    assert answer(tmp_path / "out").done == 70
    assert left_behind(tmp_path / "out") == []


def test_a_folder_in_the_place_of_the_file_is_refused(answer: Any, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match="is a folder; give the name of a file"):
        answer(tmp_path / "out")
    assert left_behind(tmp_path / "out") == []


def test_a_damaged_request_is_one_sentence(answer: Any, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        answer(tmp_path / "out", tell=stop_after(16))
    (tmp_path / "out.partial" / "request.json").write_text("{")
    with pytest.raises(DataError, match=r"request.json is damaged .*; delete .*out.partial and begin anew"):
        answer(tmp_path / "out", resume=True)


def test_a_full_disk_is_one_sentence_and_what_is_there_goes_on(
    answer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(done: int) -> None:
        if done == 32:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskError, match=r"cannot use .*out: No space left on device; free some space"):
        answer(tmp_path / "out", tell=full)
    assert answer(tmp_path / "out", resume=True).done == 70


def test_overlays_are_numbered_by_the_rows_also_after_a_kill(answer: Any, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    with pytest.raises(Killed):
        answer(tmp_path / "out", tell=stop_after(32), overlays=folder)
    answer(tmp_path / "out", resume=True, overlays=folder)
    images = [json.loads(line)["image"] for line in (tmp_path / "out").read_text().splitlines()]
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{number:07d}-{Path(image).name}.png" for number, image in enumerate(images)
    ]
