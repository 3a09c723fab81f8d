"""Bounds that make no sense, tokens that are none, and hosts that others can reach."""

from pathlib import Path
from typing import Any

import pytest

from seefar.errors import DiskError, UsageError
from seefar.serving.settings import Settings, check_exposure, host_names, read_token


@pytest.mark.parametrize(
    "changes",
    [
        {"batch": 0},
        {"batch": 12},
        {"batch": 128},
        {"batch": 32, "queue": 31},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"body": -1},
        {"connections": 0},
        {"drain": -1.0},
        {"grace": float("nan")},
        {"origins": ("example.org",)},
        {"origins": ("https://example.org/",)},
        {"origins": ("*",)},
    ],
)
def test_senseless_bounds_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Settings(**changes)


def test_only_this_machine_is_served_without_a_token() -> None:
    for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost"):
        check_exposure(host, None)
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org", "", "localhost.example.org", "127.0.0.1.example.org"):
        with pytest.raises(UsageError, match="give --token FILE"):
            check_exposure(host, None)
        check_exposure(host, "a token of many characters")


def test_a_token_is_read(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("  0123456789abcdef\n")
    assert read_token(file) == "0123456789abcdef"
    for content in (b"", b"short", b"0123456789 abcdef", b"0123456789abcdef\nmore", b"\xff" * 20, b"x" * 5000):
        file.write_bytes(content)
        with pytest.raises(UsageError, match="holds no token"):
            read_token(file)
    with pytest.raises(DiskError, match="cannot read the token file"):
        read_token(tmp_path / "none")


def test_names_of_hosts() -> None:
    assert host_names(["Models.Example.org"]) == ("models.example.org",)
    for odd in ("", "a:80", "a/b", "*", "é.org"):
        with pytest.raises(UsageError, match="is none"):
            host_names([odd])
