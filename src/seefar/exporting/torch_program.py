"""A trained network as a torch program (`.pt2`): torch alone loads and runs it, without seefar and without our classes.

The program takes pixels as they are, uint8 `(n, size, size, 3)`, any n, and gives a dict of float32 tensors: calibrated
`probabilities` `(n, classes)`, `logits` `(n, classes)`, `features` `(n, d)` and `maps` `(n, classes, h, w)`. Scaling and temperature
are inside. Beside it in the file lies `seefar.json`: what the model is, and its certificate.
"""

import copy
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seefar.errors import ModelFileError
from seefar.exporting import without_seefar
from seefar.model.answers import Answers
from seefar.model.model import Model
from seefar.networks.class_maps import WithMaps
from seefar.networks.layers import Network

NOTES = "seefar.json"


class Program(nn.Module):
    """From pixels to everything that a model answers, as the top of this file says.

    Args:
        network: in evaluation mode.
        temperature: logits are divided by it.
    """

    def __init__(self, network: Network, temperature: float) -> None:
        super().__init__()
        self.whole = WithMaps(network)
        self.temperature = temperature

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        """uint8 `(n, size, size, 3)` to the four outputs."""
        logits, features, maps = self.whole(pixels.permute(0, 3, 1, 2))
        return {
            "probabilities": torch.softmax(logits / self.temperature, 1),
            "logits": logits,
            "features": features,
            "maps": maps,
        }


def torch_program(model: Model) -> torch.export.ExportedProgram:
    """A trained network as a program for any number of images. Raises UsageError where its head has no maps."""
    # Weights that lie in channels_last order are stored wrongly by some releases, which warn that no tensor is complete
    network = copy.deepcopy(model.network).cpu().eval().to(memory_format=torch.contiguous_format)
    example = torch.zeros(2, model.size, model.size, 3, dtype=torch.uint8)  # two: from one image, n would be fixed at 1
    with torch.no_grad():
        program = torch.export.export(
            Program(network, model.temperature or 1.0), (example,), dynamic_shapes=({0: torch.export.Dim("n")},)
        )
    program.example_inputs = None  # the only part of a file that would be pickled
    return program


def program_file(program: torch.export.ExportedProgram, notes: Mapping[str, Any]) -> bytes:
    """The content of a `.pt2` file with `notes` in it. `torch.export.load` reads it; nothing in it is pickled."""
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={NOTES: json.dumps(notes, ensure_ascii=False, allow_nan=False)})
    return file.getvalue()


def program_answers(
    content: bytes, pixels: np.ndarray, batch: int = without_seefar.BATCH, threads: int = 0, maps: bool = False
) -> Answers:
    """What the file says in a process of its own that cannot import seefar.

    Args:
        content: of a `.pt2` file that `program_file` made.
        pixels: uint8 `(n, size, size, 3)`.
        batch: images at a time.
        threads: of that process; 0: as torch has them.
        maps: whether to keep the maps, too.

    Raises:
        ModelFileError: it does not load there.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "program.pt2").write_bytes(content)
        np.save(folder / "pixels.npy", pixels, allow_pickle=False)
        outputs = ["logits", "features", "probabilities", *(["maps"] if maps else [])]
        command = [sys.executable, "-I", without_seefar.__file__, str(folder), str(batch), str(threads), *outputs]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 # our own file
        if done.returncode:
            raise ModelFileError(
                f"the torch program does not run in a process without seefar (exit code {done.returncode}); export to onnx, and "
                "report this",
                done.stderr.strip().splitlines()[-3:],
            )
        with np.load(folder / "answers.npz", allow_pickle=False) as found:
            return Answers(**{name: found[name] for name in outputs})
