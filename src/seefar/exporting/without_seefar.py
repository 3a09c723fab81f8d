"""Run a torch program (`.pt2`) without seefar: this file is started as a script, and imports nothing of ours.

    python without_seefar.py FOLDER BATCH THREADS

FOLDER holds program.pt2 and pixels.npy, uint8 `(n, size, size, 3)`; answers.npz is written beside them, all but the maps.
"""

import sys
from pathlib import Path

BATCH = 32  # images at a time, as networks/class_maps.py has them: the program computes maps whether they are wanted or not
OUTPUTS = ("logits", "features", "probabilities")


def main(folder: Path, batch: int, threads: int) -> None:
    """Answer, with so many threads."""
    import numpy as np
    import torch

    torch.set_num_threads(threads)
    program = torch.export.load(folder / "program.pt2").module()
    pixels = torch.from_numpy(np.load(folder / "pixels.npy", allow_pickle=False))
    with torch.inference_mode():
        parts = [[found[name] for name in OUTPUTS] for found in map(program, pixels.split(batch))]
    logits, features, probabilities = (torch.cat(columns).numpy() for columns in zip(*parts, strict=True))
    np.savez(folder / "answers.npz", logits=logits, features=features, probabilities=probabilities)


if __name__ == "__main__":
    sys.modules["seefar"] = None  # type: ignore[assignment] # importing it is an error from here on
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
