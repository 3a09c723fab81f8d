"""An image unlike those of the training, to see what the network makes of it. No torch here."""

import numpy as np

from seefar.model.model import Model
from seefar.seeds import derive


def foreign(model: Model) -> np.ndarray:
    """Of some patterns that nobody takes a photograph of, the least familiar one: uint8 `(size, size, 3)`."""
    patterns = _patterns(model.size)
    least = 0 if model.familiar is None else model.familiar.scores(model.answers(patterns)).argmin()
    found: np.ndarray = patterns[least]
    return found


def _patterns(size: int) -> np.ndarray:
    """Rings, stripes, a chessboard, noise."""
    across, down = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    rings = np.sin(14 * np.hypot(across, down))
    stripes = np.sin(10 * (across + down))
    board = np.sign(np.sin(9 * across) * np.sin(9 * down))
    ink, paper = np.array([120, 40, 160.0]), np.array([250, 220, 90.0])
    noise = np.random.default_rng(derive(0, "noise")).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    drawn = [paper + (ink - paper) * (wave[..., None] + 1) / 2 for wave in (rings, stripes, board)]
    made: np.ndarray = np.concatenate([np.stack(drawn).round().astype(np.uint8), noise])
    return made
