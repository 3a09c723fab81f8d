"""The floors of the house: a file imports from lower floors or from its own folder only. See docs/architecture.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "seefar"

FLOORS = [  # from the ground up
    {"children", "cores", "errors", "version", "display", "seeds", "progress", "upstairs", "waiting"},
    {"cluster", "files", "torchrun", "recipes"},
    {"data", "networks", "metrics", "runs"},
    {"model", "training"},
    {"evaluation", "explaining", "estimator", "answering"},
    {"studies", "reporting", "exporting", "serving", "playing"},
    {"__init__", "home"},
    {"cli"},
]
ROOM_OF = {  # files that share a room with another
    "recipe_fields": "recipes",
    "network_source": "recipes",
    "network_given": "recipes",
    "__main__": "cli",
}
HEIGHT = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
LIGHT = (
    "errors",
    "version",
    "display",
    "files",
    "seeds",
    "recipes",
    "recipe_fields",
    "network_source",
    "network_given",
    "torchrun",
    "progress",
    "upstairs",
    "waiting",
    "__init__",
    "cli",
)
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
    room = room_of(path)
    found = []
    for name in imported(ast.parse(text)):
        package, _, rest = name.partition(".")
        if package == "seefar":
            first = ROOM_OF.get(rest.split(".")[0], rest.split(".")[0])
            other = first if first in HEIGHT else "__init__"
            if other != room and HEIGHT[other] >= HEIGHT[room]:
                found.append(f"{path} imports {name}")
    return found


def room_of(path: Path) -> str:
    name = path.parts[0].removesuffix(".py")
    return ROOM_OF.get(name, name)


def circles(texts: dict[str, str]) -> list[list[str]]:
    """The circles of files (by module name) that import each other, directly or by way of others, wherever the import stands."""
    graph = import_graph(texts)
    found, done = [], set[str]()

    def visit(module: str, way: list[str]) -> None:
        if module in way:
            found.append([*way[way.index(module) :], module])
        elif module not in done:
            for other in graph[module]:
                visit(other, [*way, module])
            done.add(module)

    for module in graph:
        visit(module, [])
    return found


def import_graph(texts: dict[str, str]) -> dict[str, list[str]]:
    """Which files each file imports; `from seefar.data import load` is the file data/load.py, not the package."""
    graph = {}
    for module, text in texts.items():
        names = [name for name in imported(ast.parse(text)) if name.startswith("seefar")]
        files = {next((n for n in (name, name.rpartition(".")[0]) if n in texts), "") for name in names}
        graph[module] = sorted(files - {"", module})
    return graph


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
    assert {room_of(path) for path in files()} == set(HEIGHT)


def test_the_house_has_eight_floors_at_most() -> None:
    assert len(FLOORS) <= 8


def module_of(path: Path) -> str:
    return ".".join(["seefar", *path.with_suffix("").parts]).removesuffix(".__init__")


def test_no_files_import_each_other() -> None:
    assert circles({module_of(path): (SOURCE / path).read_text() for path in files()}) == []


def test_a_planted_circle_is_found() -> None:
    texts = {
        "seefar.a": "from seefar.b import f",
        "seefar.b": "def g():\n    from seefar import c",
        "seefar.c": "import seefar.a",
        "seefar.d": "from seefar.a import h",
    }
    assert circles(texts) == [["seefar.a", "seefar.b", "seefar.c", "seefar.a"]]


@pytest.mark.parametrize("path", files(), ids=str)
def test_no_file_is_long(path: Path) -> None:
    assert len((SOURCE / path).read_text().splitlines()) <= 400


OTHERS = ("found", "row", "judged")  # values whose `test` is a description, a figure, or what networks said


def reads_of_test(text: str) -> list[int]:
    """Lines that read the test images of a data set, `data.test`; their number and digest say nothing of them."""
    nodes = list(ast.walk(ast.parse(text)))
    inside = [node.value for node in nodes if isinstance(node, ast.Attribute) and node.attr == "digest"]
    inside += [node.args[0] for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "len"]
    found = [node for node in nodes if isinstance(node, ast.Attribute) and node.attr == "test" and node not in inside]
    return [node.lineno for node in found if getattr(node.value, "id", "") not in OTHERS]


UNLOCKED = {  # files that may read test images, and why that is no look
    "data": "no network is there",
    "model/run_images.py": "it counts every look",
    "reporting/notebook.py": "it counts the images of a class",
}


@pytest.mark.parametrize("path", files(), ids=str)
def test_only_the_lock_gives_out_test_images(path: Path) -> None:
    if str(path) in UNLOCKED or path.parts[0] in UNLOCKED:
        return
    assert reads_of_test((SOURCE / path).read_text()) == []


def test_a_planted_read_of_test_images_is_found() -> None:
    assert reads_of_test("logits = model.logits(data.test.pixels)") == [1]
    assert reads_of_test("print(len(data.test), data.test.digest)") == []


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
