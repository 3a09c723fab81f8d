"""The front door: every decision of a run, written out. Read one block below and you know what a run does.

A recipe has six parts. A technique that a block does not name is off: the neutral value of each field is given once, in its class, and
`seefar recipes NAME` prints them all. No recipe is derived from another. A changed copy gets another name (`baseline+epochs=3`),
so that it cannot pass for the recipe. The seed, and settings of the machine such as device and threads, are given for each run and
recorded with it; they are not part of a recipe.

The comment after each field gives its meaning; the text in `Annotated` is its allowed range.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from seefar.display import Shown

Channels = Annotated[tuple[tuple[int, ...], ...], "1 to 5 stages of 1 to 8 convolutions of 1 to 4096 channels"]
Steps = Annotated[
    tuple[tuple[float, float], ...],
    "pairs of a fraction of the run, from 0 up and below 1, and a fraction of the side, 0.25 to 1, such as [[0, 0.5], [0.6, 1]]",
]
Pair = Annotated[tuple[float, float], "two numbers from 0 to 0.9"]
Probability = Annotated[float, "0 to 0.9"]
Fraction = Annotated[float, "0 to below 1"]
Multiple = Annotated[float, "above 0, at most 10000"]


@dataclass(frozen=True, kw_only=True)
class AnyNetwork:
    """What every network has. Each has a class of its own, below and in the dict NETWORKS, with its own fields."""

    in_browser = False  # whether a page can compute it: playing/layers.py

    widths: Channels  # channels of each 3x3 convolution, stage by stage; every stage halves the image
    pixels: Literal["unit", "standard"] = "unit"  # unit: scaled to [0, 1]; standard: mean 0 and deviation 1 in each channel
    frozen_stages: Annotated[int, "0 to 5"] = 0  # stages, from the first on, that do not learn; for runs started with --from


@dataclass(frozen=True, kw_only=True)
class Vgg(AnyNetwork):
    """The network of every course, from the plain to the deep one: networks/vgg.py."""

    in_browser = True

    batch_norm: bool = False  # batch normalisation after each convolution (Ioffe and Szegedy 2015)
    spatial_dropout: Probability = 0.0  # probability of dropping a channel after the last stage; grows evenly over stages
    dense: Annotated[int, "0 to 16384"] = 0  # units of the hidden dense layer; 0: none
    dropout: Pair = (0.0, 0.0)  # dropout before and after the hidden dense layer (Srivastava et al. 2014)


@dataclass(frozen=True, kw_only=True)
class Fast(AnyNetwork):
    """The network of the CIFAR-10 speed runs: whitened, batch norm always on, no dropout, no hidden dense layer: networks/fast.py."""

    in_browser = True

    patterns: Annotated[int, "1 to 12"] = 12  # strongest directions of 2x2 patches that the first layer whitens, 2 filters each
    residual: bool = False  # whether in stages of two equal convolutions the second one adds to the first; of three it does

    def is_residual(self, stage: tuple[int, ...]) -> bool:
        """Whether a stage of so many channels adds what its first convolution gives to what its last one gives."""
        return len(stage) in ((2, 3) if self.residual else (3,)) and len(set(stage)) == 1


@dataclass(frozen=True, kw_only=True)
class Outside(AnyNetwork):
    """A network from outside, a callable of the user's or a classifier of timm: networks/outside.py.

    Its fields are those below, and of the fields above those that the callable names as parameters; the others are None here, and not
    part of the recipe. What it names without a default of its own it gets from the recipe.
    """

    source: str  # what `model` says: my_net.py:Net, package.module:function, timm:resnet18
    sha256: str = ""  # of the file that defines it, which is looked at before the file is used; empty for timm
    stages: tuple[str, ...] = ()  # layers that end a stage, for maps and freezing; none: found by following one image
    widths: Channels = ()
    batch_norm: bool | None = None
    spatial_dropout: Probability | None = None
    dense: Annotated[int, "0 to 16384"] | None = None
    dropout: Pair | None = None


NETWORKS: dict[str, type[AnyNetwork]] = {
    "vgg": Vgg,
    "fast": Fast,
}


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How training images are changed, anew in every epoch: data/augment.py."""

    flip: Literal["none", "random", "alternating"] = "none"  # mirrored left to right: by chance, or every other epoch
    shift: Annotated[int, "0 to 64"] = 0  # pixels by which an image is moved at most, each way; the gap is filled by reflection
    rotate: Annotated[float, "0 to 180"] = 0.0  # degrees by which it is rotated at most, each way
    zoom: Annotated[float, "0 to 0.5"] = 0.0  # fraction by which it grows or shrinks at most: 0.1 is a factor of 0.9 to 1.1
    cutout: Annotated[int, "0 to 512"] = 0  # side in pixels of a square painted in the mean colour (DeVries and Taylor 2017)
    brightness: Annotated[float, "0 to 1"] = 0.0  # fraction of the full range added to all its pixels at most, or subtracted
    contrast: Annotated[float, "0 to 1"] = 0.0  # fraction by which its contrast is raised or lowered at most
    mixup: Annotated[float, "0 to 100"] = 0.0  # alpha of the Beta distribution that blends two images (Zhang et al. 2018)
    cutmix: Annotated[float, "0 to 100"] = 0.0  # alpha of the Beta distribution that pastes parts of images (Yun et al. 2019)


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Which training images a step sees, and at what size."""

    batch_size: Annotated[int, "1 to 65536"]  # images in a step
    resolution: Steps = ((0.0, 1.0),)  # pairs: from this fraction of the run on, images have this fraction of their side
    leave_out: Probability = 0.0  # fraction of the images that later epochs skip: those with the lowest loss when last shown
    balance: Literal["none", "weights", "sampling"] = "none"  # uneven classes: rare ones weigh more, or are shown more often


@dataclass(frozen=True, kw_only=True)
class Optimisation:
    """How the network learns: training/optimisers.py and training/schedules.py."""

    optimiser: str  # a key of optimisers.OPTIMISERS: sgd, adam, adamw or muon
    learning_rate: Annotated[float, "above 0, at most 100"]  # the highest of the run
    momentum: Fraction = 0.0  # of sgd and muon; adam and adamw have constants of their own
    bias_rate: Multiple = 1.0  # learning rate of biases and norms, as a multiple of the others'
    head_rate: Multiple = 1.0  # learning rate of the last layer's weights, likewise
    weight_decay: Annotated[float, "0 to 10"] = 0.0  # not on biases and norms; with muon not on convolutions either
    label_smoothing: Fraction = 0.0  # fraction of the target spread evenly over all classes (Szegedy et al. 2016)
    gradient_clip: Annotated[float, "0 to 1000000"] = 0.0  # largest norm of the whole gradient; 0: any (Pascanu et al. 2013)
    schedule: str = "constant"  # a key of schedules.SCHEDULES: constant, linear, cosine, step or plateau
    warmup: Fraction = 0.0  # fraction of the run in which the rate rises from 0
    drop_factor: Annotated[float, "above 0, at most 1"] = 0.3  # step, plateau: what the rate is multiplied by at each drop
    drop_after: Annotated[int, "1 to 10000"] = 2  # step: epochs between drops; plateau: epochs tolerated without improvement
    averaging: Fraction = 0.0  # decay per step of an exponential moving average of the weights, which is validated and kept
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"  # number format; auto: bf16 where the hardware has it


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """When the run ends."""

    epochs: Annotated[int, "1 to 10000"]  # passes over the training images, at most; with a budget as many as there is time for
    budget: Annotated[float, "0 to 1000000"] = 0.0  # seconds to the saved run, without loading; schedules follow it; 0: any
    monitor: Literal["validation_loss", "validation_accuracy"] = "validation_accuracy"  # decides which epoch is better
    min_change: Annotated[float, "0 to 100"] = 0.0  # smallest improvement that counts, for patience and the plateau schedule
    patience: Annotated[int, "0 to 10000"] = 0  # epochs without improvement after which training stops; 0: it never stops early


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is held out for choices, and what is kept of the run."""

    validation: Annotated[float, "above 0, at most 0.5"] = 0.1  # fraction of the training images held out for choices
    interim: Annotated[float, "above 0, at most 1"] = 1.0  # fraction of them that answer after each epoch but the last
    keep: Literal["best", "last"] = "best"  # the weights that are evaluated: of the best epoch by monitor, or of the last
    remember: bool = False  # whether the answer for each training image is stored in each epoch, to see how learning went
    tta: Literal["none", "flip", "shift"] = "none"  # test-time augmentation, reported beside plain answers: a key of tta.VIEWS


