"""The studies that seefar brings along: each variant can be trained, and each change does what it says and no more."""

import re

import pytest

from seefar import recipe_fields
from seefar.studies.builtin import STUDIES
from seefar.studies.study import Study, digest, variants
from seefar.training.check import check

EVERY = pytest.mark.parametrize("study", STUDIES.values(), ids=list(STUDIES))


def test_the_studies() -> None:
    assert list(STUDIES) == ["enhancement", "enhancement-removed", "augmentation", "optimisers", "regularisation", "speed"]
    assert len({digest(study) for study in STUDIES.values()}) == len(STUDIES)


@EVERY
def test_every_variant_can_be_trained_on_images_of_32_pixels(study: Study) -> None:
    for variant in variants(study):
        check(recipe_fields.change(recipe_fields.find(study.base), variant.fields), 10, 32, 18_000)


@EVERY
def test_every_study_and_change_has_a_sentence(study: Study) -> None:
    for sentence in (study.about, *(change.reason for change in study.changes)):
        assert re.fullmatch(r"[A-Z].{20,}[.?]", sentence)


def test_enhancement_sets_one_thing_at_a_time_and_ends_where_removed_begins() -> None:
    study = STUDIES["enhancement"]
    fields = [field for change in study.changes for field in change.fields]
    assert len(fields) == len(set(fields))
    steps, removed = variants(study), variants(STUDIES["enhancement-removed"])
    assert [step.against for step in steps] == [None, *(step.name for step in steps[:-1])]
    assert removed[0].fields == steps[-1].fields
    assert removed[1].name == "without more convolutions"


@pytest.mark.parametrize("name", ["augmentation", "optimisers", "regularisation", "speed"])
def test_changes_of_one_thing_each_are_compared_with_the_base(name: str) -> None:
    first, *others = variants(STUDIES[name])
    assert (first.name, first.against) == ("base", None)
    assert {other.against for other in others} == {"base"}
