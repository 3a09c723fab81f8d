"""The floors of the house: a file imports from lower floors or from its own folder only. See docs/architecture.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "seefar"

FLOORS = [  # from the ground up
    {"errors", "version", "sparkline", "display"},
    {"files", "seeds"},
    {"data", "metrics"},
    {"models"},
    {"recipes"},
    {"runs"},
    {"training"},
    {"evaluation"},
    {"explaining"},
    {"studies"},
    {"reporting"},
    {"progress"},
    {"api"},
    {"__init__"},
    {"cli"},
    {"__main__"},
]
HEIGHT = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
LIGHT = (
    "errors",
    "version",
    "sparkline",
    "display",
    "files",
    "seeds",
    "recipes",
    "progress",
    "__init__",
    "cli",
)  # what `seefar --help` imports
HEAVY = ("torch", "numpy", "PIL", "scipy", "sklearn", "matplotlib", "jinja2", "httpx", "safetensors", "rich")


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module a file imports: at its top, inside functions, for type checking, and through importlib by a literal name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            yield from (
                argument.value
                for argument in node.args
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            )


def upward(path: Path, text: str) -> list[str]:
    """The imports in a file (its path relative to the package) that do not go down or stay in its own folder."""
    room = path.parts[0].removesuffix(".py")
    found = []
    for name in imported(ast.parse(text)):
        package, _, rest = name.partition(".")
        if package == "seefar":
            other = rest.split(".")[0] if rest.split(".")[0] in HEIGHT else "__init__"
            if other != room and HEIGHT[other] >= HEIGHT[room]:
                found.append(f"{path} imports {name}")
    return found


def files() -> list[Path]:
    return sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", files(), ids=str)
def test_imports_go_down(path: Path) -> None:
    assert upward(path, (SOURCE / path).read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "from seefar.training.loop import Step",
        "import seefar.training.loop",
        "def f():\n    from seefar import training",
        "import importlib\nimportlib.import_module('seefar.api')",
        "import seefar",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from seefar.runs.folder import Run",
    ],
)
def test_a_planted_upward_import_is_found(text: str) -> None:
    assert upward(Path("data/cifar.py"), text)


def test_an_import_downwards_is_allowed() -> None:
    assert upward(Path("training/fit.py"), "from seefar.data.images import ImageSet\nimport torch") == []


def test_every_file_stands_on_a_floor() -> None:
    rooms = {path.parts[0].removesuffix(".py") for path in files()}
    assert rooms == set(HEIGHT)


@pytest.mark.parametrize("path", files(), ids=str)
def test_every_file_says_its_subject(path: Path) -> None:
    text = (SOURCE / path).read_text()
    if not text:
        assert path.name == "__init__.py"
        return
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring, f"{path} has no docstring"
    assert docstring.splitlines()[0].strip(), f"the first line of {path} is empty"


@pytest.mark.parametrize("path", [path for path in files() if path.parts[0].removesuffix(".py") in LIGHT], ids=str)
def test_light_files_import_nothing_heavy_at_their_top(path: Path) -> None:
    tree = ast.parse((SOURCE / path).read_text())
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {name.split(".")[0] for node in top for name in imported(node)}
    assert not names & set(HEAVY) or path == Path("cli/output.py")  # output.py is itself only imported inside the verbs


def test_no_junk_drawers() -> None:
    assert not [path for path in files() if path.stem in ("utils", "util", "helpers", "common", "manager", "misc")]
