"""A release: wheel and sdist built twice and looked into, the wheel tried in an empty environment; the result lies in dist/.

`make release` asks for a tree as it would be published: nothing uncommitted, a heading in CHANGELOG.md with today's version.
`--rehearse` goes the same way from any tree and only warns. Nothing is uploaded.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

sys.path.insert(0, str(Path(__file__).parent))  # so that this file can be loaded from anywhere
import licences

TREE = Path(__file__).parents[1]
TOPS = {"src", "tests", "examples", "scripts", "docs", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md"}
TOPS |= {"constraints.txt", "mkdocs.yml", "pyproject.toml", "web"}  # what one needs to build and read seefar
MADE = {"PKG-INFO", ".gitignore"}  # hatchling adds both
ABOUT = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
LARGEST_WHEEL = 1_000_000  # bytes; it is 720,000, of code alone (2026-11-29): pictures and weights do not slip in
LARGEST_SDIST = 3_000_000
LARGEST_MEMBER = 500_000
PROGRAM = """
import sys, seefar as sf
assert sf.__version__ == sys.argv[1], sf.__version__
assert sf.__file__.startswith(sys.prefix), sf.__file__
assert not [name for name in sf.__all__ if not hasattr(sf, name)]
from PIL import Image
Image.fromarray(sf.load("shapes").test.pixels[0]).save("shape.png")
(prediction,) = sf.predict(sys.argv[2], ["shape.png"])
assert prediction.error is None, prediction
"""


class UnfitError(Exception):
    """Something that must not be published, in one sentence."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rehearse", action="store_true", help="warn where a release would stop: uncommitted changes, no heading yet"
    )
    parser.add_argument("--no-trial", action="store_true", help="build and look only; no environment, no SBOM")
    parser.add_argument("--out", type=Path, default=TREE / "dist", help="the folder to make anew (dist)")
    words = parser.parse_args()
    try:
        for warning in agreed(words.rehearse):
            print(f"warning: {warning}")
        with tempfile.TemporaryDirectory(prefix="seefar-release-") as name:
            folder = Path(name)
            wheel, sdist = built_twice(folder)
            for problem in [*strange_in_wheel(wheel, tracked()), *strange_in_sdist(sdist, tracked())]:
                raise UnfitError(problem)
            ready = [wheel, sdist]
            if not words.no_trial:
                python = tried(wheel, folder)
                ready += papers(python, folder)
            published(ready, words.out)
    except UnfitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


# What is released


def version() -> str:
    return (TREE / "src/seefar/version.py").read_text().split('"')[-2]


def agreed(rehearsal: bool) -> list[str]:
    """Warnings; an error where version, changelog and tree do not tell of the same release."""
    doubts = []
    heading = re.findall(r"^## \[?([^\]\s]+)", (TREE / "CHANGELOG.md").read_text(), re.MULTILINE)[0]
    if heading != version():
        sentence = f"version.py says {version()}, the first heading of CHANGELOG.md says {heading}"
        if heading != "Unreleased":
            raise UnfitError(f"{sentence}; make them agree")
        doubts.append(f"{sentence}; write '## {version()} - <date>'")
    if changed := git("status", "--porcelain"):
        doubts.append(f"{len(changed)} files are not committed, as {changed[0].split()[-1]}; commit them or take them away")
    if doubts and not rehearsal:
        raise UnfitError(f"{doubts[0]} (or pass --rehearse)")
    tags = git("tag", "--points-at", "HEAD")
    if f"v{version()}" not in tags:
        doubts.append(f"the commit has no tag v{version()}" + (f", but {', '.join(tags)}" if tags else ""))
    return doubts


def git(*words: str) -> list[str]:
    return subprocess.run(["git", *words], cwd=TREE, capture_output=True, text=True, check=True).stdout.splitlines()


def tracked() -> set[str]:
    """The files that git tracks, or would on the next `git add`."""
    names = git("ls-files", "--cached", "--others", "--exclude-standard")
    return {name for name in names if (TREE / name).is_file()}


# Built


def built_twice(folder: Path) -> tuple[Path, Path]:
    """The wheel and the sdist; built again from that sdist, elsewhere and with other permissions, they must be the same bytes."""
    wheel, sdist = build(TREE, folder / "first", umask=0o022)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    again = build(next((folder / "unpacked").iterdir()), folder / "second", umask=0o077)
    for one, other in zip((wheel, sdist), again, strict=True):
        if one.name != other.name or one.read_bytes() != other.read_bytes():
            raise UnfitError(
                f"{one.name} is not the same bytes when it is built again; compare {one} and {other} with diffoscope"
            )
    print(
        f"built twice with the same bytes: {wheel.name} {wheel.stat().st_size:,} bytes, {sdist.name} {sdist.stat().st_size:,} bytes"
    )
    return wheel, sdist


def build(source: Path, out: Path, umask: int) -> tuple[Path, Path]:
    surroundings = os.environ | {
        "SOURCE_DATE_EPOCH": git("log", "-1", "--format=%ct")[0],
        "PIP_CONSTRAINT": str(TREE / "constraints.txt"),  # hatchling brings packages of its own
    }
    command = [sys.executable, "-m", "build", "--outdir", str(out), str(source)]
    _done(subprocess.run(command, env=surroundings, umask=umask, capture_output=True, text=True, check=False), "the build")
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


