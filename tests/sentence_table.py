"""The table of sentences: docs/sentences.md is made from it, and every page of the planted sets is held against it."""

import re
from dataclasses import replace

import numpy as np
from tests.conditions import (
    beats_guessing,
    best_and_worst,
    confused,
    count,
    equal,
    equally_well,
    every,
    everything_left_out,
    faithful,
    few,
    found_all,
    gap,
    gap_below,
    guessing,
    headline,
    interval,
    is_kind,
    kept_epoch,
    label,
    last_was_best,
    leaks,
    learned_nothing,
    left_out,
    missed,
    most_frequent,
    no_equal,
    none_wrong,
    nothing_found,
    off,
    overfits,
    raw,
    rests_on,
    result,
    shown,
    stated,
    turned,
    uneven,
    unmeasured,
    useless,
    wrong,
)
from tests.sentences import DOCUMENT, Sentence, document
from tests.truth import is_share

S = Sentence
ALWAYS = "always: it says what is shown, or what a word means"

FIRST = [
    S("seefar report", ALWAYS),
    S(
        "{classes:n} classes, images of {size:n}\N{MULTIPLICATION SIGN}{again:n} pixels, {images:n} to learn from",
        "always",
        lambda t, g: (
            (count(g["classes"]), count(g["size"]), count(g["images"])) == (len(t.classes), t.data.train.size, len(t.learned))
        ),
    ),
    S("A very small network for a first look and for tests: {rest:w}.", "the recipe is tiny"),
    S("The fastest on a CPU: {rest:w}.", "the recipe is fast; each recipe has such a line", lambda t, g: False),
    S(
        "seefar's built-in shapes: 32x32 pictures of ten shapes drawn by a seeded generator; not photographs, and not "
        "CIFAR-10, so an accuracy on them compares with no published one.",
        "the images are those",
        lambda t, g: False,
    ),
    S("Changed: {fields:w}.", "fields of the recipe were changed"),
    S("{share:p} {name:w} on {split:s} images", "there is a headline", headline),
    S("{name:w} on {split:s} images", "there is a headline", lambda t, g: t.planted.measurable == (g["split"] == "test")),
    S(
        "95 % interval {low:p} to {high:p}, {images:n} images",
        "the shares are those of the images that count, which are so many",
        lambda t, g: rests_on(t, g["images"], t.report["basis"]) and interval(t, g, shown(t)),
    ),
    S(
        "95 % interval {low:p} to {high:p}, {images:n} images in {groups:n} groups",
        "likewise, and it is known to which groups they belong",
        lambda t, g: False,
    ),
    S(
        "95 % interval {low:p} to {high:p}, {images:n} images; raw, on all {all:n} as they came: {share:p}",
        "likewise, and other images do not count",
        lambda t, g: raw(t, g | {"images": g["all"]}) and rests_on(t, g["images"], t.report["basis"]),
    ),
    S(
        "95 % interval {low:p} to {high:p}, {images:n} images; on the {others:n} that are not near copies of training "
        "images: {share:p}",
        "likewise, and so many look just like a training image",
        lambda t, g: False,
    ),
    S(
        "95 % interval {low:p} to {high:p}, {images:n} images; on the {others:n} that are not near copies of training "
        "images: {share:p}; with test-time augmentation: {tta:p}",
        "likewise, and the recipe asks for several views of an image",
        lambda t, g: False,
    ),
    S("cannot be measured", "there is no headline", unmeasured),
    S(
        "test accuracy: {copies:n} of {all:n} test images are training images, and none is left; 30 distinct new images a "
        "class are needed",
        "there is no headline, because of copies of training images",
        unmeasured,
    ),
    S(
        "test accuracy: there are only {all:n} test images; 30 distinct new images a class are needed",
        "there is no headline, because there are so few",
        unmeasured,
    ),
    S(
        "{share:p} {name:w} on validation images instead 95 % interval {low:p} to {high:p}, {images:n} images",
        "there is no headline, and validation can be measured",
        lambda t, g: (
            not t.planted.measurable and rests_on(t, g["images"], "validation") and is_share(g["share"], t.validation.accuracy)
        ),
    ),
    S(
        "Raw, on all {images:n} {split:s} images as they came: {share:p}.",
        "there is no headline",
        lambda t, g: unmeasured(t, {"all": g["images"]}) and is_share(g["share"], t.test.raw),
    ),
    S(
        "Raw, on all {images:n} {split:s} images as they came: {share:p}, and they are training images.",
        "there is no headline, because of copies of training images, and no test image is anything else",
        lambda t, g: unmeasured(t, {"all": g["images"], "copies": g["images"]}) and is_share(g["share"], t.test.raw),
    ),
    S(
        "Looks at these test images: {run:n} by this run, {machine:n} on this machine one seed ({seed:n}) trained in {time:w}",
        "the machine's ledger knows of as many looks or more",
        lambda t, g: count(g["run"]) <= count(g["machine"]),
    ),
]

