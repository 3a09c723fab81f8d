"""The way of the images from `sf.run` to the first step, followed while it runs: the files of docs/architecture.md, each entered once."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from tests.conftest import SMALL

import seefar as sf
import seefar.evaluation.evaluate
import seefar.explaining.see_inside
import seefar.reporting.report
import seefar.training.train  # loaded before it is followed: imports are many calls
from seefar.data.batches import Batches
from seefar.data.images import Dataset, ImageSet
from seefar.training.plan import Plan

SOURCE = Path(sf.__file__).parent
DOCUMENT = Path(__file__).parents[1] / "docs" / "architecture.md"


class FirstStepError(Exception):
    """There it ends."""


def drawn() -> list[str]:
    """The files of the picture, in its order."""
    section = DOCUMENT.read_text().split("## The path of the images")[1]
    return re.findall(r"^ *(\S+\.py) ", section.split("```")[1], re.MULTILINE)


def followed(data: Path, out: Path) -> list[str]:
    """The files that images, or a value that holds images, enter from another file; methods of the values themselves are no rooms."""
    entered: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        code, caller = frame.f_code, frame.f_back
        if event != "call" or not code.co_filename.startswith(str(SOURCE)) or caller is None:
            return
        name = Path(code.co_filename).relative_to(SOURCE).as_posix()
        arguments = [frame.f_locals.get(word) for word in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]]
        holds = any(isinstance(value, Dataset | ImageSet | Batches | Plan) for value in arguments)
        if (not holds and code.co_name not in ("run", "load")) or name in ("data/images.py", "data/image_set.py"):
            return
        if caller.f_code.co_filename != code.co_filename and (not entered or entered[-1] != name):
            entered.append(name)

    def end(events: Iterator[Any], _plan: Plan, _earlier: Any) -> Iterator[Any]:
        for _ in events:
            sys.setprofile(None)
            raise FirstStepError
        yield

    sys.setprofile(note)
    try:
        sf.run(data, "tiny", out=out, watch=[end], quiet=True, **SMALL)
    except FirstStepError:
        return entered
    finally:
        sys.setprofile(None)
    raise AssertionError("there was no step")


def test_images_enter_the_files_of_the_picture_and_none_twice_before_the_loop(small_data: Dataset, tmp_path: Path) -> None:
    small_data.train.save(tmp_path / "photos" / "train")
    small_data.test.save(tmp_path / "photos" / "test")
    rooms = followed(tmp_path / "photos", tmp_path / "run")
    way = rooms[: rooms.index("training/loop.py") + 1]
    assert [room for room in way if room in drawn()] == drawn()
    assert len(way) == len(set(way)) <= 20
    assert set(rooms) == set(way)  # behind it the loop alone: batches, and the loop again
