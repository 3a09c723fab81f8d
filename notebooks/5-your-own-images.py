# %% [markdown]
# # 5 · Your own images: from a folder to predictions
#
# **What you will learn**
#
# - how to lay out a folder of images so that a network can learn from it, and what to do about bad files
# - the whole path: load, check, train, evaluate once, report
# - what to do with very few images: start from a network that has learned from others
# - how to classify new images, and what the prediction means, and does not mean
#
# It takes a minute. To follow with images of your own, leave out the cells that make folders, and put your paths in place of
# `photos`, `others` and `new`.
#
# ## A folder
#
# Make one folder for each class. Its name is the name of the class, and inside are images of any size and format (PNG, JPEG,
# WebP...):
#
# ```
# photos/
#   cat/    IMG_0001.jpg  IMG_0007.png ...
#   dog/    ...
# ```
#
# Here we imitate that: we write 30 images of each of four classes into such a folder. One file in it is broken, as one always
# is.

# %%
import seefar as sf

shapes = sf.load("shapes")
mine = shapes.classes[:4]

for name in mine:
    shapes.train.of_class(name)[:30].save("photos")
with open(f"photos/{mine[0]}/broken.png", "wb") as file:
    file.write(b"this is no picture")

# %% [markdown]
# ## Load
#
# seefar does not guess what to do with a file that it cannot read. It stops and names the file:

# %%
try:
    sf.load("photos")
except sf.SeefarError as error:
    print(error, *error.details, sep="\n  ")

# %% [markdown]
# If the rest is fine, say so. The report will list what was left out.

# %%
data = sf.load("photos", skip_bad=True)
data

# %% [markdown]
# A fifth of each class was set aside as test images, by a rule with a seed, since the folder has no test images of its own. If
# you have some, make two folders, `train/<class>/` and `test/<class>/`. That is better, above all if several of your images
# show the *same* thing: then all of these belong on one side.
#
# **Question 1.** You took ten pictures of each of 20 dogs. Why may a random split give a test that is too easy?
#
# <details><summary>Answer</summary>
#
# Some pictures of each dog end up in training, others in test. In the test, the network can be right because it recognises
# *that dog* and its sofa. In real use it will meet other dogs. Split by dog, not by picture.
#
# </details>
#
# ## Check
#
# Large images are cropped to the square in their middle and resized to 32x32 pixels (use `sf.load("photos", size=64)` for
# more). Check whether *you* can still tell the classes apart in the table above. Then look at the numbers:

# %%
sf.describe(data)

# %% [markdown]
# ## Train
#
# About twenty images of each class remain to learn from. We use recipe `deep` with a narrow network and small batches, so that
# even so few images give several steps an epoch. The number of epochs is fixed, since there are too few validation images to
# steer by. First, from scratch:

# %%
WIDTHS = {"widths": [[16], [32, 32], [64, 64]]}
FEW = {"batch_size": 16, "epochs": 30, "patience": 0, "schedule": "linear", "averaging": 0.0}

scratch = sf.train(data, "deep", keep="last", quiet=True, **WIDTHS, **FEW)
scratch

# %% [markdown]
# **Question 2.** How many validation images are there, and how far can you trust an accuracy that is measured on them?
#
# <details><summary>Answer</summary>
#
# A tenth of so few images is a handful. One image more or less moves the figure by several points. Choose by it if you must,
# but do not believe its digits.
#
# </details>
#
# ## Few images? Start from another network
#
# Edges, corners and round ends are the same everywhere. So we first train the same network on *other* classes, of which there
# are many images, and continue from its weights. Only the last layer, which knows the classes, is new. Here the other classes
# are the six shapes that are not ours; for photographs CIFAR-10 is a good start: `sf.load("cifar10")`.

# %%
for name in shapes.classes[4:]:
    shapes.train.of_class(name)[:300].save("others")

teacher = sf.train(sf.load("others"), "deep", epochs=10, quiet=True, **WIDTHS)
started = sf.train(data, "deep", start=teacher, keep="last", quiet=True, **WIDTHS, **FEW)
started

# %% [markdown]
# ## One look at test
#
# We have two candidates and hardly any validation images to choose by. So we take one look for each, and say so.

# %%
runs = {"from scratch": scratch, "started from another": started}
for name, run in runs.items():
    share = sf.evaluate(run, "test").accuracy
    print(f"{name:>20}: {share.value:.1%}, plausibly {share.low:.0%} to {share.high:.0%}")

# %% [markdown]
# Look at the intervals: with so few test images they are wide. Both networks saw the *same* test images, so compare them image
# by image; that tells more than two percentages:

# %%
sf.compare(runs)

# %% [markdown]
# **Question 3.** What would make the test more informative: more epochs, or more test images?
#
# <details><summary>Answer</summary>
#
# More test images. The width of the interval depends mainly on their number: four times as many halve it.
#
# </details>
#
# ## New images
#
# Now the purpose of it all: images without a label. They are prepared exactly like the training images; the table shows what
# the network saw of them.

# %%
for name in mine:
    shapes.test.of_class(name)[:2].save("new")

sf.predict(started, ["new"])

# %% [markdown]
# The name of the folder before each file is the true class here, so you can check. The network does not see names.
#
# ## What it cannot say
#
# The network knows four words. What does it say about something that it never saw?

# %%
shapes.test.of_class(shapes.classes[-1])[:3].save("strange")

answers = sf.predict(started, ["strange"])
answers

# %%
surest = max(answer.probability for answer in answers)
print(f"the surest of these answers has a probability of {surest:.0%}")

# %% [markdown]
# **Question 4.** All three images show something that is none of its classes. Why does the network not say so?
#
# <details><summary>Answer</summary>
#
# It has no word for it. The probabilities of its classes always add up to 1, so one of them has to be the largest, and it can
# be large. A confident network has not understood: it has found that the image is *more like* this class than like the others.
# If out-of-distribution images can occur, add a class of "other things", and check with `sf.out_of_distribution` how well the
# network notices them.
#
# </details>
#
# ## What remains
#
# Everything is in the run's folder: weights, figures, the page. Take the folder with you, and open it again with `sf.open_run`.

# %%
print(sf.report(started))

# %% [markdown]
# ## What you know now
#
# - A folder of folders is a data set. Bad files are named, never silently dropped.
# - Images of the same thing belong on the same side of the split.
# - With few images, start from another network, and report intervals instead of digits.
# - A network answers every question. Its probability says which of its classes is likeliest, not whether any of them is right.
#
# Back to the beginning: [1 · Explore](1-explore.ipynb), with your own images this time.