HEADLINES = [
    S(
        "{split:s} {name:w} {share:p}, 95 % interval {low:p} to {high:p} ({images:n} images, one seed, look {look:n} at the "
        "test images)",
        "at least 30 images a class count, and all of the test images do",
        lambda t, g: stated(t, g) and len(t.test) == t.test.all,
    ),
    S(
        "{split:s} {name:w} {share:p}, 95 % interval {low:p} to {high:p} ({images:n} images in {groups:n} groups, one seed, look {look:n} "
        "at the test images)",
        "likewise, and it is known to which groups they belong",
        lambda t, g: False,
    ),
    S(
        "{split:s} {name:w} {share:p}, 95 % interval {low:p} to {high:p} ({images:n} images, one seed, look {look:n} at the "
        "test images); raw, on all {all:n} images as they came: {raw:p}",
        "at least 30 images a class count, and others do not",
        lambda t, g: stated(t, g) and raw(t, {"split": g["split"], "images": g["all"], "share": g["raw"]}),
    ),
    S(
        "test accuracy cannot be measured: {copies:n} of {all:n} test images are training images, and none is left; 30 "
        "distinct new images a class are needed",
        "fewer count, because of copies of training images",
        unmeasured,
    ),
    S(
        "test accuracy cannot be measured: there are only {all:n} test images; 30 distinct new images a class are needed",
        "there are fewer to begin with",
        unmeasured,
    ),
    S(
        "instead: validation accuracy {share:p}, 95 % interval {low:p} to {high:p} ({images:n} images, one seed)",
        "test cannot be measured, and validation can",
        lambda t, g: not t.planted.measurable and stated(t, g | {"split": "validation"}),
    ),
    S("where it fails:", "the test images can be measured, or no image is left", lambda t, g: t.planted.measurable),
    S("where it fails, on {images:n} {split:s} images:", "test cannot be measured", lambda t, g: not t.planted.measurable),
    S("try it: {path:w}", "it is there", lambda t, g: (t.journey.path.parent / g["path"]).exists()),
    S("Try it", "the page that it leads to is there", lambda t, g: (t.journey.path / "playground" / "index.html").exists()),
    S("report: {path:w}", "it is there", lambda t, g: (t.journey.path.parent / g["path"]).exists()),
    S("what next:", ALWAYS),
    S("warning:", ALWAYS),
    S("note:", ALWAYS),
    S("({left:n} more in the report)", "so many do not fit into twelve lines"),
    S(
        "{split:s} {name:w} {share:p}, 95 % interval {low:p} to {high:p} ({images:n} images, one seed)",
        "it is of validation images, and at least 30 a class count",
        stated,
    ),
]

VERDICT = [
    S(
        "It is right on {share:p} of new images ({low:p} to {high:p}); always naming the most frequent class would be right "
        "{guess:p} of the time.",
        "test can be measured, and the whole interval lies above guessing",
        lambda t, g: beats_guessing(t, g | {"split": "test"}) and interval(t, g, t.test),
    ),
    S(
        "It is right on {share:p} of new images ({low:p} to {high:p}), which cannot be told from guessing: always naming the "
        "most frequent class would be right {guess:p} of the time.",
        "test can be measured, and the interval holds what guessing reaches",
        lambda t, g: guessing(t, g | {"split": "test"}) and not beats_guessing(t, g | {"split": "test"}),
    ),
    S(
        "Look whether the labels are right: it has learned nothing that helps with new images.",
        "likewise",
        lambda t, g: not t.planted.kind and t.test.accuracy < 0.5,
    ),
    S(
        "Averaged over its classes it is right on {share:p} of new images ({low:p} to {high:p}); guessing would reach "
        "{guess:p}.",
        "likewise, where the largest class has five times as many training images as the smallest, or more",
        lambda t, g: (
            headline(t, g | {"split": "test"}) and t.planted.kind == "uneven" and is_share(g["guess"], 1 / len(t.classes))
        ),
    ),
    S("Its test accuracy cannot be measured.", "there is no headline: why not stands beside it", unmeasured),
    S(
        "On validation images it is right {share:p} of the time ({low:p} to {high:p}).",
        "test cannot be measured",
        lambda t, g: not t.planted.measurable and is_share(g["share"], t.validation.accuracy) and interval(t, g, t.validation),
    ),
    S(
        "Not as it stands: {title:w}.",
        "something serious is wrong with the images",
        lambda t, g: bool(t.planted.kind) and t.planted.kind != "uneven",
    ),
    S(
        "The validation images were not trained on, but helped to choose the weights.",
        "test cannot be measured, and validation can",
        lambda t, g: not t.planted.measurable,
    ),
    S(
        "The figure rests on {images:n} images that it was not trained on, and on one seed.",
        "nothing serious is wrong with them",
        lambda t, g: rests_on(t, g["images"], "test") and t.planted.measurable,
    ),
    S(
        "The figure rests on {images:n} images in {groups:n} groups that it was not trained on, which speak as {effective:n} independent "
        "images would, and on one seed.",
        "likewise, and it is known to which groups they belong",
        lambda t, g: False,
    ),
    S("Try it on images of your own: seefar predict.", "there is no better advice"),
]

