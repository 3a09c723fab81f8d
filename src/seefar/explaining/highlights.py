"""Where the network looked on the dozen images that an evaluation keeps: maps for the first screen of a report."""

from collections.abc import Mapping

import numpy as np

from seefar.explaining.attribution import attribute
from seefar.explaining.faithfulness import Faithfulness
from seefar.networks.layers import Network
from seefar.runs.folder import Run

# Methods whose maps are large enough patches to be read at the size of a thumb; the one trusted most is taken
METHODS = ("layer_cam", "grad_cam", "grad_cam_plus_plus")


def explain_highlights(run: Run, network: Network, scores: Mapping[str, Faithfulness]) -> None:
    """Write `highlight-maps-<split>.npz` for every split that was evaluated: the images lie in the run, so this is no look at test.

    It holds `positions` int64 `(k,)` of the images, as `highlights-<split>.npz` has them, `maps` float32 `(k, h, w)` of what speaks for
    the class that the network named, and `method`, the key of the method.

    Args:
        run: with `highlights-<split>.npz` and `predictions-<split>.npz`.
        network: in evaluation mode; it is afterwards as it was.
        scores: how far each method is to be believed; those without a score are not taken.
    """
    method = most_faithful(scores)
    for split in ("validation", "test"):
        if not run.has(f"highlights-{split}.npz"):
            continue
        kept = run.arrays(f"highlights-{split}.npz")
        named = run.arrays(f"predictions-{split}.npz")["logits"][kept["positions"]].argmax(1)
        maps = attribute(network, kept["pixels"], named, method)
        run.write_arrays(f"highlight-maps-{split}.npz", positions=kept["positions"], maps=maps, method=np.array(method))


def most_faithful(scores: Mapping[str, Faithfulness]) -> str:
    """The method of METHODS by whose maps the probability rises and falls most."""
    return max(
        (name for name in METHODS if name in scores),
        key=lambda name: scores[name].insertion - scores[name].deletion,
        default=METHODS[0],
    )
