"""Does batch norm help a small network of one's own? Two files, three seeds each, on real images: a study of networks from outside.

python benchmarks/own_networks.py [IMAGES] [SUBSET] [EPOCHS]: a zip of images, by default CIFAR-10 as JPEG beside the checkout; 5000; 10.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

IMAGES = Path(__file__).parents[2] / "shared" / "data" / "cifar10-jpeg.zip"
NETWORK = '''"""Three blocks of convolutions with a way around them."""

from torch import nn


class Block(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.change = nn.Sequential(nn.Conv2d(before, after, 3, 2, 1), NORM(after), nn.ReLU(), nn.Conv2d(after, after, 3, 1, 1))
        self.way = nn.Conv2d(before, after, 1, 2)

    def forward(self, values):
        return nn.functional.relu(self.change(values) + self.way(values))


def Net(classes, size):
    blocks = [Block(3, 32), Block(32, 64), Block(64, 128)]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(128, classes))
'''


def main(images: Path, subset: int, epochs: int) -> int:
    """Write both files into a folder, and let the command line do the rest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plain.py").write_text(NETWORK.replace("NORM(after)", "nn.Identity()"))
        (folder / "normed.py").write_text(NETWORK.replace("NORM(after)", "nn.BatchNorm2d(after)"))
        command = [sys.executable, "-m", "seefar", "study", "--base", "tiny", "--vary", "model=plain.py:Net,normed.py:Net"]
        command += ["--set", f"epochs={epochs}", "--data", str(images.resolve()), "--subset", str(subset), "--seeds", "3"]
        return subprocess.run(command, cwd=folder, check=False).returncode


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(
        main(Path(given[0]) if given else IMAGES, int(given[1]) if given[1:] else 5000, int(given[2]) if given[2:] else 10)
    )