WARNINGS = [
    S("All test images are training images", "all are", lambda t, g: t.planted.copies == len(t.data.test)),
    S("Most test images are training images", "more than half are", lambda t, g: t.planted.copies > len(t.data.test) / 2),
    S("Some test images are training images", "at most half are", lambda t, g: 0 < t.planted.copies <= len(t.data.test) / 2),
    S(
        "{copies:n} of {images:n} test images are equal to a training or validation image, or to its mirror image; they are "
        "left out of every figure except the raw accuracy.",
        "so many are",
        left_out,
    ),
    S("Use other test images, ones that were never trained on.", "as above"),
    S("Equal images have different labels", "some have", is_kind("contradicting")),
    S(
        "{contradicting:n} of {images:n} test images are equal to one of another class; no answer is right for both, so they "
        "are left out.",
        "so many are",
        left_out,
    ),
    S("Test images look just like training images", "one in twenty does, or more", lambda t, g: False),
    S("A few test images look just like training images", "some do, fewer than one in twenty", lambda t, g: False),
    S(
        "{near:n} of {images:n} test images are near copies of training images, so they may be easier than new ones; they "
        "count.",
        "so many are, lightly changed or mirrored",
        lambda t, g: False,
    ),
    S("See the accuracy without them beside the headline.", "as above"),
    S("Test images come in bursts", "neighbours by name look nearly the same", lambda t, g: False),
    S("Validation images come in bursts", "neighbours by name look nearly the same", lambda t, g: False),
    S("Test images are repeated", "some are", lambda t, g: t.planted.repeats > 0),
    S(
        "{images:n} of {all:n} {split:s} images look nearly the same as their neighbour by name ({bursts:n} bursts); the "
        "interval allows for that.",
        "so many do",
        lambda t, g: False,
    ),
    S("Test images show what was trained on", "some are of groups that training images are of", lambda t, g: False),
    S("Validation images show what was trained on", "likewise", lambda t, g: False),
    S(
        "{images:n} of {all:n} {split:s} images are of {groups:n} groups that {seen:w} images are of, too; they count.",
        "so many are",
        lambda t, g: False,
    ),
    S("Keep each group on one side of the split; --group does so where there are no test images yet.", "as above"),
    S("Split by what was photographed, not by image, and take test images from other occasions.", "as above"),
    S("{repeats:n} of {images:n} test images repeat another one exactly; each image counts once.", "so many do", left_out),
    S("Remove the copies, or take test images that differ.", "as above"),
    S("Decide which label is right; seefar data describe --json lists them.", "as above"),
    S("Too few images to tell", "a class has fewer than 30 that count", lambda t, g: not t.planted.measurable),
    S("Fewer than 30 test images count for {classes:w}.", "likewise", few),
    S("Add images of these classes; until then their figures have wide intervals.", "likewise"),
    S(
        "The classes are uneven",
        "the largest has five times as many training images as the smallest, or more",
        is_kind("uneven"),
    ),
    S(
        "There are {many:n} training images of {most:w} and {few:n} of {least:w}: accuracy favours the large classes, so "
        "balanced accuracy, which counts every class alike, is the figure to look at.",
        "likewise",
        uneven,
    ),
    S("Add images of the small classes, or try --set balance=weights.", "likewise"),
    S("The borders alone tell the classes apart", "they do, in four of five cases beyond guessing", is_kind("shortcut")),
    S("The files alone tell the classes apart", "likewise", is_kind("shortcut")),
    S("Colour alone tells the classes apart", "likewise", is_kind("shortcut")),
    S(
        "A logistic regression that sees nothing but {what:w} tells the classes of the training images apart {share:p} of "
        "the time (guessing: {guess:p}), so the network need not have looked at what the images show.",
        "likewise",
        lambda t, g: t.planted.kind == "shortcut" and is_share(g["guess"], 1 / len(t.classes)),
    ),
    S("Take images whose classes do not differ in that, and test on images from elsewhere.", "likewise"),
    S(
        "{copies:n} of your {images:n} test images are training images: the test accuracy will mean nothing",
        "all of them are",
        lambda t, g: left_out(t, g) and g["copies"] == g["images"],
    ),
    S(
        "{copies:n} of your {images:n} test images are training images: the test accuracy will mean little unless they are "
        "left out, as they will be",
        "some are",
        left_out,
    ),
    S("Fewer than 30 test images count for {classes:w}", "a class has fewer than 30 that count", few),
    S(
        "{contradicting:n} of {images:n} test images are equal to one of another class; no answer is right for both, so they "
        "are left out",
        "so many are",
        left_out,
    ),
    S(
        "A logistic regression that sees nothing but {what:w} tells the classes of the training images apart {share:p} of "
        "the time (guessing: {guess:p}), so the network need not have looked at what the images show: the test accuracy will "
        "mean little for new images",
        "they do, in four of five cases beyond guessing",
        is_kind("shortcut"),
    ),
]

