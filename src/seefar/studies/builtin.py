"""The studies that seefar brings along: what each asks, and why each change might help.

All are sized for two cores; docs/log.md says where rates come from. A change sets the fields that it is about and no others, but
for an optimiser, which needs a rate of its own.
"""

from dataclasses import replace
from typing import Any

from seefar.studies.study import Change, Study

# The network of recipe `deep` at a third to half of its width, for many trainings: 7.5 M multiply-adds an image in place of 61.
NARROW: dict[str, Any] = {"widths": ((16,), (32, 32), (64, 64))}

# Recipe `deep` without what it does against overfitting, and without its reactions to how a run goes; 12 epochs are chosen by hand.
BARE_DEEP: dict[str, Any] = {
    **NARROW,
    "spatial_dropout": 0.0,
    "dropout": (0.0, 0.0),
    "schedule": "linear",
    "patience": 0,
    "averaging": 0.0,
    "epochs": 12,
}

# SGD as the trials of `deep` had it (docs/log.md, 2026-11-24).
SGD: dict[str, Any] = {"optimiser": "sgd", "learning_rate": 0.05, "momentum": 0.9}

ENHANCEMENT = Study(
    name="enhancement",
    about="From the plain network of every course to a careful one, step by step: which steps help?",
    base="baseline",
    fields={
        "widths": ((16,), (32,), (64,)),  # half as wide as baseline, so that many trainings are affordable
        "dropout": (0.0, 0.0),
        "schedule": "constant",
        "min_change": 0.002,  # as in deep; nothing reads it before the plateau schedule and early stopping do
        "epochs": 16,  # chosen by hand: the plain network overfits by then
    },
    changes=(
        Change(
            "more convolutions",
            "Two convolutions in a row see a larger part of the image, and bend what they see once more, before detail is pooled away.",
            NARROW,
        ),
        Change(
            "batch norm",
            "Values of a steady size in every layer let all layers learn at a high rate from the first step on.",
            {"batch_norm": True},
        ),
        Change(
            "dropout",
            "A network that cannot rely on any single value has to learn the same thing in several ways, and memorises less.",
            {"dropout": (0.25, 0.5)},  # as in baseline
        ),
        Change(
            "augmentation",
            "A mirrored or slightly moved image shows the same thing, so that each epoch brings images that were never seen.",
            {"flip": "alternating", "shift": 2},  # as in deep
        ),
        Change(
            "plateau schedule",
            "Once large steps bring nothing more, smaller ones can still find the bottom of the valley.",
            {"schedule": "plateau", "drop_factor": 0.3, "drop_after": 1},  # as in deep
        ),
        Change(
            "early stopping",
            "Epochs after the last gain cost time, and in them the network memorises its training images.",
            {"patience": 6},  # chosen by hand: at least two drops of the rate are waited out
        ),
        Change(
            "longer training",
            "A network that is kept from overfitting continues to learn from more passes over its images.",
            {"epochs": 40},  # chosen by hand: rate drops and early stopping have room to act
        ),
    ),
    design="cumulative",
)

ENHANCEMENT_REMOVED = replace(
    ENHANCEMENT,
    name="enhancement-removed",
    about="The careful network with one of its parts left out at a time: which parts does it need?",
    design="removed",
)

AUGMENTATION = Study(
    name="augmentation",
    about="Which change of the training images helps, each for itself?",
    base="deep",
    fields={**BARE_DEEP, "flip": "none", "shift": 0},
    changes=(
        Change("random flip", "A mirrored animal or car is still one.", {"flip": "random"}),
        Change(
            "alternating flip",
            "Mirroring every other epoch shows both sides of every image equally often, which chance does not.",
            {"flip": "alternating"},
        ),
        Change("shift", "Where exactly an object is in the image says nothing about what it is.", {"shift": 2}),
        Change("rotation", "Photographs are rarely held exactly level.", {"rotate": 10.0}),
        Change("zoom", "The same thing may be nearer or farther away.", {"zoom": 0.15}),
        Change("cutout", "With a part covered, the network has to use more than one feature of a thing.", {"cutout": 8}),
        Change(
            "brightness and contrast",
            "The light in which a thing is seen says nothing about what it is.",
            {"brightness": 0.1, "contrast": 0.2},
        ),
        Change("mixup", "Between two blended images the answer should change evenly, not at a sharp edge.", {"mixup": 0.2}),
        Change("cutmix", "A part of a thing has to be enough to know it, even beside a part of another.", {"cutmix": 1.0}),
    ),
)

