"""A network from outside: where the callable that builds it is found, by which file it is known, and how it is imported.

    my_net.py:Net              a file, by its path from the current folder
    package.module:function    a module, as Python finds it
    given:Net@1a2b3c4d         a callable that was handed over in this process (`network=`), and the beginning of its digest
    timm:resnet18              a classifier of the package timm; no code of the user's

Code is executed only from the user's own file or module, and only if its SHA-256 is the one that the recipe names; the text that a run
folder keeps is there to be read.
"""

import contextlib
import functools
import hashlib
import importlib
import importlib.machinery
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from seefar.errors import ModelFileError, SeefarError, UsageError
from seefar.network_given import name_of, plain, text_of

GIVEN, TIMM = "given", "timm"
FORMS = "a file and what it defines (my_net.py:Net), a module (package.module:function), or timm:NAME"
STORED = "network-source.txt"  # in the run folder; not called .py, so that nothing takes it for a module

_modules: dict[tuple[str, str], ModuleType] = {}  # files that were imported, by path and digest
_first: dict[
    str, tuple[Any, str]
] = {}  # of modules that were imported here first: how (reloading changes that), and the digest


@dataclass(frozen=True)
class Found:
    """Where a callable stands.

    Attributes:
        model: how the recipe names it.
        sha256: of the text that defines it, in hexadecimal; empty where there is none.
        text: that text; empty likewise.
    """

    model: str
    sha256: str = ""
    text: str = ""


class ChangedError(ModelFileError):
    """The file of a module is not what this process computes with."""


_given: dict[str, tuple[Found, Callable[..., Any]]] = {}  # what was handed over in this process, by its name in recipes


def is_outside(model: str) -> bool:
    """Whether the value of `model` names a network that is not one of ours."""
    return ":" in model


def find(model: str) -> Found:
    """The file behind a name, read but not executed.

    Raises:
        UsageError: the name has no such form, or there is no such file or module.
    """
    place, name = _split(model)
    if "+" in model or "," in model:  # they separate changes in names of recipes, and values in studies
        raise UsageError(f"model is {model!r}; the path of a network's file cannot hold a plus sign or a comma: rename it")
    if place == TIMM:
        return Found(model)
    if place == GIVEN:
        if model not in _given:
            raise UsageError(
                f"the network {name} was not given in this process; hand the callable itself over: network={name.split('@')[0]}"
            )
        return _given[model][0]
    if not place or not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"model is {model!r}; a network from outside is {FORMS}")
    content = _file(model).read_bytes()
    return Found(model, hashlib.sha256(content).hexdigest(), content.decode("utf-8", "replace"))


def load(model: str, sha256: str) -> Callable[..., Any]:
    """The callable itself: its file is executed if it has that SHA-256.

    Raises:
        ModelFileError: the file is missing or another one, or the callable was not given in this process.
        ChangedError: this process imported the module before it was changed.
        UsageError: importing it failed, or it does not define the name.
    """
    place, name = _split(model)
    if place == GIVEN:
        if model not in _given or _given[model][0].sha256 != sha256:
            raise ModelFileError(
                f"the network was handed over as the callable {name}, which this process does not know; call load_model(RUN, "
                f"network={name.split('@')[0].rpartition('.')[2]}) once with the same one, and every verb of this process finds it"
            )
        return _given[model][1]
    try:
        found = _file(model)
        content = found.read_bytes()
    except (UsageError, OSError) as error:
        raise ModelFileError(
            f"the network of this recipe is {model}, and {error}; call this from the folder where it lies ({STORED} in the run folder "
            "is its text, to be read)"
        ) from None
    if (digest := hashlib.sha256(content).hexdigest()) != sha256:
        raise ModelFileError(
            f"{found} is not the file that this network was built from: its SHA-256 is {digest[:12]}..., expected {sha256[:12]}...; "
            f"bring the old text back ({STORED} in the run folder), or train again"
        )
    is_file = place.endswith(".py")
    folder = found.resolve().parent if is_file else Path.cwd()
    with users_code(model, "cannot be imported"), _importable(folder):
        module = _from_file(found, content, digest) if is_file else _imported(place, content, digest)
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            known = (
                ", ".join(word for word, made in vars(module).items() if callable(made) and not word.startswith("_"))
                or "nothing"
            )
            raise UsageError(f"{place} does not define {name}; what can be called there is {known}")
        value = getattr(value, part)
    if not callable(value):
        raise UsageError(
            f"{model} is no callable but {type(value).__name__}; name a class or a function that returns a torch.nn.Module"
        )
    return _in_folder(value, folder) if is_file else value


def give(network: Callable[..., Any]) -> str:
    """Remember a callable for this process, and return how a recipe names it: by its module where that has a file, else as given."""
    name, inner = name_of(network), plain(network)
    module = getattr(inner, "__module__", "") or ""
    if network is inner and module not in ("", "__main__") and all(part.isidentifier() for part in name.split(".")):
        try:
            found = find(model := f"{module}:{name}")
            if (
                (inspect.isfunction(inner) or inspect.isclass(inner))
                and Path(inspect.getsourcefile(inner) or "").resolve() == _file(model).resolve()
                and load(model, found.sha256) is network
            ):
                return model
        except ChangedError:
            raise
        except SeefarError:
            pass  # no module that could be found again
    text = text_of(network)
    digest = hashlib.sha256(text.encode()).hexdigest()
    model = f"{GIVEN}:{name.replace('+', '_').replace(',', '_')}@{digest[:8]}"
    _given[model] = (Found(model, digest, text), network)
    return model


