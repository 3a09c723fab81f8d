"""Recipe `fast` in one file: from a zip of CIFAR-10 as JPEG to 86 % of the test images, in about two minutes on two CPU cores.

    python examples/fast_in_one_file.py cifar10-jpeg.zip --out fast.safetensors

The zip holds images of 32x32 pixels in train/<class>/ and test/<class>/. Nothing of seefar is imported, yet the saved weights
are those of `seefar train --recipe fast --device cpu`, byte for byte, for the same seed, epochs, threads and machine. It is
airbench (https://github.com/KellerJordan/cifar10-airbench, https://arxiv.org/abs/2404.00498), made narrow for CPUs.
"""

import argparse
import hashlib
import math
import time
import zipfile

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

EPOCHS, BATCH_SIZE, VALIDATION = 9, 500, 0.1  # the last is the share of each class that is held back
LEARNING_RATE, MOMENTUM = 0.25, 0.6  # the rate of convolutions; it falls in a straight line to nothing
HEAD_RATE, BIAS_RATE = 1.7, 100.0  # multiples of it, for the last layer and for the biases of batch norm
LABEL_SMOOTHING, SHIFT = 0.1, 2  # https://arxiv.org/abs/1512.00567; pixels by which an image is moved at most, each way
RESOLUTION = ((0.0, 0.625), (0.4, 0.8125), (0.7, 1.0))  # from which share of the run on, images have which share of their side
LEAVE_OUT = 0.5  # share of the images that epochs after the first do without: the easiest (https://arxiv.org/abs/1511.06343)
HAS_BF16 = any(map(torch.cpu.get_capabilities().get, ("avx512_bf16", "amx_bf16")))  # whether the processor is fast at bfloat16


