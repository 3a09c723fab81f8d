"""Where the time of a step of `fast` goes: each layer by itself, its arithmetic, and its share of the machine's product rate.

    .venv/bin/python benchmarks/step_profile.py                                          # recipe `fast`, 500 images of 32x32
    .venv/bin/python benchmarks/step_profile.py --set widths=[[32,32],[192,192],[256,256,256]] --images 500

Each layer gets what it gets in a step, and is timed alone: forward, then the gradients of its input and of its weights (medians of nine).
The sum of the parts is set beside a whole step. Markdown goes to stdout. Nothing else should run on the machine.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import torch
from time_to_accuracy import product_rate
from torch import Tensor, nn

from seefar.data.shapes import load_shapes
from seefar.networks.device import keep_freed_memory
from seefar.recipe_fields import change, find
from seefar.training.learner import new_batches, new_learner
from seefar.training.loop import train_epoch
from seefar.training.machine import choose_machine
from seefar.training.new_network import new_network

TIMES = 9


def timed(work: Callable[[], Any]) -> float:
    """Milliseconds: the median of nine, after two that do not count."""
    seconds = []
    for _ in range(TIMES + 2):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return 1000 * median(seconds[2:])


def gradients(layer: nn.Module, given: Tensor, precision: torch.dtype, learns: bool) -> tuple[float, float, float]:
    """Milliseconds of a layer's forward pass, and of the gradients of its input and of its weights; 0 for what it has not.

    `learns`: whether this layer or one before it does; else nothing goes back.
    """

    def forward(values: Tensor) -> Tensor:
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            result: Tensor = layer(values)
            return result

    forwards = timed(lambda: forward(given))
    if not learns:
        return forwards, 0.0, 0.0
    values = given.detach().clone().requires_grad_()
    result = forward(values)
    back = torch.randn_like(result)

    def backward(targets: Sequence[Tensor]) -> float:
        return timed(lambda: torch.autograd.grad(result, targets, back, retain_graph=True)) if targets else 0.0

    weights = [weight for weight in layer.parameters(recurse=False) if weight.requires_grad]
    return forwards, backward([values]), backward(weights) if isinstance(layer, nn.Conv2d | nn.Linear) else 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--set", action="append", default=[], help="field=value")
    given = parser.parse_args()
    keep_freed_memory()
    changes = dict(word.split("=", 1) for word in given.set)
    recipe = change(find("fast"), {**changes, "leave_out": 0.0, "batch_size": given.images})
    train, machine = load_shapes(train=given.images, test=10).train, choose_machine("auto")
    learner = new_learner(recipe, new_network(recipe, 0, train), train, machine)
    batches, epochs = new_batches(recipe, 0, train, machine), iter(range(1, 100))

    def step() -> None:
        for done in train_epoch(learner, batches, next(epochs), lambda _: 0.01):
            done.loss.item()

    rate, whole = product_rate(), timed(step)
    network, inputs = learner.network, dict[str, Tensor]()
    hooks = [
        layer.register_forward_pre_hook(lambda _, values, name=name: inputs.update({name: values[0].detach()}))
        for name, layer in network.named_modules()
        if not list(layer.children())
    ]
    batch = next(iter(batches.epoch(next(epochs))))
    with torch.autocast("cpu", machine.precision, enabled=machine.precision != torch.float32):
        network(batch.pixels)
    for hook in hooks:
        hook.remove()
    print(f"{given.images} images, {machine.precision}, product at {rate} GFLOP/s; a whole step takes {whole:.0f} ms\n")
    print("| layer | gets | forward, ms | gradient of input | of weights | share of the step | GFLOP/s | of the product |")
    print("|---" * 8 + "|")
    total = 0.0
    layers = dict(network.named_modules())
    for name, values in inputs.items():
        layer = layers[name]
        learns = not name.startswith(("scale", "stem"))
        shown = values.float() if values.dtype == torch.uint8 else values
        forward, back, weights = gradients(layer, shown, machine.precision, learns)
        if name == "stages.0.0":
            back = 0.0  # nothing before it learns
        part = forward + back + weights
        total += part
        speed = ""
        if isinstance(layer, nn.Conv2d):
            result = layer(values.float())
            passes = 1 + (back > 0) + (weights > 0)
            flop = 2 * passes * result.numel() * layer.weight[0].numel()
            speed = f"{flop / part / 1e6:.0f} | {flop / part / 1e6 / rate:.0%}"
        shape = "x".join(map(str, values.shape[1:]))
        kind = type(layer).__name__
        row = f"{name} {kind} | {shape} | {forward:.1f} | {back:.1f} | {weights:.1f} | {part / whole:.1%} | {speed or ' | '}"
        print(f"| {row} |", flush=True)
    optimiser = timed(learner.optimiser.step)
    made = timed(lambda: next(iter(batches.epoch(1))))
    print(f"| optimiser | | {optimiser:.1f} | | | {optimiser / whole:.1%} | | |")
    print(f"| making a batch | | {made:.1f} | | | {made / whole:.1%} | | |")
    print(f"\nThe parts together: {(total + optimiser + made) / whole:.0%} of a whole step.")


if __name__ == "__main__":
    main()
