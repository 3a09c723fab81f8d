"""What a release would publish: reproducible archives that hold the package and nothing else, and licences that are agreed to."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import metadata
from io import BytesIO
from pathlib import Path
from types import ModuleType

import pytest
from tests.conftest import script

TREE = Path(__file__).parents[1]


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TREE / "scripts"))
    return script(TREE / "scripts" / "release.py")


@pytest.fixture
def licences() -> ModuleType:
    return script(TREE / "scripts" / "licences.py")


KNOWN = {"src/seefar/__init__.py", "src/seefar/py.typed", "tests/test_x.py", "LICENSE", ".ci/run", "benchmarks/b.py"}


def wheel_of(folder: Path, *extra: str, without: str = "", size: int = 10) -> Path:
    about = "seefar-0.1.0.dist-info/"
    names = ["METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"]
    wheel = folder / "seefar-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in [*(about + name for name in names), "seefar/__init__.py", "seefar/py.typed", *extra]:
            if name != without:
                archive.writestr(name, b"x" * size)
    return wheel


def sdist_of(folder: Path, *extra: str) -> Path:
    sdist = folder / "seefar-0.1.0.tar.gz"
    with tarfile.open(sdist, "w:gz") as archive:
        for name in ["PKG-INFO", ".gitignore", "LICENSE", *sorted(KNOWN)[3:], *extra]:
            archive.addfile(tarfile.TarInfo(f"seefar-0.1.0/{name}"), BytesIO())
    return sdist


def test_an_expected_wheel_has_nothing_strange(release: ModuleType, tmp_path: Path) -> None:
    assert release.strange_in_wheel(wheel_of(tmp_path), KNOWN) == []


@pytest.mark.parametrize(
    ("extra", "without", "size", "complaint"),
    [
        (["seefar/__pycache__/a.pyc"], "", 10, "holds seefar/__pycache__/a.pyc"),
        (["tests/test_x.py"], "", 10, "holds tests/test_x.py"),
        ([], "seefar/py.typed", 10, "lacks seefar/py.typed"),
        ([], "", 500_001, "too large"),
    ],
)
def test_what_does_not_belong_into_a_wheel_is_found(
    release: ModuleType, tmp_path: Path, extra: list[str], without: str, size: int, complaint: str
) -> None:
    found = release.strange_in_wheel(wheel_of(tmp_path, *extra, without=without, size=size), KNOWN)
    assert any(complaint in sentence for sentence in found), found


@pytest.mark.parametrize(
    "junk", [".ci/run", "benchmarks/b.py", "docs/.ipynb_checkpoints/a.ipynb", "shared/data/cifar10-jpeg.zip"]
)
def test_what_does_not_belong_into_an_sdist_is_found(release: ModuleType, tmp_path: Path, junk: str) -> None:
    assert release.strange_in_sdist(sdist_of(tmp_path), KNOWN) == []
    assert any(f"holds {junk}" in sentence for sentence in release.strange_in_sdist(sdist_of(tmp_path, junk), KNOWN))
    hidden = release.strange_in_sdist(sdist_of(tmp_path, "tests/.cache"), KNOWN | {"tests/.cache"})
    assert hidden == ["seefar-0.1.0.tar.gz holds tests/.cache, a hidden file or a cache"]


@pytest.mark.parametrize(
    ("heading", "changed", "tags", "rehearsal", "said"),
    [
        ("## [1.2.0] - 2026-12-01", [], ["v1.2.0"], False, ""),
        ("## 1.2.0", [], [], False, "no tag v1.2.0"),
        ("## 1.2.0", [], ["v1.1.0"], False, "no tag v1.2.0, but v1.1.0"),
        ("## Unreleased", [], [], True, "write '## 1.2.0 - <date>'"),
        ("## 1.2.0", [" M README.md"], ["v1.2.0"], True, "1 files are not committed, as README.md"),
        ("## Unreleased", [], [], False, "error"),
        ("## 1.2.0", [" M README.md"], ["v1.2.0"], False, "error"),
        ("## 1.1.0 - 2026-11-01", [], ["v1.2.0"], True, "error"),
    ],
)
def test_version_changelog_and_tag_have_to_agree(
    release: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    heading: str,
    changed: list[str],
    tags: list[str],
    rehearsal: bool,
    said: str,
) -> None:
    (tmp_path / "src/seefar").mkdir(parents=True)
    (tmp_path / "src/seefar/version.py").write_text('"""Said once."""\n\n__version__ = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{heading}\n\n### Added\n\n## 1.0.0\n")
    monkeypatch.setattr(release, "TREE", tmp_path)
    monkeypatch.setattr(release, "git", lambda *words: changed if words[0] == "status" else tags)
    if said == "error":
        with pytest.raises(release.UnfitError):
            release.agreed(rehearsal)
    else:
        warnings = release.agreed(rehearsal)
        assert said in warnings[0] if said else warnings == []


@pytest.mark.slow
def test_built_twice_the_archives_are_the_same_bytes_and_hold_what_they_should(tmp_path: Path) -> None:
    words = [sys.executable, str(TREE / "scripts/release.py"), "--rehearse", "--no-trial", "--out", str(tmp_path / "dist")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "built twice with the same bytes" in done.stdout
    assert sorted(path.suffix for path in (tmp_path / "dist").iterdir()) == ["", ".gz", ".whl"]
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "dist", check=True)


@pytest.mark.parametrize(
    ("expression", "field", "classifiers", "expected"),
    [
        ("MIT AND PSF-2.0", "UNKNOWN", "UNKNOWN", "MIT AND PSF-2.0"),
        ("UNKNOWN", "BSD 3-Clause License\n\nCopyright", "BSD License", "BSD"),
        ("UNKNOWN", "Apache License\n   Version 2.0", "UNKNOWN", "Apache-2.0"),
        ("UNKNOWN", "UNKNOWN", "DFSG approved; MIT License", "MIT"),
        ("UNKNOWN", "UNKNOWN", "Apache Software License; MIT License", "Apache-2.0 AND MIT"),
        ("UNKNOWN", "Ask me", "UNKNOWN", "Ask me"),
        ("UNKNOWN", "UNKNOWN", "UNKNOWN", "not said"),
    ],
)
def test_a_licence_is_read_from_the_most_exact_place(
    licences: ModuleType, expression: str, field: str, classifiers: str, expected: str
) -> None:
    assert licences.licence(expression, field, classifiers) == expected


def test_licences_that_were_read_by_a_person_are_those_of_packages_that_say_nothing(licences: ModuleType) -> None:
    assert licences.READ
    for name in licences.READ:
        said = metadata.metadata(name)
        assert (said["License-Expression"], said["License"]) == (None, None), f"{name} says it now: take it out of READ"


@pytest.mark.parametrize(
    ("licence", "strange"),
    [
        ("MIT", ""),
        ("MPL-2.0 AND MIT", ""),
        ("(MIT OR Apache-2.0) AND Apache-2.0 WITH LLVM-exception", ""),
        ("GPL-3.0-only", "GPL-3.0-only"),
        ("MIT AND AGPL-3.0-or-later", "AGPL-3.0-or-later"),
        ("not said", "not said"),
    ],
)
def test_a_licence_that_nobody_agreed_to_is_refused(licences: ModuleType, licence: str, strange: str) -> None:
    found = licences.refused([licences.Package("lib", "1", licence)])
    assert bool(found) == bool(strange)
    assert not strange or f"and {strange} is not on the list" in found[0]


def test_what_a_requirement_brings_along_is_followed_through_extras_and_markers(licences: ModuleType) -> None:
    here, absent = licences.closure(["httpx", "no-such-package>=1", "hypothesis; python_version < '3'"])
    assert {"httpx", "httpcore", "h11"} <= here
    assert absent == {"no-such-package"}


def test_the_page_of_licences_tells_of_the_pinned_versions() -> None:
    rows = re.findall(r"^\| (\S+) \| (\S+) \| [^|]+ \| ([^|]+) \|$", (TREE / "docs/licences.md").read_text(), re.MULTILINE)
    assert rows.pop(0)[0] == "package"
    pins = dict(line.lower().split("==") for line in (TREE / "constraints.txt").read_text().splitlines())
    assert [(name, version) for name, version, _ in rows if pins.get(name.lower()) != version] == [], "run make licences"
    project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    core = {re.split(r"[><=\[]", line)[0] for line in project["dependencies"]}
    assert core - {name.lower() for name, _, needed_by in rows if needed_by == "core"} == set(), "run make licences"