def stream(seed: int, purpose: str, *counters: int) -> torch.Generator:
    """Random numbers for one purpose in one epoch or batch: they do not depend on what was drawn for others."""
    digest = hashlib.sha256(":".join(map(str, [seed, purpose, *counters])).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def read_images(path: str, split: str) -> tuple[Tensor, Tensor]:
    """The images in <split>/<class>/, sorted by name, and their labels: the places of the classes in the alphabet."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(n for n in archive.namelist() if n.split("/")[-3:-2] == [split] and "/." not in n and n[-1] != "/")
        pixels = np.stack([np.asarray(Image.open(archive.open(name)).convert("RGB")) for name in names])
    _, labels = np.unique([name.split("/")[-2] for name in names], return_inverse=True)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.from_numpy(labels)  # uint8 (n, 3, h, w), channels last in memory


def augment(pixels: Tensor, chosen: Tensor, mirrored: Tensor, generator: torch.Generator) -> Tensor:
    """The chosen images, mirrored or not, and moved by chance; what comes in from outside is reflected at the edge."""
    end = pixels.shape[2] - 1
    _, seed = torch.randint(2**63 - 1, (2,), generator=generator).tolist()  # the first is for recipes that mirror by chance
    moves = torch.randint(-SHIFT, SHIFT + 1, (2, len(chosen), 1), generator=stream(seed, "shift"))
    rows, columns = end - (end - (torch.arange(end + 1) - moves).abs()).abs()  # where each new pixel comes from
    columns = torch.where(mirrored[:, None], end - columns, columns)
    return pixels[chosen[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


class Network(nn.Module):
    """Images of any size, pixels 0..255, to logits: whitening, three stages, the largest value of each channel, one layer."""

    def __init__(self, pixels: Tensor, classes: int, generator: torch.Generator) -> None:
        super().__init__()
        self.scale, self.stages = nn.Module(), nn.Sequential()
        self.stem = nn.Sequential(nn.Conv2d(3, 24, kernel_size=2, bias=False), nn.ReLU(inplace=True)).requires_grad_(False)
        for a, b, c in ((24, 32, 32), (32, 64, 128), (128, 128, 128)):  # channels
            convs = [nn.Conv2d(*channels, kernel_size=3, padding=1, bias=False) for channels in ((a, b), (b, c))]
            norms = [nn.BatchNorm2d(channels, eps=1e-12, momentum=0.4) for channels in (b, c)]
            self.stages.append(nn.Sequential(convs[0], nn.MaxPool2d(2), norms[0], nn.GELU(), convs[1], norms[1], nn.GELU()))
        self.head = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(128, classes, bias=False))
        self.to(memory_format=torch.channels_last)  # now, as the order in memory is that in which weights are drawn
        for layer in [*self.stages.modules(), *self.head]:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)  # as torch does
            if isinstance(layer, nn.Conv2d):  # its first filters pass on what comes in (https://arxiv.org/abs/1706.00388)
                nn.init.dirac_(layer.weight.data[: layer.in_channels])
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.requires_grad_(False)  # it stays 1; the bias alone is trained

        # Mean and deviation of each channel, from the shares of the levels 0..255
        shares = np.stack([np.bincount(pixels[:, i].flatten(), minlength=256) for i in range(3)]) / pixels[:, 0].numel()
        means = shares @ np.arange(256)
        deviations = np.sqrt((shares * (np.arange(256) - means[:, None]) ** 2).sum(1)).clip(min=1)
        self.scale.mean, self.scale.deviation = (nn.Buffer(torch.from_numpy(x / 255).float()) for x in (means, deviations))

        # Whitening: filters whose outputs are uncorrelated and of size 1, and their negatives, as a ReLU follows (Page 2019,
        # https://github.com/davidcpage/cifar10-fast). 5e-4 keeps directions without signal small.
        patches = (F.unfold(self.scaled(block).double(), kernel_size=2) for block in pixels[:5000].split(50))  # (50, 12, ...)
        moments = sum((p @ p.transpose(1, 2)).sum(0) for p in patches) / (len(pixels[:5000]) * (pixels.shape[2] - 1) ** 2)
        eigenvalues, eigenvectors = torch.linalg.eigh(moments)
        filters = (eigenvectors / (eigenvalues + 5e-4).sqrt()).T.reshape(12, 3, 2, 2)
        self.stem[0].weight.copy_(torch.cat([filters, -filters]))

    def scaled(self, pixels: Tensor) -> Tensor:
        return (pixels.float() / 255 - self.scale.mean.view(3, 1, 1)) / self.scale.deviation.view(3, 1, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        whitened = self.stem(self.scaled(pixels))  # in float32, as some releases of torch get 2x2 wrong in bfloat16
        with torch.autocast("cpu", torch.bfloat16, enabled=HAS_BF16):
            return self.head(self.stages(whitened)).mul(1 / 9).float()  # small, so that the last layer can learn at a high rate


def orthogonal(matrix: Tensor) -> Tensor:
    """Singular values brought near 1 by three Newton-Schulz steps X <- (a + bXX' + c(XX')^2) X; wide X is multiplied last."""
    matrix = matrix / (matrix.norm() + 1e-7)
    square, factors = matrix @ matrix.T, torch.eye(len(matrix))
    for _ in range(3):
        factor = torch.addmm(square, square, square, beta=-4.7750, alpha=2.0315)
        factor.diagonal().add_(3.4445)
        factors, square = factor @ factors, factor @ square @ factor
    return factors @ matrix


@torch.no_grad()
def muon_step(momenta: dict[nn.Parameter, Tensor], rate: float) -> None:
    """Muon (https://kellerjordan.github.io/posts/muon/) for convolutions; SGD with Nesterov momentum for the rest."""
    for weights, momentum in momenta.items():
        change = weights.grad.add(momentum.mul_(MOMENTUM).add_(weights.grad), alpha=MOMENTUM)
        if weights.ndim == 4:  # a convolution: its length is set anew in each step
            weights.mul_(len(weights) ** 0.5 / (weights.norm() + 1e-7))
            change = orthogonal(change.flatten(1)).view_as(weights)
        weights.add_(change, alpha=-rate * {4: 1.0, 2: HEAD_RATE, 1: BIAS_RATE}[weights.ndim])


@torch.inference_mode()
def accuracy(network: Network, pixels: Tensor, labels: Tensor, tta: bool = False) -> float:
    """The share that is right, by the network's answers or, with test-time augmentation, by the mean of those for six views."""
    network.eval()
    padded = F.pad(pixels.float(), (1, 1, 1, 1), "reflect")
    views = [(0.25, pixels), (0.125, padded[:, :, 2:, 2:]), (0.125, padded[:, :, :-2, :-2])]  # moved by a pixel two ways
    views = [(weight, way) for weight, view in views for way in (view, view.flip(3))] if tta else [(1.0, pixels)]
    logits = sum(weight * torch.cat([network(images) for images in view.split(500)]) for weight, view in views)
    return (logits.argmax(1) == labels).double().mean().item()


def train(pixels: Tensor, labels: Tensor, epochs: int = EPOCHS, seed: int = 0, batch_size: int = BATCH_SIZE) -> Network:
    """The network after so many epochs. Part of the images is for validation, the same part whatever the seed."""
    rng, held = np.random.default_rng(stream(0, "validation").initial_seed()), torch.zeros(len(labels), dtype=torch.bool)
    for members in (np.flatnonzero(labels == label) for label in labels.unique()):
        held[rng.permutation(members)[: max(1, round(VALIDATION * len(members)))]] = True
    validation, pixels, labels = (pixels[held], labels[held]), pixels[~held], labels[~held]

    network = Network(pixels, len(labels.unique()), stream(seed, "weights"))
    momenta = {weights: torch.zeros_like(weights) for weights in network.parameters() if weights.requires_grad}
    mirrored = torch.randint(2, labels.shape, generator=stream(seed, "mirrored"), dtype=torch.bool)
    batches = [math.ceil(share * len(labels) / batch_size) for share in [1, *[1 - LEAVE_OUT] * (epochs - 1)]]
    losses, shown = torch.zeros(len(labels)), pixels  # each image's loss when it was last shown; images at the size shown
    for epoch, count in enumerate(batches, start=1):
        began = time.perf_counter()
        hardest = losses.argsort(descending=True, stable=True)[: count * batch_size]
        order = hardest[torch.randperm(len(hardest), generator=stream(seed, "order", epoch))]
        flipped = mirrored ^ (epoch % 2 == 0)  # alternating flip: all images are seen both ways in any two epochs
        network.train()
        for place, chosen in enumerate(order.split(batch_size)):
            progress = (sum(batches[: epoch - 1]) + place) / sum(batches)
            side = round([share for start, share in RESOLUTION if start <= progress][-1] * pixels.shape[2])
            if side != shown.shape[2]:  # progressive resizing (Howard 2018, fast.ai): new pixels are means of old ones
                shown = torch.cat([F.adaptive_avg_pool2d(block.float(), side).round().byte() for block in pixels.split(250)])
            batch = augment(shown, chosen, flipped[chosen], stream(seed, "augment", epoch, place))
            loss = F.cross_entropy(network(batch), labels[chosen], label_smoothing=LABEL_SMOOTHING, reduction="none")
            losses[chosen] = loss.detach()
            network.zero_grad()
            (loss.sum() / len(chosen)).backward()
            muon_step(momenta, LEARNING_RATE * (1 - progress))
        right, seconds = accuracy(network, *validation), time.perf_counter() - began
        print(f"epoch {epoch}: loss {losses[order].mean():.3f}, validation accuracy {right:.1%}, {seconds:.1f} s")
    print(f"validation accuracy with test-time augmentation: {accuracy(network, *validation, tta=True):.2%}")
    return network


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("zip", help="path of the zip of images")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="fast.safetensors", help="where to save the weights")
    parser.add_argument("--test", action="store_true", help="look at the test images as well")
    asked = parser.parse_args()
    network = train(*read_images(asked.zip, "train"), asked.epochs, asked.seed)
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, asked.out)
    if asked.test:
        print(f"test accuracy with test-time augmentation: {accuracy(network, *read_images(asked.zip, 'test'), tta=True):.2%}")
