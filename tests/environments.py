"""Environments of their own for packages that need others than ours: made when they are first needed, and kept."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest


def environment(folder: Path, packages: Sequence[str]) -> Path:
    """The interpreter of the environment in `folder`. The test is skipped if the packages cannot be installed."""
    python, ready = folder / "bin" / "python", folder / "ready"
    wanted = "\n".join(packages)
    if not ready.exists() or ready.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        words = [str(python), "-m", "pip", "install", "--quiet", *packages]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{', '.join(packages)} cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
        ready.write_text(wanted)
    return python
