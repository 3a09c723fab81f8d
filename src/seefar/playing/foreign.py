"""An image unlike those of the training, to see what the network makes of it."""

import numpy as np

from seefar.evaluation.out_of_distribution import noise
from seefar.model.model import Model


def foreign(model: Model) -> np.ndarray:
    """Of some patterns that nobody takes a photograph of, the least familiar one: uint8 `(size, size, 3)`."""
    patterns = _patterns(model.size)
    if model.familiar is None:
        return patterns[0]
    found: np.ndarray = patterns[model.familiar.scores(model.answers(patterns)).argmin()]
    return found


def _patterns(size: int) -> np.ndarray:
    """Rings, stripes, a chessboard, noise."""
    across, down = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    rings = np.sin(14 * np.hypot(across, down))
    stripes = np.sin(10 * (across + down))
    board = np.sign(np.sin(9 * across) * np.sin(9 * down))
    ink, paper = np.array([120, 40, 160.0]), np.array([250, 220, 90.0])
    drawn = [paper + (ink - paper) * (wave[..., None] + 1) / 2 for wave in (rings, stripes, board)]
    made: np.ndarray = np.concatenate([np.stack(drawn).round().astype(np.uint8), noise(1, size)])
    return made
