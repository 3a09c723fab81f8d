"""A trained network as a torch program (`.pt2`): torch alone loads and runs it, without seefar and without our classes.

The program takes pixels as they are, uint8 `(n, size, size, 3)`, any n, and gives a dict of float32 tensors: calibrated
`probabilities` `(n, classes)`, `logits` `(n, classes)`, `features` `(n, d)` and `maps` `(n, classes, h, w)`. Scaling and temperature
are inside. Beside it in the file lies `seefar.json`: what the model is, its certificate, and its self-test.
"""

import copy
import io
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seefar.errors import ModelFileError
from seefar.exporting import without_seefar
from seefar.exporting.notes import NAME, notes
from seefar.model import self_test
from seefar.model.answers import Answers
from seefar.model.model import Model
from seefar.networks.class_maps import WithMaps
from seefar.networks.layers import Network


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
    network = copy.deepcopy(model.network).cpu().eval()
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload] # torch does not declare it
    network.lie_plainly()
    example = torch.zeros(2, model.size, model.size, 3, dtype=torch.uint8)  # two: from one image, n would be fixed at 1
    with torch.no_grad():
        program = torch.export.export(
            Program(network, model.temperature or 1.0), (example,), dynamic_shapes=({0: torch.export.Dim("n")},)
        )
    program.example_inputs = None  # the only part of a file that would be pickled
    return program


class TorchDraft:
    """A `.pt2` file that is made and not yet written, and opened again without seefar. See `drafts.Draft`.

    Args:
        model: from a run, in float32.

    Raises:
        UsageError: the network's head has no maps.
    """

    libraries: tuple[str, ...] = ("torch",)

    def __init__(self, model: Model) -> None:
        self._program = torch_program(model)
        self._content = program_file(self._program)
        self.size = len(self._content)
        self.engine = f"torch.export {torch.__version__.partition('+')[0]} on cpu"
        self._opened = torch.export.load(io.BytesIO(self._content)).module()

    def answers(self, pixels: np.ndarray, batch: int, maps: bool = False) -> Answers:
        """The answers for uint8 `(n, size, size, 3)`, in batches of so many images.

        Without maps they come from a process of its own, which cannot import seefar; with maps, which are large, from the file opened
        here.
        """
        if not maps:
            return answers_without_seefar(self._content, pixels, batch)
        with torch.inference_mode():
            parts = [self._opened(block) for block in torch.tensor(pixels).split(batch)]
        return Answers(
            **{name: torch.cat([part[name] for part in parts]).numpy() for name in (*without_seefar.OUTPUTS, "maps")}
        )

    def timed(self, threads: int) -> Callable[[np.ndarray], object] | None:
        """What answers images in so many threads, to be timed: the caller sets torch's."""
        return lambda pixels: self.answers(pixels, without_seefar.BATCH, maps=True)

    def finished(self, facts: Mapping[str, Any], examples: list[self_test.Example]) -> bytes:
        """The content of the file, with what it says of itself and its self-test in `seefar.json`."""
        return program_file(self._program, notes(facts, examples))


def program_file(program: torch.export.ExportedProgram, said: str = "{}") -> bytes:
    """The content of a `.pt2` file with `seefar.json` in it. `torch.export.load` reads it; nothing in it is pickled."""
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={NAME: said})
    return file.getvalue()


def answers_without_seefar(content: bytes, pixels: np.ndarray, batch: int) -> Answers:
    """What a `.pt2` file says in a process of its own that cannot import seefar, without maps.

    Args:
        content: of the file.
        pixels: uint8 `(n, size, size, 3)`.
        batch: images at a time.

    Raises:
        ModelFileError: it does not load there.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "program.pt2").write_bytes(content)
        np.save(folder / "pixels.npy", pixels, allow_pickle=False)
        command = [sys.executable, "-I", without_seefar.__file__, str(folder), str(batch), str(torch.get_num_threads())]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 # our own file
        if done.returncode:
            raise ModelFileError(
                f"the torch program does not run in a process without seefar (exit code {done.returncode}); export to onnx, and "
                "report this",
                done.stderr.strip().splitlines()[-3:],
            )
        with np.load(folder / "answers.npz", allow_pickle=False) as found:
            return Answers(**{name: found[name] for name in without_seefar.OUTPUTS})
