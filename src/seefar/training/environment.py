"""What a run was made with: versions, machine, command. Nothing that names a person, a host or a folder."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from seefar.recipes import RECIPES, Recipe
from seefar.version import __version__

LIBRARIES = ("torch", "numpy", "pillow", "safetensors")


def environment(
    recipe: Recipe, seed: int, origin: dict[str, Any], device: torch.device, precision: torch.dtype
) -> dict[str, Any]:
    """The content of environment.json. Two runs of one command on one machine get the same, byte for byte."""
    return {
        "command": command(recipe, seed, origin),
        "seefar": __version__,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": torch.cpu.get_capabilities().get("cpu_name") or platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "precision": str(precision).removeprefix("torch."),
    }


def command(recipe: Recipe, seed: int, origin: dict[str, Any]) -> str:
    """The command that makes such a run again; files are named without their folders."""
    base = RECIPES.get(recipe.name.split("+")[0])
    words = ["seefar run"]
    for option, value in {"data": "(images made in memory)", **origin}.items():
        if option in ("data", "archive"):
            words.append(f"--{option} {Path(value).name}")
        elif option in ("unverified", "skip_bad"):
            words += [f"--{option.replace('_', '-')}"] if value else []
        elif value != {"size": 32, "background": "white", "split_seed": 0}[option]:
            words.append(f"--{option.replace('_', '-')} {value}")
    words.append(f"--recipe {base.name if base else recipe.name} --seed {seed}")
    changed = recipe.name.split("+")[1:] if base else []
    return " ".join([*words, *(f"--set {change}" for change in changed)])