FINDINGS = [
    S(
        "On {images:n} {split:s} images of {data:w} that it was not trained on, the network was right {share:p} of the time. "
        "On another set of images of this kind and size it would plausibly be between {low:p} and {high:p}.",
        "the shares are those of the images that count",
        result,
    ),
    S(
        "On {images:n} {split:s} images in {groups:n} groups of {data:w} that it was not trained on, the network was right {share:p} of "
        "the time. On another set of groups of images of this kind and size it would plausibly be between {low:p} and {high:p}.",
        "likewise, and it is known to which groups they belong",
        lambda t, g: False,
    ),
    S(
        "Raw, on all {images:n} {split:s} images as they came, it is right {share:p} of the time; not counted above: {out:w}.",
        "some do not count",
        everything_left_out,
    ),
    S(
        "{near:n} of these images are near copies of training images; without them the accuracy is {share:p} ({low:p} to "
        "{high:p}).",
        "so many of those that count are",
        lambda t, g: False,
    ),
    S(
        "With its answers averaged over {views:w} (test-time augmentation) it is right {share:p} of the time ({low:p} to "
        "{high:p}); all other figures here are without that.",
        "the recipe asks for it",
        lambda t, g: False,
    ),
    S(
        "Always naming the most frequent of the {classes:n} classes would be right {share:p} of the time.",
        "always",
        most_frequent,
    ),
    S(
        "It recognises {best:w} best ({high:p} of them found) and {worst:w} worst ({low:p}, between {from_:p} and {to:p}).",
        "their recalls differ, and no other class has the same",
        best_and_worst,
    ),
    S(
        "It recognises {best:w} best ({high:p} of them found) and {worst:w} worst ({low:p}).",
        "likewise, where several are the worst",
        best_and_worst,
    ),
    S("It recognises every class equally well ({share:p} of each found).", "all recalls are equal", equally_well),
    S("It made no mistake on these {images:n} {split:w} images.", "all images that count are right", none_wrong),
    S(
        "Most often confused: {one:w} and {other:w}. {there:n} images of {again:w} were predicted as {called:w}, {back:n} "
        "the other way round.",
        "no two classes are taken for each other more often, as a share of their images",
        confused,
    ),
    S(
        "Most often confused: {one:w} and {other:w}. 1 image of {again:w} was predicted as {called:w}, {back:n} the other "
        "way round.",
        "likewise",
        lambda t, g: confused(t, g | {"there": "1"}),
    ),
    S(
        "Confused more than twice as often as two classes on average: {groups:w}.",
        "there are such groups",
        lambda t, g: not none_wrong(t, g),
    ),
    S(
        "Significantly lower recall than the others: {classes:w}.",
        "Fisher's exact test says so, corrected for the number of classes",
        lambda t, g: not none_wrong(t, g),
    ),
    S("No class does significantly worse than the others.", "the same test says that of none"),
    S("{name:w}: {missed:n} of {images:n} were missed; most often they were taken for {classes:w}.", "some were", missed),
    S(
        "{name:w}: {missed:n} of {images:n} was missed; it was taken for {other:w} (1).",
        "one was",
        lambda t, g: missed(t, g) and shown(t).taken(label(t, g["name"]), label(t, g["other"])) == 1,
    ),
    S(
        "Validation accuracy was {share:p} on {images:n} images; the epoch was chosen by it.",
        "the recipe keeps the epoch with the best validation accuracy",
        lambda t, g: is_share(g["share"], t.validation.accuracy) and count(g["images"]) == len(t.validation),
    ),
    S(
        "Validation accuracy was {share:p} on {images:n} images.",
        "the recipe keeps the last epoch",
        lambda t, g: False,
    ),
    S("{name:w}: The only one was found.", "a class has one image, and it was", lambda t, g: found_all(t, g["name"]) == 1),
    S(
        "{name:w}: All {images:n} were found.",
        "all were, and there are several",
        lambda t, g: found_all(t, g["name"]) == count(g["images"]) > 1,
    ),
    S(
        "{wrong:n} of {images:n} answers were wrong. The most confident ones first, at most eight of each kind: true class → "
        "what it said, and its three most probable answers.",
        "some of the answers for images that count were wrong",
        wrong,
    ),
    S("{wrong:n} of {images:n} answers", "always", wrong),
    S("There are none.", "all answers for images that count were right", none_wrong),
    S(
        "{one:w} → {other:w}",
        "a mistake is shown",
        lambda t, g: not none_wrong(t, g) and g["one"] in t.classes and g["other"] in t.classes,
    ),
]

