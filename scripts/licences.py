"""The licences of all packages that seefar needs: `make licences` writes docs/licences.md, and fails on a licence nobody has agreed to."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TREE = Path(__file__).parents[1]
PERMISSIVE = {
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD",  # said without the number of its clauses
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "PSF-2.0",
    "Zlib",
}
WEAK_COPYLEFT = {"MPL-2.0"}  # changes to their own files stay open; what uses them is free
SPELLINGS = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache": "Apache-2.0",  # kubernetes-validate, whose LICENSE file says which
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license": "Apache-2.0",  # the first line of its text
    "apache software license": "Apache-2.0",
    "bsd license": "BSD",
    "isc license (iscl)": "ISC",
    "isc license": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
}
READ = {"namex": "Apache-2.0"}  # packages whose metadata says nothing: what their LICENSE file says, read by a person
NOT_A_LICENCE = {"dfsg approved", "osi approved", "unknown"}

PAGE = """# Licences

seefar itself is under the MIT licence. This is what it stands on: every package that the core or an extra brings along, in the
versions of `constraints.txt`. `make licences` writes this page from what is installed, and fails where a licence is not on the list of
`scripts/licences.py`: permissive ones, and MPL-2.0, which asks only that changes to its own files stay open.

- `core` is what `pip install seefar` brings; the other names are extras, and `docs`, `release` and `dev` are for developing only.
- seefar's wheel holds none of these packages; pip fetches each from its own authors.
- Some wheels hold compiled libraries of others. scipy's and numpy's hold parts of GCC's runtime, under the GPL with the exception that
  makes them free to use, and libquadmath under the LGPL.
- On Linux, torch from PyPI brings NVIDIA's CUDA libraries, which are not open source. The CPU build, listed here, has none of them.
- A list of one release in CycloneDX form (SBOM), and the texts of the licences, lie beside its wheel in `dist/`: `make release` makes
  them from the very environment that the wheel was tried in, so no copy of them is kept here to grow old.

| package | version | licence | needed by |
|---|---|---|---|
"""


class Package(NamedTuple):
    name: str
    version: str
    licence: str
    needed_by: tuple[str, ...] = ()


def main() -> int:
    packages, missing = needed()
    text = PAGE + "".join(f"| {p.name} | {p.version} | {p.licence} | {', '.join(p.needed_by)} |\n" for p in packages)
    if missing:
        text += f"\nNot installed where this page was made, so not looked at: {', '.join(missing)}.\n"
    (TREE / "docs/licences.md").write_text(text)
    complaints = refused(packages)
    print(*complaints or [f"{len(packages)} packages, all under licences that are agreed to: docs/licences.md"], sep="\n")
    return int(bool(complaints))


def needed() -> tuple[list[Package], list[str]]:
    """All packages behind seefar's core and extras, by name; and what is asked for but not installed."""
    project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    wanted = {"core": project["dependencies"], **project["optional-dependencies"]}
    needed_by: dict[str, list[str]] = {}
    missing = []
    for extra, requirements in wanted.items():
        here, absent = closure(requirement for requirement in requirements if not requirement.startswith("seefar["))
        missing += [f"{name} ({extra})" for name in sorted(absent)]
        for name in here:
            needed_by.setdefault(name, []).append(extra)
    return [
        package._replace(needed_by=("core",) if "core" in needed_by[name] else tuple(needed_by[name]))
        for package in installed(sys.executable)
        if (name := canonicalize_name(package.name)) in needed_by
    ], missing


def closure(requirements: Iterable[str]) -> tuple[set[str], set[str]]:
    """The installed packages that these requirements bring along, and those that are not installed."""
    here: set[str] = set()
    absent: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                lines = metadata.requires(name) or []
            except metadata.PackageNotFoundError:
                absent.add(name)
                break
            here.add(name)
            further = [Requirement(line) for line in lines]
            waiting += [one for one in further if not one.marker or one.marker.evaluate({"extra": extra})]
    return here, absent


def installed(python: str) -> list[Package]:
    """What is installed beside an interpreter, with the licence that each package declares, by name."""
    command = [str(Path(sys.executable).with_name("pip-licenses")), "--python", python, "--from", "all", "--format", "json"]
    rows = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    said = ("License-Expression", "License-Metadata", "License-Classifier")
    packages = [
        Package(row["Name"], row["Version"].split("+")[0], READ.get(row["Name"]) or licence(*(row[column] for column in said)))
        for row in rows
        if row["Name"] != "seefar"
    ]
    return sorted(packages, key=lambda package: package.name.lower())


def licence(expression: str, field: str, classifiers: str) -> str:
    """One SPDX expression from the three places where a package may say its licence: the most exact that says anything."""
    found = [" AND ".join(names) for said in (expression, field, classifiers) if (names := _named(said))]
    return next((one for one in found if not _strange(one)), found[0] if found else "not said")


def _named(said: str) -> list[str]:
    first = said.strip().partition("\n")[0]  # older packages put the whole text there
    return [SPELLINGS.get(name.lower(), name) for name in map(str.strip, first.split(";")) if name.lower() not in NOT_A_LICENCE]


def _strange(expression: str) -> set[str]:
    return {name.strip(" ()") for name in re.split(r"\b(?:AND|OR)\b", expression)} - PERMISSIVE - WEAK_COPYLEFT


def refused(packages: Iterable[Package]) -> list[str]:
    """A sentence for each package whose licence names something that is not on the list."""
    return [
        f"{p.name} {p.version} is under '{p.licence}', and {', '.join(sorted(strange))} is not on the list of scripts/licences.py; "
        "read it, then add it there or do without the package"
        for p in packages
        if (strange := _strange(p.licence))
    ]


if __name__ == "__main__":
    sys.exit(main())