def parameters(network: Callable[..., Any], model: str) -> dict[str, Any]:
    """The parameters of a callable with their defaults (`inspect.Parameter.empty` where there is none).

    Raises:
        UsageError: it cannot be called with `classes`.
    """
    try:
        found = inspect.signature(network).parameters
    except (TypeError, ValueError) as error:
        raise UsageError(f"{model} does not tell its parameters ({error}); wrap it in a function of classes and size") from None
    named = {name: one.default for name, one in found.items() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
    if "classes" not in named:
        raise UsageError(
            f"{model} takes ({', '.join(found)}), and has to take classes, the number of outputs, and may take size, the side of the "
            "images in pixels, and fields of the recipe"
        )
    return named


@contextlib.contextmanager
def users_code(model: str, failed: str) -> Iterator[None]:
    """Within the block code of the user's runs: whatever it raises, leaving included, becomes one sentence that says where.

    Args:
        model: how the recipe names it.
        failed: what did not work: "cannot be imported".

    Raises:
        UsageError: in place of the user's error.
    """
    try:
        yield
    except (SeefarError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        said = " ".join(str(error).split())
        what = f"it calls sys.exit({said})" if isinstance(error, SystemExit) else f"{type(error).__name__}: {said}"
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(__file__).parent not in Path(frame.filename).parents
        ]
        own = [frame for frame in frames if "site-packages" not in frame.filename and "lib/python" not in frame.filename]
        lines = [f"{Path(frame.filename).name}, line {frame.lineno}: {frame.line}" for frame in own[-2:]]
        raise UsageError(f"{model} {failed}: {what}", lines) from error


def _split(model: str) -> tuple[str, str]:
    """Place and name."""
    place, _, name = model.partition(":") if model.startswith((f"{GIVEN}:", f"{TIMM}:")) else model.rpartition(":")
    return place, name


def _file(model: str) -> Path:
    """The file of a network, found without executing anything. Raises UsageError if there is none, or it lies in a run folder."""
    place, _ = _split(model)
    path = Path(place)
    if not place.endswith(".py"):
        path = _file_of_module(place)
    if not path.is_file():
        raise UsageError(f"there is no file {place} in {'its folder' if path.is_absolute() else 'the current folder'}")
    if any((folder / "recipe.json").exists() for folder in path.resolve().parents):
        raise UsageError(f"{place} lies in the folder of a run, from which no code is taken; copy it to a folder of your own")
    return path


def _file_of_module(name: str) -> Path:
    """The file of a module by its dotted name; no package on the way to it is imported."""
    where: Any = None
    found = None
    for part in range(1, name.count(".") + 2):
        if sys.path[:1] != [""] and where is None:
            where = ["", *sys.path]
        found = importlib.machinery.PathFinder.find_spec(".".join(name.split(".")[:part]), where)
        where = found.submodule_search_locations if found else None
        if found is None or (where is None and part <= name.count(".")):
            raise UsageError(f"there is no module {name} here; a network from outside is {FORMS}")
    origin = found.origin if found else None
    if not origin or not origin.endswith(".py"):
        raise UsageError(f"the module {name} has no file of its own, whose digest could be kept; name one that is a .py file")
    return Path(origin)


def _from_file(path: Path, content: bytes, digest: str) -> ModuleType:
    """The file as a module. It is executed from the bytes whose digest was looked at, once in this process."""
    key = (str(path.resolve()), digest)
    if key not in _modules:
        name = f"seefar_network_{digest[:16]}_{len(_modules)}"
        module = ModuleType(name)
        module.__file__ = str(path.resolve())
        sys.modules[name] = module  # dataclasses and the like look there for the module of a class
        try:
            exec(compile(content, str(path), "exec"), vars(module))  # noqa: S102 # the user's own file, named by the user
        except BaseException:
            del sys.modules[name]
            raise
        _modules[key] = module
    return _modules[key]


def _imported(name: str, content: bytes, digest: str) -> ModuleType:
    """A module of Python's, if it is what its file says. Raises ChangedError if it was imported, here or elsewhere, before a change."""
    is_new = name not in sys.modules
    module = importlib.import_module(name)
    if is_new:
        _first[name] = (module.__spec__, digest)
    how, first = _first.get(name, (None, ""))
    if digest != first if how is module.__spec__ else not _is_made_of(module, content):
        raise ChangedError(f"the file of the module {name} was changed since this process imported it; restart Python")
    return module


def _is_made_of(module: ModuleType, content: bytes) -> bool:
    """Whether the functions of a module, and the methods of its classes, are those that its file defines."""
    if type(getattr(module.__spec__, "loader", None)) is not importlib.machinery.SourceFileLoader:
        return True  # what another loader makes of a text, as pytest's does, is its own business
    try:
        codes = [compile(content, str(module.__file__), "exec", dont_inherit=True)]
    except (SyntaxError, ValueError):
        return False
    for code in codes:  # it grows meanwhile
        codes += [one for one in code.co_consts if isinstance(one, CodeType)]
    known, own = set(codes), [one for one in vars(module).values() if getattr(one, "__module__", "") == module.__name__]
    inside = [getattr(one, "__func__", one) for kind in own if inspect.isclass(kind) for one in vars(kind).values()]
    made = [one.__code__ for one in (*own, *inside) if inspect.isfunction(one)]
    return all(code in known for code in made if code.co_filename == module.__file__)


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Within the block modules in the folder can be imported, as if Python had been started there."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))


def _in_folder(network: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    """The callable from a file; what it imports when it is called is found beside the file, too."""

    @functools.wraps(network)
    def call(*positional: Any, **named: Any) -> Any:
        with _importable(folder):
            return network(*positional, **named)

    return call