OPTIMISERS = Study(
    name="optimisers",
    about="Which optimiser gets furthest in the same number of epochs, and how much does its rate matter?",
    base="deep",
    fields={**BARE_DEEP, **SGD},
    changes=(
        Change("half the rate", "If this differs, the rate of the base was not well chosen.", {"learning_rate": 0.025}),
        Change("twice the rate", "If this differs, the rate of the base was not well chosen.", {"learning_rate": 0.1}),
        Change(
            "without momentum",
            "Momentum averages the noise of single batches; at ten times the rate, steps are as long without it.",
            {"momentum": 0.0, "learning_rate": 0.5},
        ),
        Change(
            "Adam",
            "Each weight has a rate of its own, made from its own gradients.",
            {"optimiser": "adam", "learning_rate": 1.5e-3, "weight_decay": 0.0},  # as in baseline
        ),
        Change(
            "AdamW",
            "Adam, with a weight decay that is not distorted by the rates of single weights.",
            {"optimiser": "adamw", "learning_rate": 3e-3, "weight_decay": 0.05},  # docs/log.md, 2026-11-24
        ),
        Change(
            "Muon",
            "Steps of equal size in all directions also learn what only a few gradients ask for.",
            {"optimiser": "muon", "learning_rate": 0.05, "momentum": 0.7},  # as in deep
        ),
    ),
)

REGULARISATION = Study(
    name="regularisation",
    about="Which remedy for overfitting helps, each for itself?",
    base="deep",
    fields={**BARE_DEEP, **SGD, "weight_decay": 0.0, "label_smoothing": 0.0},  # SGD, since Muon does not decay convolutions
    changes=(
        Change("weight decay", "Small weights make smooth functions, which fit chance details less.", {"weight_decay": 5e-4}),
        Change("dropout", "The last layer has to know each class by more than one value.", {"dropout": (0.2, 0.0)}),
        Change(
            "spatial dropout",
            "Whole channels are left out, since neighbouring values of one channel carry much the same information.",
            {"spatial_dropout": 0.06},  # as in deep
        ),
        Change(
            "label smoothing",
            "A network that is never asked to be wholly certain does not blow up its weights to be so.",
            {"label_smoothing": 0.1},  # as in deep
        ),
        Change(
            "moving average",
            "The average of the weights over many steps lies nearer the middle of the valley than any single step.",
            {"averaging": 0.998},  # as in deep
        ),
        Change("gradient clipping", "A single odd batch cannot throw the weights far off.", {"gradient_clip": 1.0}),
        Change(
            "smaller batches",
            "Noisier steps leave narrow valleys, which generalise worse; half the batch goes with half the rate.",
            {"batch_size": 64, "learning_rate": 0.025},
        ),
    ),
)

SPEED = Study(
    name="speed",
    about="What each trick of the recipe fast is worth, in accuracy and in seconds: it is left out, the rest stays.",
    base="fast",
    fields={"epochs": 6},  # of 9; chosen by hand: the tricks are meant for short runs, and a third of the time is saved
    changes=(
        Change(
            "without small images first",
            "Small images take less time, and coarse shapes can be learned from them.",
            {"resolution": ((0.0, 1.0),)},
        ),
        Change(
            "without leaving out",
            "Images that the network knows already teach it little, so the easier half is left out.",
            {"leave_out": 0.0},
        ),
        Change(
            "SGD instead of Muon",
            "Muon makes steps of equal size in all directions, where SGD follows the few largest gradients.",
            # airbench94 before Muon (https://arxiv.org/abs/2404.00498): 11.5 a thousand images, momentum 0.85, biases 64 times
            {"optimiser": "sgd", "learning_rate": 0.7, "momentum": 0.85, "bias_rate": 64.0, "head_rate": 1.0},
        ),
        Change(
            "AdamW instead of Muon",
            "Muon makes steps of equal size in all directions, where AdamW gives each weight a rate of its own.",
            # docs/log.md has this rate for batches of 128; the multiples of the rate are meant for SGD, which Muon is for biases
            {"optimiser": "adamw", "learning_rate": 3e-3, "bias_rate": 1.0, "head_rate": 1.0},
        ),
        Change(
            "one rate for all",
            "The few biases and the last layer can learn at higher rates than convolutions.",
            {"bias_rate": 1.0, "head_rate": 1.0},
        ),
        Change(
            "random flip",
            "Mirroring every other epoch shows both sides of every image equally often, which chance does not.",
            {"flip": "random"},
        ),
        Change("without shift", "A moved image shows the same thing, but fewer epochs need fewer variations.", {"shift": 0}),
        Change(
            "without label smoothing",
            "With smooth labels, images that are known already pull less at the weights.",
            {"label_smoothing": 0.0},
        ),
        Change(
            "without a falling rate",
            "A rate that falls to nothing settles what a high one has found.",
            {"schedule": "constant"},
        ),
        Change(
            "one convolution a stage", "A second convolution costs time, and sees more.", {"widths": ((32,), (128,), (128,))}
        ),
        Change("without bf16", "Numbers of 16 bits take half the time where the hardware has them.", {"precision": "fp32"}),
    ),
)

STUDIES: dict[str, Study] = {
    study.name: study for study in (ENHANCEMENT, ENHANCEMENT_REMOVED, AUGMENTATION, OPTIMISERS, REGULARISATION, SPEED)
}
