"""A file computes with ONNX Runtime, in batches of few sizes, each on a core of its own. No torch here."""

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np

from seefar.cores import cores
from seefar.errors import ModelFileError, UsageError

PIXELS = (
    32 * 32 * 32
)  # of a batch: as many images as fit, one at least; memory is that of a batch times the cores (chosen by hand)
MOST = 32  # images of a batch: larger ones are no faster
LEAST = 4  # images of a batch that another core is woken for (chosen by hand)


class OnnxEngine:
    """Computes with ONNX Runtime on the CPU.

    A core computes whole images. ONNX Runtime's own way, all cores on each layer of a batch, waits for the slowest core after every
    layer: 3,100 images a second instead of 3,700 for recipe `fast` on two cores, and far fewer when the cores have other work.

    Batches have a power of two of images, the last one filled up with black ones: ONNX Runtime keeps memory for every new shape that
    it meets (its issues 11118 and 11627). The answers for the images do not depend on what else is in their batch, but for the last
    digits. One engine may be asked by several threads at once.

    Args:
        content: of the file, checked by `check_graph`.
        size: height and width of the images in pixels.
        maps: whether the file has maps.
        threads: how many batches are computed at the same time for one call; None: as many as there are cores.

    Raises:
        UsageError: ONNX Runtime is not installed.
        ModelFileError: it refuses the file.
    """

    def __init__(self, content: bytes, size: int, maps: bool, threads: int | None = None) -> None:
        runtime = onnx_runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # whatever ONNX Runtime raises, it has no common base
            raise ModelFileError(f"ONNX Runtime refuses it: {' '.join(str(error).split())[:200]}") from error
        # Without it the maps are computed even where nobody asks for them
        self._options = runtime.RunOptions()
        self._options.only_execute_path_to_fetches = True
        self._has_maps = maps
        self._threads = threads or cores()
        self.batch = max(1, min(MOST, 1 << (PIXELS // (size * size)).bit_length() - 1)) if size * size <= PIXELS else 1
        self.name = f"ONNX Runtime {runtime.__version__} on cpu"

    def logits(self, pixels: np.ndarray, tta: str) -> np.ndarray:
        """See `Engine`. Raises UsageError for test-time augmentation."""
        if tta != "none":
            raise UsageError("test-time augmentation needs the run that this file was exported from")
        return self.compute(pixels)[0]

    def compute(
        self, pixels: np.ndarray, maps: bool = False
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
        """See `Engine`. Raises UsageError for maps that the file has not."""
        if maps and not self._has_maps:
            raise UsageError("this file has no class-activation maps; seefar export writes them")
        size = self._share(len(pixels))
        blocks = [pixels[start : start + size] for start in range(0, max(len(pixels), 1), size)]
        work = self._pool.map if self._threads > 1 and len(blocks) > 1 else map
        parts = list(work(lambda block: self.run(_filled_up(block), maps), blocks))
        found = {
            name: np.concatenate([part[name][: len(block)] for part, block in zip(parts, blocks, strict=True)])
            for name in parts[0]
        }
        return found["logits"], found["features"], found.get("maps"), found["probabilities"]

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads, "onnx")

    def _share(self, images: int) -> int:
        """How many of so many images are computed as a batch, so that all cores have some."""
        each = max(images // self._threads, 1)
        return min(self.batch, max(LEAST, 1 << each.bit_length() - 1))

    def run(self, pixels: np.ndarray, maps: bool = False) -> dict[str, np.ndarray]:
        """The outputs of the file by name, for images uint8 `(n, size, size, 3)` as one batch of exactly so many."""
        names = ["logits", "features", "probabilities", *(["maps"] if maps else [])]
        return dict(zip(names, self._session.run(names, {"pixels": np.ascontiguousarray(pixels)}, self._options), strict=True))


def onnx_runtime() -> Any:
    """The package. Raises UsageError if it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        raise UsageError("ONNX files need ONNX Runtime; pip install 'seefar[export]'") from None
    return onnxruntime


def _filled_up(pixels: np.ndarray) -> np.ndarray:
    """A power of two of images, black ones behind those that are there."""
    wanted = 1 << max(len(pixels) - 1, 0).bit_length()
    missing = wanted - len(pixels)
    black = np.zeros((missing, *pixels.shape[1:]), np.uint8)
    return np.concatenate([pixels, black]) if missing else pixels
