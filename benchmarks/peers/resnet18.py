"""A peer: ResNet-18 for CIFAR as the usual PyTorch repositories train it, on the CPU.

    .venv/bin/python benchmarks/peers/resnet18.py ARRAYS.npz

Written for this project from what they have in common (https://github.com/kuangliu/pytorch-cifar is the best known): four stages of
two basic blocks, 64 to 512 channels, batches of 128, SGD at 0.1 with momentum 0.9 and weight decay 5e-4, a cosine over 200 epochs,
crops after padding by 4 and mirror images, float32. An epoch takes many minutes here, so it looks at validation every 50 steps.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from peer import Clock, finish, options, splits
from torch import Tensor, nn

MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
EPOCHS, BATCH, LOOK = 200, 128, 50


class Block(nn.Module):
    """Two convolutions, and what came in added to what comes out."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(width), nn.BatchNorm2d(width)])
        same = stride == 1 and before == width
        self.way = (
            nn.Identity() if same else nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        )

    def forward(self, values: Tensor) -> Tensor:
        inside = F.relu(self.norms[0](self.first(values)))
        return F.relu(self.norms[1](self.second(inside)) + self.way(values))


def resnet18() -> nn.Sequential:
    """11.2 million parameters, 0.56 billion multiply-adds an image."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    before = 64
    for width, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(before, width, stride), Block(width, width, 1)]
        before = width
    return nn.Sequential(*layers, nn.AvgPool2d(4), nn.Flatten(), nn.Linear(512, 10))


def main() -> None:
    """Train and print."""
    given = options(__doc__ or "")
    torch.manual_seed(given.seed)
    arrays = splits(given.arrays)

    def normalised(pixels: np.ndarray) -> Tensor:
        values = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        return (values - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)

    def accuracy(split: str, most: int) -> float:
        model.eval()
        with torch.inference_mode():
            blocks = normalised(arrays[split][0][:most]).split(500)
            found = torch.cat([model(block).argmax(1) for block in blocks]).numpy()
        model.train()
        return float((found == arrays[split][1][:most]).mean())

    clock = Clock(given.seconds)
    model = resnet18()
    images, labels = normalised(arrays["train"][0]), torch.from_numpy(arrays["train"][1]).long()
    optimiser = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=5e-4)
    batches, step, over = len(images) // BATCH, 0, False
    while not over and step < EPOCHS * batches:
        order = torch.randperm(len(images))
        rate = 0.1 * (1 + math.cos(math.pi * (step // batches) / EPOCHS)) / 2
        for group in optimiser.param_groups:
            group["lr"] = rate
        for chosen in order.split(BATCH):
            block = F.pad(images[chosen], (4,) * 4)
            moves = torch.randint(0, 9, (len(block), 2)).tolist()
            block = torch.stack([image[:, d : d + 32, r : r + 32] for image, (d, r) in zip(block, moves, strict=True)])
            mirrored = torch.rand(len(block)) < 0.5
            block = torch.where(mirrored.view(-1, 1, 1, 1), block.flip(3), block)
            loss = F.cross_entropy(model(block), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
            if step % LOOK == 0 and clock.look(step / batches, lambda: accuracy("validation", 1000)):
                over = True
                break
    finish(clock, test=accuracy("test", 10**9))


if __name__ == "__main__":
    main()
