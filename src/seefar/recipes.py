"""The front door: every decision of a run, written out. Read one block below and you know everything that the run did.

No field has a default and no recipe is derived from another. A changed copy gets another name (`baseline+epochs=3`), so that it
cannot pass for the recipe. Random streams are not part of a recipe: the seed is given for each run. Device, threads and the like
are settings of the machine: they are given for each run, too, and recorded with it.
"""

import dataclasses
import inspect
import json
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args, get_origin, get_type_hints

from seefar.display import Shown
from seefar.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Recipe(Shown):
    """One training run in full. Texts are looked up in the plain dict that the comment names."""

    name: str  # how the run calls itself
    about: str  # one sentence: what it is for
    # The network
    model: str  # a key of models.MODELS
    widths: tuple[tuple[int, ...], ...]  # channels of each 3x3 convolution, stage by stage; every stage halves the image
    batch_norm: bool  # whether values are normalised over the batch after each convolution (Ioffe and Szegedy 2015)
    spatial_dropout: float  # share of channels dropped after the last stage, 0 to 0.9; it grows evenly from stage to stage
    dense: int  # units of the hidden dense layer; 0: none
    dropout: tuple[float, float]  # share of values dropped before and after the hidden dense layer, 0 to 0.9
    pixels: Literal["unit", "standard"]  # unit: scaled to [0, 1]; standard: then less the mean, by the deviation
    frozen_stages: int  # stages from the first on that do not learn, for a run that starts from another's weights; 0: all learn
    # What it sees: the training images are changed anew in every epoch
    resolution: tuple[tuple[float, float], ...]  # from which share of the run on they are shown at which share of their side
    flip: Literal["none", "random", "alternating"]  # mirrored left to right: by chance, or every other epoch
    shift: int  # pixels by which an image is moved at most, each way; the gap is filled by reflection
    rotate: float  # degrees by which it is turned at most, each way
    zoom: float  # share by which it is enlarged or reduced at most
    cutout: int  # side in pixels of a square that is painted over in the mean colour; 0: none (DeVries and Taylor 2017)
    brightness: float  # share of the full range that is added to or taken from all its pixels at most
    contrast: float  # share by which its contrast is raised or lowered at most
    mixup: float  # alpha of the Beta law by which two images are blended; 0: none (Zhang et al. 2018)
    cutmix: float  # alpha of the Beta law by which a part of one is pasted into another; 0: none (Yun et al. 2019)
    leave_out: float  # share of the images that epochs after the first do without: those of the smallest loss when last shown
    balance: Literal["none", "weights", "sampling"]  # for uneven classes: rare ones count more, or are shown more often
    # The way to learn
    optimiser: str  # a key of optimisers.OPTIMISERS
    learning_rate: float  # the highest of the run
    momentum: float  # of sgd and muon, 0 to below 1; the others have their own constants
    bias_rate: float  # learning rate of biases and norms, as a multiple of the others'
    head_rate: float  # learning rate of the last layer's weights, likewise
    weight_decay: float  # pull of the weights towards nothing, as the optimiser defines it; not on biases and norms
    label_smoothing: float  # share of the target spread evenly over all classes, 0 to below 1 (Szegedy et al. 2016)
    gradient_clip: float  # largest length of the whole gradient; 0: any (Pascanu et al. 2013)
    schedule: str  # a key of schedules.SCHEDULES: how the rate changes over the run
    warmup: float  # share of the run in which the rate rises from nothing, 0 to below 1
    drop_factor: float  # schedules step and plateau: what the rate is multiplied by at each drop
    drop_after: int  # step: epochs between drops; plateau: epochs in a row without a better one that it waits out
    averaging: float  # decay of the running average of the weights that is validated and kept, a step; 0: none
    batch_size: int  # images a step
    epochs: int  # passes over the training images, at most; with a budget as many as there is time for
    budget: float  # seconds from loaded arrays to the saved run, which the schedule then follows by the clock; 0: any
    precision: Literal["auto", "bf16", "fp16", "fp32"]  # number format of the arithmetic; auto: bf16 where the hardware has it
    # What is kept, and when it ends
    validation: float  # share of the training images held back for choices, above 0 to 0.5
    monitor: Literal["validation_loss", "validation_accuracy"]  # the figure by which an epoch is better than another
    min_change: float  # by how much it must be better to be a reason to go on (for patience, and for plateau)
    patience: int  # epochs in a row without a better one after which training stops; 0: it never stops early
    keep: Literal["best", "last"]  # the weights that are evaluated: of the best epoch by monitor, or of the last
    remember: bool  # whether the answer for each training image is stored in each epoch, to see how learning went
    tta: Literal["none", "flip", "shift"]  # test-time augmentation, reported beside the plain answers: a key of tta.VIEWS


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in [
        Recipe(
            name="tiny",
            about="A very small network for a first look and for tests: the built-in shapes in less than a minute on two cores.",
            model="vgg",
            widths=((16,), (32,), (64,)),
            batch_norm=False,
            spatial_dropout=0.0,
            dense=64,
            dropout=(0.0, 0.3),
            pixels="standard",
            frozen_stages=0,
            resolution=((0.0, 1.0),),
            flip="none",
            shift=0,
            rotate=0.0,
            zoom=0.0,
            cutout=0,
            brightness=0.0,
            contrast=0.0,
            mixup=0.0,
            cutmix=0.0,
            leave_out=0.0,
            balance="none",
            optimiser="adam",
            learning_rate=2e-3,
            momentum=0.9,
            bias_rate=1.0,
            head_rate=1.0,
            weight_decay=0.0,
            label_smoothing=0.0,
            gradient_clip=0.0,
            schedule="constant",
            warmup=0.0,
            drop_factor=0.3,
            drop_after=2,
            averaging=0.0,
            batch_size=64,
            epochs=10,
            budget=0.0,
            precision="auto",
            validation=0.1,
            monitor="validation_accuracy",
            min_change=0.0,
            patience=0,
            keep="best",
            remember=False,
            tta="none",
        ),
        Recipe(
            name="baseline",
            about="The plain network that every course teaches: convolutions and max-pooling, a dense layer with dropout, Adam.",
            model="vgg",
            widths=((32,), (64,), (128,)),
            batch_norm=False,
            spatial_dropout=0.0,
            dense=256,
            dropout=(0.25, 0.5),
            pixels="standard",
            frozen_stages=0,
            resolution=((0.0, 1.0),),
            flip="none",
            shift=0,
            rotate=0.0,
            zoom=0.0,
            cutout=0,
            brightness=0.0,
            contrast=0.0,
            mixup=0.0,
            cutmix=0.0,
            leave_out=0.0,
            balance="none",
            optimiser="adam",
            learning_rate=1.5e-3,
            momentum=0.9,
            bias_rate=1.0,
            head_rate=1.0,
            weight_decay=0.0,
            label_smoothing=0.0,
            gradient_clip=0.0,
            schedule="linear",
            warmup=0.0,
            drop_factor=0.3,
            drop_after=2,
            averaging=0.0,
            batch_size=64,
            epochs=12,
            budget=0.0,
            precision="auto",
            validation=0.1,
            monitor="validation_accuracy",
            min_change=0.0,
            patience=0,
            keep="best",
            remember=False,
            tta="none",
        ),
        Recipe(
            name="deep",
            about="The careful course project: deep, with batch norm, growing dropout, augmentation, plateau schedule and early stopping.",
            model="vgg",
            widths=((32,), (96, 96), (192, 192)),
            batch_norm=True,
            spatial_dropout=0.06,
            dense=0,
            dropout=(0.1, 0.0),
            pixels="standard",
            frozen_stages=0,
            resolution=((0.0, 1.0),),
            flip="alternating",
            shift=2,
            rotate=0.0,
            zoom=0.0,
            cutout=0,
            brightness=0.0,
            contrast=0.0,
            mixup=0.0,
            cutmix=0.0,
            leave_out=0.0,
            balance="none",
            optimiser="muon",
            learning_rate=0.05,
            momentum=0.7,
            bias_rate=1.0,
            head_rate=1.0,
            weight_decay=5e-4,
            label_smoothing=0.1,
            gradient_clip=0.0,
            schedule="plateau",
            warmup=0.02,
            drop_factor=0.3,
            drop_after=1,
            averaging=0.998,
            batch_size=128,
            epochs=24,
            budget=0.0,
            precision="auto",
            validation=0.1,
            monitor="validation_accuracy",
            min_change=0.002,
            patience=4,
            keep="best",
            remember=False,
            tta="none",
        ),
        Recipe(
            name="fast",
            about="The fastest on a CPU: whitened, Muon, small images first, and the easy half of them left out.",
            model="fast",
            widths=((32, 32), (64, 128), (128, 128)),
            batch_norm=True,
            spatial_dropout=0.0,
            dense=0,
            dropout=(0.0, 0.0),
            pixels="standard",
            frozen_stages=0,
            resolution=((0.0, 0.625), (0.4, 0.8125), (0.7, 1.0)),
            flip="alternating",
            shift=2,
            rotate=0.0,
            zoom=0.0,
            cutout=0,
            brightness=0.0,
            contrast=0.0,
            mixup=0.0,
            cutmix=0.0,
            leave_out=0.5,
            balance="none",
            optimiser="muon",
            learning_rate=0.25,
            momentum=0.6,
            bias_rate=100.0,
            head_rate=1.7,
            weight_decay=0.0,
            label_smoothing=0.1,
            gradient_clip=0.0,
            schedule="linear",
            warmup=0.0,
            drop_factor=0.3,
            drop_after=2,
            averaging=0.0,
            batch_size=500,
            epochs=9,
            budget=0.0,
            precision="auto",
            validation=0.1,
            monitor="validation_accuracy",
            min_change=0.0,
            patience=0,
            keep="last",
            remember=False,
            tta="shift",
        ),
        Recipe(
            name="fast_gpu",
            about="The speed run for one GPU: as airbench94, which it was made after, with Muon and large batches.",
            model="fast",
            widths=((64, 64), (256, 256), (256, 256)),
            batch_norm=True,
            spatial_dropout=0.0,
            dense=0,
            dropout=(0.0, 0.0),
            pixels="standard",
            frozen_stages=0,
            resolution=((0.0, 1.0),),
            flip="alternating",
            shift=2,
            rotate=0.0,
            zoom=0.0,
            cutout=0,
            brightness=0.0,
            contrast=0.0,
            mixup=0.0,
            cutmix=0.0,
            leave_out=0.0,
            balance="none",
            optimiser="muon",
            learning_rate=0.24,
            momentum=0.6,
            bias_rate=440.0,
            head_rate=6.9,
            weight_decay=0.0,
            label_smoothing=0.2,
            gradient_clip=0.0,
            schedule="linear",
            warmup=0.0,
            drop_factor=0.3,
            drop_after=2,
            averaging=0.0,
            batch_size=2000,
            epochs=8,
            budget=0.0,
            precision="auto",
            validation=0.1,
            monitor="validation_accuracy",
            min_change=0.0,
            patience=0,
            keep="last",
            remember=False,
            tta="shift",
        ),
        Recipe(
            name="best",
            about="The highest accuracy of one network: wide, residual, whitened, Muon. Made for a GPU; on a CPU it takes hours.",
            model="fast",
            widths=((128, 128, 128), (384, 384, 384), (512, 512, 512)),
            batch_norm=True,
            spatial_dropout=0.0,
            dense=0,
            dropout=(0.0, 0.0),
            pixels="standard",
            frozen_stages=0,
            resolution=((0.0, 1.0),),
            flip="alternating",
            shift=4,
            rotate=0.0,
            zoom=0.0,
            cutout=12,
            brightness=0.0,
            contrast=0.0,
            mixup=0.0,
            cutmix=0.0,
            leave_out=0.0,
            balance="none",
            optimiser="muon",
            learning_rate=0.2,
            momentum=0.6,
            bias_rate=250.0,
            head_rate=4.0,
            weight_decay=0.0,
            label_smoothing=0.2,
            gradient_clip=0.0,
            schedule="linear",
            warmup=0.0,
            drop_factor=0.3,
            drop_after=2,
            averaging=0.0,
            batch_size=1000,
            epochs=40,
            budget=0.0,
            precision="auto",
            validation=0.1,
            monitor="validation_accuracy",
            min_change=0.0,
            patience=0,
            keep="last",
            remember=False,
            tta="shift",
        ),
    ]
}


