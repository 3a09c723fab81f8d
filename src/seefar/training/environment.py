"""What a run was made with: versions, machine, command. Nothing that names a person, a host or a folder."""

import platform
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from seefar.network_source import TIMM
from seefar.networks.build import is_of_timm
from seefar.networks.device import processor
from seefar.recipes import Recipe
from seefar.training.plan import Plan
from seefar.version import __version__

LOAD_DEFAULTS = {"size": 32, "background": "white", "split_seed": 0, "subset": None, "name": None}  # of seefar.data.load.load
LIBRARIES = ("torch", "numpy", "pillow", "safetensors")


def environment(plan: Plan, origin: dict[str, Any], start: dict[str, str] | None = None) -> dict[str, Any]:
    """The content of environment.json. Two runs of one command on one machine get the same, byte for byte.

    Args:
        plan: the training.
        origin: with which arguments the images were loaded.
        start: the run whose weights it starts from.
    """
    machine, device = plan.machine, plan.machine.device
    return {
        "command": command(plan.recipe, plan.seed, origin) + (f" --from {shlex.quote(start['run'])}" if start else ""),
        "seefar": __version__,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in (*LIBRARIES, *((TIMM,) if is_of_timm(plan.recipe.network) else ()))},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor().get("cpu_name") or platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "precision": str(machine.precision).removeprefix("torch."),
        "deterministic": machine.deterministic,
        "compiled": machine.compiled,
        "processes": machine.processes.count,
    }


def command(recipe: Recipe, seed: int, origin: dict[str, Any]) -> str:
    """The command that makes such a run again; files are named without their folders."""
    words = ["seefar", "run"]
    for option, value in {"data": "(images made in memory)", **origin}.items():
        flag = f"--{option.replace('_', '-')}"
        if option in ("data", "archive"):
            words += [flag, Path(value).name]
        elif option in ("unverified", "skip_bad"):
            words += [flag] if value else []
        elif value != LOAD_DEFAULTS[option]:
            words += [flag, str(value)]
    base, *changes = recipe.name.split("+")
    words += ["--recipe", base, "--seed", str(seed)]
    for change in changes:
        words += ["--set", change]
    return shlex.join(words)