TRUST = [
    S(
        "It is {mood:w}: what it states as its probability is off by {points:x} points on average; calibrated (a temperature "
        "of {temperature:x}, fitted on {images:n} validation images) {after:x} points.",
        "its mean probability is more than one point above or below its accuracy on test images, or neither",
        lambda t, g: off(t, g) and count(g["images"]) == len(t.validation) and t.report["basis"] == "test",
    ),
    S(
        "It is {mood:w}: what it states as its probability is off by {points:x} points on average; calibrated (fitted on "
        "these very images, so a little flattered) {after:x} points.",
        "likewise on validation images",
        lambda t, g: off(t, g) and t.report["basis"] == "validation",
    ),
    S(
        "Where its calibrated confidence is at least {sure:p}, which is so for {coverage:p} of the {split:s} images, it was "
        "right {share:p} of the time; on validation that threshold gave at least 99 %.",
        "there is such a threshold",
        lambda t, g: g["split"] == t.report["basis"],
    ),
    S("At no confidence threshold was it right 99 % of the time on validation.", "there is none"),
    S(
        "On none of the {split:s} images was its calibrated confidence as high as {sure:p}, from which on it was right 99 % "
        "of the time on validation.",
        "the threshold is reached by no image",
    ),
    S(
        "This is one run with one seed. Other seeds give other figures: believe a difference between two recipes only if it "
        "is larger than the interval, or seen with several seeds.",
        "always",
    ),
    S(
        "Calibration error over 15 bins of equal width {before:p}, with the temperature {after:p}; over bins of equally many "
        "images {even:p} and {even_after:p}. Loss {loss:x} and {loss_after:x} nats.",
        "always",
        lambda t, g: off(t, {"points": g["before"].rstrip("% \N{NO-BREAK SPACE}")}),
    ),
    S("{low:p} to {high:p}; one view of each image", "always", lambda t, g: interval(t, g, shown(t))),
    S("{low:p} to {high:p}; {view:w}", "the recipe asks for several views of an image", lambda t, g: False),
    S("the class is among the {k:n} most probable", ALWAYS),
    S("mean recall of the classes", ALWAYS),
    S("mean over classes, and over images", ALWAYS),
    S("nats; always guessing evenly: {loss:x}", ALWAYS, lambda t, g: abs(float(g["loss"]) - np.log(len(t.classes))) < 1e-4),
    S("mean squared distance of the probabilities from the truth; 0 is perfect", ALWAYS),
    S("each class against all others, the mean; 0.5 is guessing", ALWAYS),
    S("agreement beyond chance; 1 is perfect", ALWAYS),
    S(
        "Precision: of the images predicted as a class, the share that are. Recall: of the images of a class, the share that "
        "was found. F1: their harmonic mean.",
        ALWAYS,
    ),
    S("Not looked at yet: {command:w} takes {time:w}.", "it has not been"),
    S("Not looked at yet: {command:w} takes {time:w} (and needs pip install 'seefar[audit]').", "it has not been"),
    S("Not looked at yet: {command:w}.", "it has not been"),
]