def find(name: str) -> Recipe:
    """The named recipe. Raises UsageError, with the nearest name, if there is none."""
    if name not in RECIPES:
        raise UsageError(f"no recipe is called {name!r}{did_you_mean(name, RECIPES)}; there are {', '.join(RECIPES)}")
    return RECIPES[name]


def change(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """A copy with some fields changed, checked, and named after what changed: `baseline+epochs=3`.

    Args:
        recipe: where to start from.
        changes: values by field; a text is read as the field's type ("3", "0.5", "[[16], [32]]").

    Raises:
        UsageError: an unknown field, a value of the wrong type or out of range.
    """
    kinds = get_type_hints(Recipe)
    values: dict[str, Any] = {}
    for field, value in changes.items():
        if field not in kinds or field in ("name", "about"):
            known = [name for name in kinds if name not in ("name", "about")]
            raise UsageError(f"a recipe has no field {field!r}{did_you_mean(field, known)}; the fields are {', '.join(known)}")
        values[field] = _read(field, value, kinds[field])
    values = {field: value for field, value in values.items() if value != getattr(recipe, field)}
    base, *earlier = recipe.name.split("+")
    named = [word for word in earlier if word.partition("=")[0] not in values] + [
        f"{field}={text(value)}" for field, value in values.items()
    ]
    changed = dataclasses.replace(recipe, **values, name="+".join([base, *named]))
    check(changed)
    return changed


def from_json(values: Mapping[str, Any]) -> Recipe:
    """The recipe that `dataclasses.asdict` wrote as JSON. Raises UsageError if it is not one."""
    kinds = get_type_hints(Recipe)
    if values.keys() != kinds.keys():
        odd = sorted(values.keys() ^ kinds.keys())
        raise UsageError(
            f"this is no recipe of this version of seefar: it differs in {', '.join(odd)}; use the version that wrote it"
        )
    recipe = Recipe(**{field: _read(field, value, kinds[field]) for field, value in values.items()})
    check(recipe)
    return recipe


def meanings() -> dict[str, str]:
    """What each field means, by name: the comments of `Recipe`, so that they are written once."""
    return dict(re.findall(r"^    (\w+): .*?  # (.*)$", inspect.getsource(Recipe), re.MULTILINE))


def text(value: Any) -> str:
    """A field's value as `--set` takes it, without spaces and quotes."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


# The allowed values of every number, in words and as a test. The bounds are chosen by hand: beyond them lies no useful run.
_RANGES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "widths": (
        "1 to 5 stages of 1 to 8 convolutions of 1 to 4096 channels",
        lambda v: 1 <= len(v) <= 5 and all(1 <= len(s) <= 8 and all(1 <= w <= 4096 for w in s) for s in v),
    ),
    "spatial_dropout": ("0 to 0.9", lambda v: 0 <= v <= 0.9),
    "dense": ("0 to 16384", lambda v: 0 <= v <= 16384),
    "dropout": ("two numbers from 0 to 0.9", lambda v: all(0 <= share <= 0.9 for share in v)),
    "frozen_stages": ("0 to 5", lambda v: 0 <= v <= 5),
    "resolution": (
        "pairs of a share of the run, from 0 up and below 1, and a share of the side, 0.25 to 1, such as [[0, 0.5], [0.6, 1]]",
        lambda v: (
            v and v[0][0] == 0 and all(a[0] < b[0] for a, b in pairwise((*v, (1, 1)))) and all(0.25 <= s <= 1 for _, s in v)
        ),
    ),
    "shift": ("0 to 64", lambda v: 0 <= v <= 64),
    "rotate": ("0 to 180", lambda v: 0 <= v <= 180),
    "zoom": ("0 to 0.5", lambda v: 0 <= v <= 0.5),
    "cutout": ("0 to 512", lambda v: 0 <= v <= 512),
    "brightness": ("0 to 1", lambda v: 0 <= v <= 1),
    "contrast": ("0 to 1", lambda v: 0 <= v <= 1),
    "mixup": ("0 to 100", lambda v: 0 <= v <= 100),
    "cutmix": ("0 to 100", lambda v: 0 <= v <= 100),
    "leave_out": ("0 to 0.9", lambda v: 0 <= v <= 0.9),
    "learning_rate": ("above 0, at most 100", lambda v: 0 < v <= 100),
    "momentum": ("0 to below 1", lambda v: 0 <= v < 1),
    "bias_rate": ("above 0, at most 10000", lambda v: 0 < v <= 10000),
    "head_rate": ("above 0, at most 10000", lambda v: 0 < v <= 10000),
    "weight_decay": ("0 to 10", lambda v: 0 <= v <= 10),
    "label_smoothing": ("0 to below 1", lambda v: 0 <= v < 1),
    "gradient_clip": ("0 to 1000000", lambda v: 0 <= v <= 1_000_000),
    "warmup": ("0 to below 1", lambda v: 0 <= v < 1),
    "drop_factor": ("above 0, at most 1", lambda v: 0 < v <= 1),
    "drop_after": ("1 to 10000", lambda v: 1 <= v <= 10000),
    "averaging": ("0 to below 1", lambda v: 0 <= v < 1),
    "batch_size": ("1 to 65536", lambda v: 1 <= v <= 65536),
    "epochs": ("1 to 10000", lambda v: 1 <= v <= 10000),
    "budget": ("0 to 1000000", lambda v: 0 <= v <= 1_000_000),
    "validation": ("above 0, at most 0.5", lambda v: 0 < v <= 0.5),
    "min_change": ("0 to 100", lambda v: 0 <= v <= 100),
    "patience": ("0 to 10000", lambda v: 0 <= v <= 10000),
}


def check(recipe: Recipe) -> None:
    """Raise UsageError if a number is out of its range, or if two fields contradict each other."""
    for field, (allowed, holds) in _RANGES.items():
        if not holds(value := getattr(recipe, field)):
            raise UsageError(f"{field} is {text(value)}; allowed is {allowed}")
    if recipe.frozen_stages > len(recipe.widths):
        stages = len(recipe.widths)
        raise UsageError(f"frozen_stages is {recipe.frozen_stages}, but widths has {stages} stages; allowed is 0 to {stages}")
    if recipe.schedule in ("step", "plateau") and recipe.drop_factor == 1:
        raise UsageError(
            f"with schedule={recipe.schedule} and drop_factor=1 the rate would never fall; use --set drop_factor=0.3"
        )


def _read(field: str, value: Any, kind: Any) -> Any:
    """`value` as the field's type; a text is parsed, a number is not silently turned into another kind of number."""
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
        if field == "monitor" and "test" in str(value):
            raise UsageError(
                f"monitor is {value!r}, but the test set cannot be used to choose; use {' or '.join(get_args(kind))}"
            )
        raise UsageError(
            f"{field} is {value!r}{did_you_mean(str(value), get_args(kind))}; allowed is {', '.join(get_args(kind))}"
        )
    if kind is str:
        return str(value)
    try:
        if isinstance(value, str):
            value = json.loads({"on": "true", "off": "false"}.get(value, value))
        return _typed(value, kind)
    except (ValueError, OverflowError, RecursionError):  # a number of hundreds of digits, thousands of brackets
        huge = isinstance(value, int) and abs(value) > HUGE
        raise UsageError(f"{field} is {'far too large' if huge else reprlib.repr(value)}; expected {_EXPECTED[kind]}") from None


HUGE = 10**18  # no field takes a larger number, and Python turns no number of thousands of digits into text
_EXPECTED = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    tuple[float, float]: "two numbers, such as [0.25, 0.5]",
    tuple[tuple[int, ...], ...]: "lists of whole numbers, such as [[32], [64, 64]]",
    tuple[tuple[float, float], ...]: "pairs of numbers, such as [[0, 0.5], [0.6, 1]]",
}


def _typed(value: Any, kind: Any) -> Any:
    """A JSON value as the type of a field. Raises ValueError if it is not one."""
    if get_origin(kind) is tuple:
        members = get_args(kind)
        if not isinstance(value, list | tuple) or (Ellipsis not in members and len(value) != len(members)):
            raise ValueError
        return tuple(_typed(member, members[0]) for member in value)
    if type(value) is int and abs(value) > HUGE:
        raise ValueError
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError
    return value
