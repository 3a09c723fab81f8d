"""Evaluations of earlier formats: what is known of their test images decides which count, and every figure follows."""

from typing import Any

import numpy as np
import pytest

import seefar as sf
from seefar.data.images import Dataset
from seefar.evaluation.earlier import counted, read_evaluation


@pytest.fixture
def earlier(run: sf.Run, small_data: Dataset) -> sf.Run:
    """A run as format 6 left it: no image is known not to count."""
    for split in ("validation", "test"):
        sf.evaluate(run, split, data=small_data)  # type: ignore[arg-type]
        stored = run.arrays(f"predictions-{split}.npz")
        del stored["counts"]
        run.write_arrays(f"predictions-{split}.npz", **stored)
        whole = run.read(f"evaluation-{split}.json")
        new = ("headline", "cannot", "raw", "left_out", "near", "findings")
        run.write(f"evaluation-{split}.json", {name: value for name, value in whole.items() if name not in new})
    return run


def found_in_test(run: sf.Run, **changes: Any) -> None:
    """Let the description of the test images say something else."""
    described = run.read("description-test.json")
    images = {name: changes[name] for name in ("duplicates", "conflicts") if name in changes}
    leaks = {name: changes[name] for name in ("leaks", "test_ids", "counts") if name in changes}
    run.write(
        "description-test.json", described | {"images": described["images"] | images, "leaks": described["leaks"] | leaks}
    )


def left_out(run: sf.Run) -> list[int]:
    return np.flatnonzero(~counted(run, "test", run.arrays("predictions-test.npz"))).tolist()


COUNTS = {"exact": 0, "mirrored": 0, "near": 0, "near mirrored": 0}


def test_where_nothing_is_wrong_every_image_counts(earlier: sf.Run) -> None:
    found = read_evaluation(earlier, "test")
    assert (found["images"], found["raw"]["images"]) == (90, 90)
    assert found["headline"]["value"] == found["accuracy"]["value"] == found["raw"]["accuracy"]["value"]
    assert left_out(earlier) == []


def test_copies_and_repeats_that_were_described_do_not_count(earlier: sf.Run, small_data: Dataset) -> None:
    ids = small_data.test.ids
    leaks = [
        {"test": ids[0], "train": "x", "kind": "exact", "rms": 0.0, "same_label": True},
        {"test": ids[1], "train": "x", "kind": "mirrored", "rms": 0.0, "same_label": False},
        {"test": ids[2], "train": "x", "kind": "near", "rms": 3.0, "same_label": True},
    ]
    found_in_test(
        earlier,
        leaks=leaks,
        test_ids=list(ids[:3]),
        counts=COUNTS | {"exact": 1, "mirrored": 1, "near": 1},
        duplicates=[[ids[5], ids[8]], [ids[10], ids[11]]],
        conflicts=[{ids[10]: "class 1", ids[11]: "class 2"}],
    )
    assert left_out(earlier) == [0, 8, 10, 11]
    found = read_evaluation(earlier, "test")
    assert found["left_out"] == {"copies": 1, "repeats": 1, "contradicting": 2}
    assert found["images"] == 86
    assert {finding["kind"] for finding in found["findings"]} == {"copies", "contradicting", "repeats", "near", "few"}
    assert found["near"]["images"] == 84  # without the near one, and the mirrored one of another class
    assert sum(map(sum, found["confusion"])) == 86


def test_where_the_list_is_cut_all_that_may_be_copies_are_left_out(earlier: sf.Run, small_data: Dataset) -> None:
    ids = small_data.test.ids
    leaks = [{"test": ids[0], "train": "x", "kind": "exact", "rms": 0.0, "same_label": True}]
    found_in_test(earlier, leaks=leaks, test_ids=list(ids[:4]), counts=COUNTS | {"exact": 4})
    assert left_out(earlier) == [0, 1, 2, 3]
    found_in_test(earlier, test_ids=list(ids), counts=COUNTS | {"exact": 90})
    nothing = read_evaluation(earlier, "test")
    assert (nothing["headline"], nothing["accuracy"], nothing["cannot"]) == (None, None, "copies")


def test_of_validation_images_nothing_is_known(earlier: sf.Run) -> None:
    assert counted(earlier, "validation", earlier.arrays("predictions-validation.npz")).all()