IMAGES = [
    S("No two {split:s} images are equal.", "none are, pixel by pixel", no_equal),
    S("{images:n} {split:s} images are equal to another one, pixel by pixel ({groups:n} groups).", "so many are", equal),
    S("{images:n} {split:s} images are equal to another one, pixel by pixel ({groups:n} group).", "so many are", equal),
    S(
        "{groups:n} of the groups have contradicting labels, such as {example:w}.",
        "so many have",
        lambda t, g: 2 * count(g["groups"]) == t.planted.contradicting,
    ),
    S(
        "No test image was found among the training images, as it is, mirrored, or slightly changed.",
        "none was",
        nothing_found,
    ),
    S(
        "{copies:n} of {images:n} test images ({share:p}) are also training images, or look just like one ({kinds:w}), "
        "{other:n} of them with another label: the network has seen them, so they may be easier than new ones.",
        "so many are",
        leaks,
    ),
    S(
        "{images:n} images in {classes:n} classes from {name:w}",
        "they come from a folder or a zip file",
        lambda t, g: every(t, g),
    ),
    S(
        "The images are in groups {by:w}: {train:n} to learn from, {validation:n} for validation and {test:n} for test. Each group is on "
        "one side of every split. The intervals of accuracy, of the classes and of comparisons are over groups, not over images.",
        "it is known to which groups they belong",
        lambda t, g: False,
    ),
    S(
        "The source has no test images of its own: a fifth of every class was set aside by a seeded rule before training.",
        "it has none",
        lambda t, g: False,
    ),
    S(
        "How bright the pixels of the training images are. Mean and deviation by channel: red {red:w}, green {green:w}, blue "
        "{blue:w}.",
        ALWAYS,
    ),
    S("The last picture of each row is the mean of all training images of the class.", ALWAYS),
    S(
        "{images:n} images were set aside for validation, from every class alike: every choice was made on them.",
        "always",
        lambda t, g: count(g["images"]) == len(t.held_out),
    ),
    S(
        "The network's first layer divides pixels by 255, subtracts the mean of each channel over the training images and "
        "divides by its standard deviation; it is part of the network, so that a photograph is prepared the same way later.",
        "the recipe says so",
    ),
    S(
        "In every epoch the training images looked a little different, so that the network could not memorise them. The "
        "first picture of each row is the image itself, the others are what the network saw of it in its first epochs.",
        "the recipe augments them",
        lambda t, g: False,
    ),
    S("The training images were shown as they are, without augmentation.", "the recipe has none"),
    S(
        "{learn:n} to learn from, {held:n} held out, {test:n} for the test",
        "always",
        lambda t, g: (
            (count(g["learn"]), count(g["held"])) == (len(t.learned), len(t.held_out))
            and count(g["test"]) in (len(t.test), t.test.all)
        ),
    ),
]

LEARNING = [
    S(
        "The weights of epoch {epoch:n} of {planned:n} are used: validation accuracy {share:p}. They were chosen because "
        "validation was best there; that choice flatters validation a little, never test.",
        "the recipe keeps the best epoch",
        kept_epoch,
    ),
    S(
        "The weights of epoch {epoch:n} of {planned:n} are used: validation accuracy {share:p}.",
        "the recipe keeps the last epoch",
        lambda t, g: False,
    ),
    S(
        "It never did better than naming the most frequent class: it has learned nothing. A lower learning rate is the first "
        "thing to try.",
        "no epoch was more than a point better on validation",
        learned_nothing,
    ),
    S(
        "At the end it was right on {known:p} of the training images but {new:p} of the validation images: it has begun to "
        "overfit. Augmentation, more dropout or more images work against that.",
        "the two differ by more than five points",
        overfits,
    ),
    S("The last epoch was the best one: more epochs may still help.", "it was, and it still made mistakes", last_was_best),
    S(
        "Between epochs only {share:p} of the validation images answered, to save time: the curves are coarse up to the last epoch.",
        "the recipe looks at some of them between epochs",
        lambda t, g: False,
    ),
    S(
        "Training figures are measured while the weights change, on images changed by augmentation and with dropout on, "
        "where the recipe has them, so they lag behind; validation is measured after each epoch.",
        ALWAYS,
    ),
    S(
        "It knows its training images {points:x} points better than new ones. Not tried yet: {means:w}.",
        "the last epoch's training accuracy is more than five points above validation, and there is something that the "
        "recipe does not use",
        gap,
    ),
    S(
        "It is hardly better on its training images than on new ones: a wider network (--set widths=...) or more epochs may "
        "learn more from the same images.",
        "less than one point, and it makes mistakes on validation images",
        lambda t, g: float(t.history[-1]["validation_accuracy"]) < 1 and gap_below(t, 0.01),
    ),
    S(
        "Validation was best in the last epoch, and training images are not yet memorised: try more epochs (seefar train "
        "--resume ... --epochs {epochs:n}).",
        "it was",
        last_was_best,
    ),
    S(
        "It makes no mistake on validation images: harder images would tell more than further training.",
        "it makes none in the last epoch",
        lambda t, g: float(t.history[-1]["validation_accuracy"]) == 1,
    ),
    S(
        "Its probabilities are off by {points:x} points. Divide the logits by {temperature:x} before you show them to "
        "anybody: then it is {after:x}.",
        "they are off by more than three points",
        lambda t, g: off(t, g) and float(g["points"]) > 3,
    ),
    S(
        "{name:w} does worse than chance would explain ({share:p} found, the others {others:p}), and is mostly taken for "
        "{other:w}; it had only {images:n} training images: more of them are the first thing to try.",
        "its recall is significantly lower, and it has fewer than 1,000 training images",
        lambda t, g: is_share(g["share"], shown(t).recall(label(t, g["name"]))),
    ),
    S(
        "One seed says little about small differences: --seeds 5 trains five, and seefar compare summarises them.",
        "always",
    ),
]

