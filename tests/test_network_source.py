"""Where the callable of a network is found, by which file it is known, and that nothing else is ever executed."""

import functools
import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from seefar import network_source
from seefar.errors import ModelFileError, UsageError
from seefar.network_source import find, give, load
from seefar.recipe_fields import as_json, change, flat, from_json
from seefar.recipe_fields import find as find_recipe

CODE = (
    "from torch import nn\n\n\ndef Net(classes, size, dense=16, dropout=0.5, **rest):\n    return nn.Linear(classes, classes)\n"
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(CODE)
    return tmp_path


def test_a_file_is_known_by_its_digest() -> None:
    found = find("net.py:Net")
    assert found.text == CODE
    assert load("net.py:Net", found.sha256).__name__ == "Net"
    Path("net.py").write_text(CODE + "\n")
    with pytest.raises(
        ModelFileError, match=r"net.py is not the file that this network was built from: its SHA-256 is"
    ) as caught:
        load("net.py:Net", found.sha256)
    assert caught.value.exit_code == 4
    Path("net.py").unlink()
    with pytest.raises(
        ModelFileError, match=r"there is no file net.py in the current folder; call this from the folder where it lies"
    ):
        load("net.py:Net", found.sha256)


def test_a_file_with_another_digest_is_not_executed() -> None:
    Path("net.py").write_text("raise SystemExit('executed')")
    with pytest.raises(ModelFileError, match=r"is not the file"):
        load("net.py:Net", "0" * 64)


def test_a_recipe_is_read_without_executing_anything() -> None:
    fields = as_json(change(find_recipe("tiny"), {"model": "net.py:Net"}))
    Path("net.py").write_text("raise SystemExit('executed')")
    read = from_json(json.loads(json.dumps(fields)))
    assert flat(read)["model"] == "net.py:Net"
    assert flat(change(read, {"epochs": 3}))["sha256"] == fields["sha256"]


def test_code_in_a_run_folder_is_never_taken() -> None:
    Path("run").mkdir()
    Path("run/recipe.json").write_text("{}")
    Path("run/net.py").write_text(CODE)
    digest = find("net.py:Net").sha256
    with pytest.raises(UsageError, match=r"run/net.py lies in the folder of a run, from which no code is taken"):
        find("run/net.py:Net")
    with pytest.raises(ModelFileError, match=r"from which no code is taken"):
        load("run/net.py:Net", digest)


def test_a_module_is_found_without_importing_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("nets_of_mine").mkdir()
    Path("nets_of_mine/__init__.py").write_text("raise SystemExit('executed')")
    Path("nets_of_mine/small.py").write_text(CODE)
    found = find("nets_of_mine.small:Net")
    assert found.text == CODE
    with pytest.raises(ModelFileError, match=r"small.py is not the file"):
        load("nets_of_mine.small:Net", "0" * 64)
    Path("nets_of_mine/__init__.py").write_text("")
    assert load("nets_of_mine.small:Net", found.sha256).__name__ == "Net"
    for name in ("nets_of_mine", "nets_of_mine.small"):
        monkeypatch.delitem(sys.modules, name)


def test_what_lies_beside_a_file_can_be_imported_by_it() -> None:
    Path("sub").mkdir()
    Path("sub/layers_of_mine.py").write_text("WIDTH = 3")
    Path("sub/late_ones_of_mine.py").write_text("WIDTH = 4")
    Path("sub/net.py").write_text(
        "import layers_of_mine\n\n\ndef Net(classes):\n    import late_ones_of_mine\n    "
        "return layers_of_mine.WIDTH + late_ones_of_mine.WIDTH"
    )
    before = list(sys.path)
    assert load("sub/net.py:Net", find("sub/net.py:Net").sha256)(classes=2) == 7
    assert sys.path == before


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("absent.py:Net", "there is no file absent.py in the current folder"),
        ("no_such_module_of_mine:Net", "there is no module no_such_module_of_mine here"),
        ("math:sqrt", "the module math has no file of its own"),
        ("net.py:", "a network from outside is a file and what it defines"),
        (":Net", "a network from outside is a file and what it defines"),
        ("net.py:a b", "a network from outside is"),
        ("a+b.py:Net", "cannot hold a plus sign or a comma"),
        ("given:Net", "the network Net was not given in this process; hand the callable itself over"),
    ],
)
def test_other_names_are_refused(model: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        change(find_recipe("tiny"), {"model": model})


def test_what_a_callable_names_is_part_of_the_recipe() -> None:
    """`dense` with its own default; `dropout` has a default that is no value of the field, and is its own business."""
    fields = flat(change(find_recipe("tiny"), {"model": "net.py:Net", "dense": 32}))
    assert fields["dense"] == 32
    assert not {"dropout", "widths", "batch_norm"} & fields.keys()
    assert flat(change(find_recipe("tiny"), {"model": "net.py:Net"}))["dense"] == 16
    with pytest.raises(
        UsageError, match=r"net.py:Net has no field 'dropout'; its own are pixels, .*dense: make dropout a parameter"
    ):
        change(find_recipe("tiny"), {"model": "net.py:Net", "dropout": [0, 0.1]})
    with pytest.raises(UsageError, match=r"the network 'vgg' has no field 'stages', which is for networks from outside"):
        change(find_recipe("tiny"), {"stages": "a,b"})


def test_a_parameter_without_a_default_gets_what_the_recipe_says() -> None:
    Path("net.py").write_text("def Net(classes, widths, dropout): ...")
    fields = flat(change(find_recipe("tiny"), {"model": "net.py:Net"}))
    assert (fields["widths"], fields["dropout"]) == (((16,), (32,), (64,)), (0.0, 0.3))
    with pytest.raises(UsageError, match=r"net.py:Net needs dropout, which recipe fields do not give it"):
        change(find_recipe("fast"), {"model": "net.py:Net"})


def test_the_way_there_and_back() -> None:
    there = change(find_recipe("tiny"), {"model": "net.py:Net"})
    assert there.name == "tiny+model=net.py:Net"
    back = change(there, {"model": "vgg", "widths": [[8]]})
    assert flat(back)["model"] == "vgg"
    assert "sha256" not in flat(back)


def test_a_digest_that_was_asked_for_is_insisted_on() -> None:
    with pytest.raises(UsageError, match=r"the file of net.py:Net has the SHA-256 .*, and 00 was asked for"):
        change(find_recipe("tiny"), {"model": "net.py:Net", "sha256": "00"})


def test_a_callable_that_was_given_is_known_by_name_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def net(classes: int) -> nn.Module:
        return nn.Linear(classes, classes)

    fields = flat(change(find_recipe("tiny"), {"model": net}))
    assert fields["model"].startswith("given:")
    assert load(fields["model"], fields["sha256"]) is net
    assert "net(classes=3)@" in give(functools.partial(net, classes=3))
    monkeypatch.setattr(network_source, "_given", {})
    with pytest.raises(
        ModelFileError, match=r"which this process does not know; call load_model.RUN, network=net. once with the same one"
    ):
        load(fields["model"], fields["sha256"])


def made_with(activation: Any) -> Callable[..., nn.Module]:
    def net(classes: int) -> nn.Module:
        return nn.Sequential(nn.Linear(classes, classes), activation())

    return net


def class_with(activation: Any) -> type[nn.Module]:
    class Net(nn.Module):
        def __init__(self, classes: int) -> None:
            super().__init__()
            self.activation = activation()

    return Net


class Factory:
    def __init__(self, width: int) -> None:
        self.width = width

    def __call__(self, classes: int, settings: Any = None) -> nn.Module:
        return nn.Linear(self.width, classes)

    def net(self, classes: int) -> nn.Module:
        return self(classes)


class Settings:
    pass


def executed(value: int) -> Any:
    found: dict[str, Any] = {}
    exec(f"def net(classes):\n    return {value}\n", found)
    return found["net"]


PAIRS: dict[str, Callable[[int], Any]] = {
    "closure": lambda place: made_with((nn.ReLU, nn.GELU)[place]),
    "closure over objects": lambda place: made_with(Settings()),
    "closure over a closure": lambda place: made_with(made_with(place)),
    "class in a function": lambda place: class_with((nn.ReLU, nn.GELU)[place]),
    "lambda": lambda place: lambda classes: nn.Linear(classes, place),
    "default": lambda place: lambda classes, place=place: nn.Linear(classes, place),
    "instance": lambda place: Factory(place),
    "method": lambda place: Factory(place).net,
    "partial": lambda place: functools.partial(Factory(2), settings=Settings()),
    "no text": executed,
}


@pytest.mark.parametrize("kind", PAIRS)
def test_callables_of_the_same_text_are_not_taken_for_each_other(kind: str) -> None:
    first, second = (PAIRS[kind](place) for place in (0, 1))
    recipes = [flat(change(find_recipe("tiny"), {"model": give(one)})) for one in (first, second)]
    assert recipes[0]["model"] != recipes[1]["model"]
    assert [load(one["model"], one["sha256"]) for one in recipes] == [first, second]
    assert [find(one["model"]).sha256 for one in recipes] == [one["sha256"] for one in recipes]


@pytest.mark.parametrize("kind", [kind for kind in PAIRS if kind not in ("closure over objects", "method", "partial")])
def test_another_process_knows_a_callable_by_what_it_was_made_with(kind: str) -> None:
    assert give(PAIRS[kind](1)) == give(PAIRS[kind](1))


def test_what_a_callable_was_made_with_stands_in_its_text() -> None:
    assert find(give(made_with(nn.GELU))).text.endswith(
        "# It was made with:\n# activation = torch.nn.modules.activation:GELU\n"
    )


@pytest.mark.parametrize("first", ["by us", "by others"])
def test_a_module_that_was_changed_since_it_was_imported_is_refused(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"module_of_mine_{first[3:]}"
    monkeypatch.syspath_prepend(str(Path.cwd()))
    file = Path(f"{name}.py")
    file.write_text(CODE)
    if first == "by others":
        importlib.import_module(name)
    net = load(f"{name}:Net", find(f"{name}:Net").sha256)
    assert give(net) == f"{name}:Net"
    file.write_text(CODE.replace("classes, classes", "classes, 2 * classes"))
    for refused in (lambda: load(f"{name}:Net", find(f"{name}:Net").sha256), lambda: give(net)):
        with pytest.raises(
            ModelFileError, match=rf"the module {name} was changed since this process imported it; restart Python"
        ):
            refused()
    importlib.invalidate_caches()
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    os.utime(file, (1, 1))  # or Python takes the bytes that it compiled in the same second
    module = importlib.reload(sys.modules[name])
    sys.dont_write_bytecode = before
    assert load(f"{name}:Net", find(f"{name}:Net").sha256) is module.Net
    monkeypatch.delitem(sys.modules, name)


def test_an_error_says_where_in_a_folder_that_is_called_like_us_too() -> None:
    Path("seefar").mkdir()
    Path("seefar/net.py").write_text("import math\n\nmath.no_such_thing\n")
    with pytest.raises(UsageError, match=r"seefar/net.py:Net cannot be imported: AttributeError") as caught:
        load("seefar/net.py:Net", find("seefar/net.py:Net").sha256)
    assert caught.value.details == ("net.py, line 3: math.no_such_thing",)


def test_an_instance_of_a_module_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path.cwd()))
    Path("factories_of_mine.py").write_text("class Net:\n    def __call__(self, classes): ...\n")
    made = importlib.import_module("factories_of_mine").Net()
    assert give(made).startswith("given:Net@")
    monkeypatch.delitem(sys.modules, "factories_of_mine")


def test_a_callable_of_a_module_is_named_by_it() -> None:
    assert give(nn.Linear) == "torch.nn.modules.linear:Linear"
