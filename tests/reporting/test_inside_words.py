"""Sentences on the inside of a network, from planted numbers."""

from typing import Any

from seefar.reporting import inside_words


def layer(**found: Any) -> dict[str, Any]:
    return {"layer": "stages.0.0", "filters": 8, "dead": [], "duplicates": [], "noisy": []} | found


def score(insertion: float, deletion: float) -> dict[str, float]:
    return {"insertion": insertion, "deletion": deletion, "random_insertion": 0.4, "random_deletion": 0.3}


def test_useless_filters_are_counted() -> None:
    assert "none is dead" in inside_words.filters({"first": "learned", "health": [layer()]})[1]
    found = {"first": "whitening", "health": [layer(dead=[1, 2]), layer(duplicates=[[3, 4, 5]], noisy=[7])]}
    first, second = inside_words.filters(found)
    assert "whitening" in first
    assert "2 dead, 2 duplicates of others and 1 noise" in second


def test_maps_that_are_not_true_are_named() -> None:
    found = {
        "methods": {"grad_cam": score(0.6, 0.2), "integrated_gradients": score(0.3, 0.1)},
        "sanity": {"grad_cam": {"similarity": 0.7}, "integrated_gradients": {"similarity": 0.1}},
    }
    sentences = inside_words.where(found)
    assert "Grad-CAM marks" in sentences[1]
    assert "60.0" in sentences[1]
    assert "Do not read too much into integrated gradients" in sentences[2]
    assert "much the same maps from Grad-CAM" in sentences[3]
    true = {"methods": {"grad_cam": score(0.6, 0.2)}, "sanity": {"grad_cam": {"similarity": 0.1}}}
    assert len(inside_words.where(true)) == 2


def test_the_smallest_change_is_the_one_that_turned() -> None:
    rows = [
        {"predicted": "cat", "wanted": "dog", "turned": False, "size": 0.1},
        {"predicted": "frog", "wanted": "cat", "turned": True, "size": 0.4},
    ]
    sentences = inside_words.classes({"changes": rows})
    assert "1 of 2 images" in sentences[1]
    assert "from frog to cat" in sentences[1]
    assert len(inside_words.classes({"changes": rows[:1]})) == 1


def test_learning_is_told_only_where_it_was_stored() -> None:
    assert inside_words.learning({"learning": None}) == []
    (sentence,) = inside_words.learning({"learning": {"epochs": 5, "regions": {"easy": 3, "hard": 1}}})
    assert "75.0" in sentence