def strange_in_wheel(wheel: Path, known: set[str]) -> list[str]:
    """What is wrong with the content of a wheel; `known` are the files of the tree that may be published."""
    about = "-".join(wheel.name.split("-")[:2]) + ".dist-info/"
    wanted = {name.removeprefix("src/") for name in known if name.startswith("src/")} | {about + name for name in ABOUT}
    with zipfile.ZipFile(wheel) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
    print(f"unpacked: {sum(sizes.values()):,} bytes in {len(sizes)} files, the largest", end=" ")
    print(", ".join(f"{name} {sizes[name]:,}" for name in sorted(sizes, key=lambda name: -sizes[name])[:3]))
    return _differences(wheel, set(sizes), wanted) + _too_large(wheel, sizes, LARGEST_WHEEL)


def strange_in_sdist(sdist: Path, known: set[str]) -> list[str]:
    """What is wrong with the content of an sdist."""
    with tarfile.open(sdist) as archive:
        sizes = {member.name.partition("/")[2]: member.size for member in archive.getmembers()}
    wanted = {name for name in known if PurePosixPath(name).parts[0] in TOPS} | MADE
    hidden = [name for name in sizes if name not in MADE and any(part.startswith((".", "__py")) for part in name.split("/"))]
    return (
        _differences(sdist, set(sizes), wanted)
        + [f"{sdist.name} holds {name}, a hidden file or a cache" for name in hidden]
        + _too_large(sdist, sizes, LARGEST_SDIST)
    )


def _differences(archive: Path, names: set[str], wanted: set[str]) -> list[str]:
    return [f"{archive.name} holds {name}, which nobody asked for" for name in sorted(names - wanted)] + [
        f"{archive.name} lacks {name}" for name in sorted(wanted - names)
    ]


def _too_large(archive: Path, sizes: dict[str, int], limit: int) -> list[str]:
    found = [f"{name} in {archive.name}" for name, size in sizes.items() if size > LARGEST_MEMBER]
    if archive.stat().st_size > limit:
        found.append(archive.name)
    return [f"{name} is too large to be code; take it out, or raise the limit in scripts/release.py" for name in found]


# Tried


def tried(wheel: Path, folder: Path) -> Path:
    """Install the wheel into an environment that holds nothing else and use it from an empty folder; return its Python."""
    environment, empty = folder / "environment", folder / "empty"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]  # the pip of this environment: the other holds only seefar
    install = [*pip, "install", "--quiet", "-c", str(TREE / "constraints.txt"), str(wheel)]
    _done(subprocess.run(install, capture_output=True, text=True, check=False), "the installation")
    _done(subprocess.run([*pip, "check"], capture_output=True, text=True, check=False), "pip check")
    empty.mkdir()
    seefar = str(environment / "bin/seefar")
    run = "runs/shapes-tiny-seed0"
    for words in (
        [seefar, "--help"],
        [seefar, "run", "--data", "shapes", "--recipe", "tiny", "--epochs", "1", "--out", run],
        [str(python), "-c", PROGRAM, version(), run],
    ):
        surroundings = {"PATH": os.defpath, "HOME": str(empty), "SEEFAR_HOME": str(folder / "home"), "LANG": "C.UTF-8"}
        done = subprocess.run(words, cwd=empty, env=surroundings, capture_output=True, text=True, check=False)
        _done(done, " ".join(words[:2]))
    if not (empty / run / "report.html").exists():
        raise UnfitError(f"seefar run left no report in {run}")
    print("the wheel works in an environment of its own: help, a whole run, the library")
    return python


def _done(done: "subprocess.CompletedProcess[str]", what: str) -> None:
    if done.returncode:
        raise UnfitError(f"{what} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


# Written down


def papers(python: Path, folder: Path) -> list[Path]:
    """The parts of that environment as CycloneDX, and the texts of their licences."""
    if complaints := licences.refused(licences.installed(str(python))):
        raise UnfitError(complaints[0])
    tools = Path(sys.executable).parent
    sbom, texts = folder / f"seefar-{version()}.cdx.json", folder / f"seefar-{version()}-licences.txt"
    project = folder / "pyproject.toml"  # cyclonedx-py does not look a dynamic version up
    project.write_text((TREE / "pyproject.toml").read_text().replace('dynamic = ["version"]', f'version = "{version()}"'))
    words = ["environment", "--output-reproducible", "--mc-type", "library", "--pyproject", str(project)]
    _done(_run([str(tools / "cyclonedx-py"), *words, "-o", str(sbom), str(python)]), "the SBOM")
    told = json.loads(sbom.read_text())
    itself, parts = told["metadata"]["component"], {part["name"] for part in told["components"]}
    if (
        (itself["name"], itself.get("version")) != ("seefar", version())
        or "torch" not in parts
        or str(folder) in sbom.read_text()
    ):
        raise UnfitError(
            f"the SBOM tells of {itself} and {', '.join(sorted(parts))}; expected: seefar {version()}, torch, no local paths"
        )
    words = ["--python", str(python), "--with-license-file", "--no-license-path", "--format", "plain-vertical"]
    _done(_run([str(tools / "pip-licenses"), *words, "--output-file", str(texts)]), "the list of licences")
    print(f"{len(parts)} packages in the SBOM, all under licences that are agreed to")
    return [sbom, texts]


def _run(words: list[str]) -> "subprocess.CompletedProcess[str]":
    surroundings = os.environ | {"SOURCE_DATE_EPOCH": git("log", "-1", "--format=%ct")[0]}
    return subprocess.run(words, env=surroundings, capture_output=True, text=True, check=False)


def published(files: list[Path], out: Path) -> None:
    """Make the folder anew, with these files and their digests."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for file in files:
        shutil.copy(file, out)
    sums = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    (out / "SHA256SUMS").write_text(sums)
    print(f"{out} holds {', '.join(sorted(path.name for path in out.iterdir()))}")


if __name__ == "__main__":
    sys.exit(main())