INSIDE = [
    S(
        "The first filters were learned; edges and colours are what such filters mostly look for.",
        "they were, and not fitted to the images",
    ),
    S(
        "The first filters were not learned: they are fitted to the training images so that their outputs are uncorrelated "
        "(whitening), each together with its negative.",
        "the network begins with whitening",
        lambda t, g: False,
    ),
    S("Of its {filters:n} learned filters none is dead, a duplicate or mere noise.", "none is", lambda t, g: useless(t) == 0),
    S(
        "Of its {filters:n} learned filters {numbers:w}: a narrower network might do as well.",
        "so many are",
        lambda t, g: useless(t) == sum(int(number) for number in re.findall(r"\d+", g["numbers"])),
    ),
    S(
        "An image of {name:w} on its way: each stage halves height and width and turns what it gets into new maps, from "
        "edges and colours to parts and things; the last one's largest values decide.",
        ALWAYS,
    ),
    S("At the end {share:p} stand for {name:w}.", ALWAYS, lambda t, g: is_share(g["share"], t.inside["path"]["probability"])),
    S(
        "Each row is one channel of the last stage ({channels:w}) and the parts of training images that excite it most: what "
        "they have in common is what the channel looks for.",
        ALWAYS,
    ),
    S("Where the colour is strong, the network found evidence for its prediction.", ALWAYS),
    S(
        "Whether that is so can be tested: when the pixels that {method:w} marks are put back first, the class's probability "
        "is {first:p} on average on the way, with random maps {random:p}; when they are taken away first, {last:p} and "
        "{random_last:p}. It is the most faithful method here.",
        "no other method has a larger difference of the two",
        lambda t, g: faithful(t, g),
    ),
    S(
        "Do not read too much into {methods:w}: single pixels put back first help no more than random ones do.",
        "that is so for them",
        lambda t, g: any(m["insertion"] <= m["random_insertion"] for m in t.inside["methods"].values()),
    ),
    S(
        "A network with random weights gets much the same maps from {methods:w}: they show edges as much as reasons.",
        "the maps' rank correlation is above one half",
        lambda t, g: any(m["similarity"] > 0.5 for m in t.inside["sanity"].values()),
    ),
    S(
        "Each point is an image, placed so that images which the last layer sees alike lie together; ringed ones are mistakes.",
        ALWAYS,
    ),
    S(
        "A vote of the 20 nearest training images would be right {share:p} of the time ({low:p} to {high:p}).",
        ALWAYS,
        lambda t, g: is_share(g["share"], t.inside["neighbours"]["value"]),
    ),
    S("For each class the mean of the most confident images, then the most typical and the least typical ones.", ALWAYS),
    S(
        "{turned:n} of {images:n} images can be turned into another class by a change made for that: the smallest, from "
        "{one:w} to {other:w}, moves pixels by {levels:x} of 255 levels on average, which nobody sees. Like all such "
        "networks, do not use it where somebody may try to fool it.",
        "so many can, the smallest by less than two levels",
        lambda t, g: turned(t, g) and float(g["levels"]) < 2,
    ),
    S(
        "{turned:n} of {images:n} images can be turned into another class by a change made for that: the smallest, from "
        "{one:w} to {other:w}, moves pixels by {levels:x} of 255 levels on average. Like all such networks, do not use it "
        "where somebody may try to fool it.",
        "so many can",
        turned,
    ),
]