@dataclass(frozen=True, kw_only=True)
class Recipe(Shown):
    """One training run in full."""

    name: str  # how the run calls itself
    about: str  # one sentence: what it is for
    network: AnyNetwork
    augmentation: Augmentation = Augmentation()
    sampling: Sampling
    optimisation: Optimisation
    stopping: Stopping
    kept: Kept = Kept()


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in [
        Recipe(
            name="tiny",
            about="A very small network for a first look and for tests: the built-in shapes in less than a minute on two cores.",
            network=Vgg(widths=((16,), (32,), (64,)), pixels="standard", dense=64, dropout=(0.0, 0.3)),
            sampling=Sampling(batch_size=64),
            optimisation=Optimisation(optimiser="adam", learning_rate=2e-3, momentum=0.9),
            stopping=Stopping(epochs=10),
        ),
        Recipe(
            name="baseline",
            about="The plain network that every course teaches: convolutions and max-pooling, a dense layer with dropout, Adam.",
            network=Vgg(widths=((32,), (64,), (128,)), pixels="standard", dense=256, dropout=(0.25, 0.5)),
            sampling=Sampling(batch_size=64),
            optimisation=Optimisation(optimiser="adam", learning_rate=1.5e-3, momentum=0.9, schedule="linear"),
            stopping=Stopping(epochs=12),
        ),
        Recipe(
            name="deep",
            about="The careful course project: deep, with batch norm, growing dropout, augmentation, plateau schedule and early stopping.",
            network=Vgg(
                widths=((32,), (96, 96), (192, 192)),
                pixels="standard",
                batch_norm=True,
                spatial_dropout=0.06,
                dropout=(0.1, 0.0),
            ),
            augmentation=Augmentation(flip="alternating", shift=2),
            sampling=Sampling(batch_size=128),
            optimisation=Optimisation(
                optimiser="muon",
                learning_rate=0.05,
                momentum=0.7,
                weight_decay=5e-4,  # acts only on the last layer: Muon gives convolutions a fixed length at every step
                label_smoothing=0.1,
                schedule="plateau",
                warmup=0.02,
                drop_after=1,
                averaging=0.998,
            ),
            stopping=Stopping(epochs=24, min_change=0.002, patience=4),
        ),
        Recipe(
            name="fast",
            about="The fastest on a CPU: whitened, Muon, small images first, and the easy half of them left out.",
            network=Fast(widths=((32, 32), (64, 128), (128, 128)), pixels="standard"),
            augmentation=Augmentation(flip="alternating", shift=2),
            sampling=Sampling(batch_size=500, resolution=((0.0, 0.625), (0.4, 0.8125), (0.7, 1.0)), leave_out=0.5),
            optimisation=Optimisation(
                optimiser="muon",
                learning_rate=0.25,
                momentum=0.6,
                bias_rate=100.0,
                head_rate=1.7,
                label_smoothing=0.1,
                schedule="linear",
            ),
            stopping=Stopping(epochs=9),
            kept=Kept(keep="last", tta="shift"),
        ),
        Recipe(
            name="fast_gpu",
            about="The speed run for one GPU: modelled on airbench94, with Muon and large batches.",
            network=Fast(widths=((64, 64), (256, 256), (256, 256)), pixels="standard"),
            augmentation=Augmentation(flip="alternating", shift=2),
            sampling=Sampling(batch_size=2000),
            optimisation=Optimisation(
                optimiser="muon",
                learning_rate=0.24,
                momentum=0.6,
                bias_rate=440.0,
                head_rate=6.9,
                label_smoothing=0.2,
                schedule="linear",
            ),
            stopping=Stopping(epochs=8),
            kept=Kept(keep="last", tta="shift"),
        ),
        Recipe(
            name="best",
            about="The highest accuracy of one network: wide, residual, whitened, Muon. Made for a GPU; on a CPU it takes hours.",
            network=Fast(widths=((128, 128, 128), (384, 384, 384), (512, 512, 512)), pixels="standard"),
            augmentation=Augmentation(flip="alternating", shift=4, cutout=12),
            sampling=Sampling(batch_size=1000),
            optimisation=Optimisation(
                optimiser="muon",
                learning_rate=0.2,
                momentum=0.6,
                bias_rate=250.0,
                head_rate=4.0,
                label_smoothing=0.2,
                schedule="linear",
            ),
            stopping=Stopping(epochs=40),
            kept=Kept(keep="last", tta="shift"),
        ),
    ]
}
