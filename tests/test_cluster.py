"""A connection to a cluster: there, refused in a sentence, or left as it is for whoever had it before."""

import sys

import pytest

from seefar.cluster import connected
from seefar.errors import UsageError


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1"])
def test_no_cluster_at_the_address_is_one_sentence(address: str) -> None:
    pytest.importorskip("ray")
    with (
        pytest.raises(UsageError, match=f"no Ray cluster answers at '{address}' .*; start one with `ray start --head`"),
        connected(address),
    ):
        pass


def test_without_ray_the_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'seefar\[cluster\]'"), connected("local"):
        pass


def test_a_connection_that_is_there_is_used_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "init", lambda *_, **__: pytest.fail("there is one already"))
    monkeypatch.setattr(ray, "shutdown", lambda: pytest.fail("it is not ours"))
    with connected("local"):
        pass


def test_a_connection_of_ours_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ray, said = pytest.importorskip("ray"), list[str]()
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda address, **_: said.append(address))
    monkeypatch.setattr(ray, "shutdown", lambda: said.append("shutdown"))
    with pytest.raises(KeyError), connected("auto"):
        raise KeyError
    assert said == ["auto", "shutdown"]
