"""Networks as users write them, for tests: a file of them, and a recipe that takes one."""

from pathlib import Path

from seefar.recipe_fields import change, find
from seefar.recipes import Recipe

TEXT = '''"""Networks of the usual kinds."""

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.one, self.norm = nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after)
        self.two, self.way, self.relu = nn.Conv2d(after, after, 3, padding=1), nn.Conv2d(before, after, 1, stride=2), nn.ReLU()

    def forward(self, x):
        return self.relu(self.two(self.relu(self.norm(self.one(x)))) + self.way(x))


def residual(classes, size, dropout=0.1):
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(12, classes)]
    return nn.Sequential(Block(3, 8), Block(8, 12), *head)


class Functional(nn.Module):
    """As in the tutorials of torch: functions between the layers, and a view."""

    def __init__(self, classes, size):
        super().__init__()
        self.conv1, self.conv2, self.fc = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 8, 5), nn.Linear(8 * ((size - 4) // 2 - 4) ** 2 // 4, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.view(x.size(0), -1))


def flat(classes, size, widths, dense=16):
    return nn.Sequential(
        nn.Conv2d(3, widths[0][0], 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(widths[0][0], 8, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(8 * (size // 4) ** 2, classes),
    )


def hidden(classes, size):
    maps = [nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1), nn.SiLU()]
    return nn.Sequential(*maps, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 12), nn.Hardswish(), nn.Linear(12, classes))


def largest(classes):
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(8, classes))


class AllConvolutions(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.one, self.two, self.last = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, classes, 1)
        self.act = nn.GELU()

    def forward(self, x):
        return self.last(self.act(self.two(self.act(self.one(x))))).mean((2, 3))


class Tied(nn.Module):
    """Two layers with the same weights, parameters that are never used, some that do not learn, a constant drawn by chance."""

    def __init__(self, classes):
        super().__init__()
        self.first, self.a, self.b = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.b.weight = self.a.weight
        self.idle, self.fixed = nn.Linear(3, 3), nn.Parameter(torch.ones(1), requires_grad=False)
        self.fc, self.constant = nn.Linear(6, classes), torch.rand(6)

    def forward(self, x):
        x = F.relu(self.b(F.relu(self.a(F.relu(self.first(x))))))
        return self.fc(x.mean((2, 3)) * self.constant * self.fixed)
'''
KINDS = ("residual", "Functional", "flat", "hidden", "largest", "AllConvolutions", "Tied")


def write(folder: Path) -> Path:
    """The file in a folder."""
    path = folder / "my_net.py"
    path.write_text(TEXT)
    return path


def recipe(name: str, **changes: object) -> Recipe:
    """Recipe `tiny` with one of the networks; the file lies in the current folder."""
    return change(find("tiny"), {"model": f"my_net.py:{name}", "precision": "fp32", "batch_size": 16, **changes})