FACTS = [
    S("{best:w} is found best, {worst:w} worst", "their recalls differ, and no other class has the same", best_and_worst),
    S("probabilities, corrupted and foreign images, duplicates, labels", ALWAYS),
    S("filters, maps, reasons, neighbours", ALWAYS),
    S("{ideas:n} ideas, the most promising first", ALWAYS, lambda t, g: count(g["ideas"]) == len(t.report["words"]["advice"])),
    S("without augmentation", "the recipe has none"),
    S("augmented anew in every epoch", "the recipe has some"),
    S("{parameters:n} parameters, {products:n} multiply-adds an image", ALWAYS),
    S("{epochs:n} epochs in {time:w}", ALWAYS, lambda t, g: count(g["epochs"]) == len(t.history)),
    S("{decisions:n} decisions", ALWAYS),
    S("{year:n}-{month:n}-{day:n}", ALWAYS),
]

CAPTIONS = [
    S(text, ALWAYS)
    for text in (
        "point or tap: orange is where it looked",
        "In % of each class\N{RIGHT SINGLE QUOTATION MARK}s {split:s} images: blue is right, orange wrong. All counts",
        "The dot is what was measured; another set of as many images would plausibly fall inside the bar.",
        "Each row is a true class, each column a predicted class. Blue is right, orange is wrong. Point at a cell, or tap "
        "it, to see the most confident of these mistakes.",
        "The farther to the right two classes are joined, the more often they are taken for each other; orange ones form a "
        "group, beyond the dotted line: more than twice the average of all pairs.",
        "Of the images of which the network was about equally sure, the share that was right; on the dashed line it would be "
        "as often right as it says. The darker a bar, the more images.",
        "What it would reach if it left the images alone of which it is least sure.",
        "An image passes these layers from top to bottom. Multiply-adds are the products needed for one image: they decide "
        "how long it takes.",
        "The filters that see the pixels, strongest first, all on one scale; middle grey is zero.",
        "Of each layer's filters, how many are of use.",
        "From pixels to probabilities: of each stage the maps with the largest values, on one scale a stage.",
        "A row for each channel of the last stage.",
        "Images made to excite the same channels as much as they can, from a seed: what is left when nothing else counts.",
        "Right answers first, then mistakes: evidence for what the network said.",
        "The probability of the class while pixels of a blurred image are put back sharp, those first that a method marks "
        "most: the sooner it rises, the truer the map.",
        "Distances within a neighbourhood mean something; those between far groups do not.",
        "Mistakes, the training images that look most like them to the network, and the nearest one for which it predicts "
        "another class.",
        "For each class the mean of the most confident, the most typical, and the least typical images.",
        "Images, and what the smallest change found makes of them: to the network they are another class.",
        "Every decision of the run. Change one with --set field=value.",
        "Every decision of the run follows. Change one with --set field=value.",
        "Made by seefar {version:w}. All figures are for {about:w}, computed from the files in the run folder.",
    )
]

CARD = [
    S("It has not been evaluated yet.", "it has not been", lambda t, g: False),
    S(
        "{source:w} {train:n} training and {validation:n} validation images of {size:n}x{again:n} pixels in {classes:n} "
        "classes: {names:w}.",
        "always",
        lambda t, g: (count(g["train"]), count(g["validation"])) == (len(t.learned), len(t.held_out)),
    ),
    S(
        "It answers with one of these classes whatever it is shown: an image of anything else gets one of them, too. Its "
        "figures are for images like those above; on photographs from elsewhere it will be right less often.",
        "always",
    ),
    S(
        "{command:w} with seefar {version:w}; seed {seed:n}, {epochs:n} epochs; recipe.json holds every decision, "
        "report.html everything that came of it.",
        "always",
        lambda t, g: count(g["epochs"]) == len(t.history),
    ),
]

SENTENCES = {
    "The first screen": FIRST,
    "The result in the terminal": HEADLINES,
    "Four sentences that stand first": VERDICT,
    "Warnings": WARNINGS,
    "How good it is, and where it fails": FINDINGS,
    "Whether to trust it": TRUST,
    "The images": IMAGES,
    "Learning, and what to try next": LEARNING,
    "What the network sees": INSIDE,
    "The rest of a model card": CARD,
    "Beside the headings of sections": FACTS,
    "Captions": CAPTIONS,
}
TITLES = [one for one in WARNINGS if one.text[-1].isalpha() and "{" not in one.text]
EVERY = [sentence for group in SENTENCES.values() for sentence in group]
EVERY += [replace(title, text=f"{title.text}:") for title in TITLES]  # as the model card has them

if __name__ == "__main__":
    DOCUMENT.write_text(document(SENTENCES))
