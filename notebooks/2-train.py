# %% [markdown]
# # 2 · Train: from the plain network to the deep one
#
# **What you will learn**
#
# - what a convolutional network is made of, layer by layer, and where its parameters are
# - how to read the curves of a training, and how to see that a network learns by heart
# - what each technique is for: augmentation, batch norm, more layers, dropout, schedules, early stopping
# - how to find a learning rate, and what one that is too high looks like
# - how to compare two networks fairly, and how to look at the test images once
#
# It takes about a minute. We train on only 2,000 images, because that is the situation of most projects: there are never enough
# images, and what to do about it is half of the craft.

# %%
import seefar as sf

data = sf.load("shapes", subset=2000)
print(data)

# %% [markdown]
# ## What a network is made of
#
# A **recipe** is every decision of a training, written down. `tiny` is the smallest one in seefar. Here are the layers of its
# network, for ten classes and images of 32x32 pixels; an image enters at the top.

# %%
sf.summary("tiny")

# %% [markdown]
# - `Conv2d` slides small filters over the image: each gives one new map that says where its pattern is. The first number of the
#   output counts the maps.
# - `MaxPool2d` keeps the largest of each four neighbours, so height and width are halved.
# - `ReLU` replaces negative numbers by 0. Without such a bend, all layers together could do no more than a single one.
# - `Linear` joins everything with everything. The last one has one output for each class.
#
# **Question 1.** Which layer has most of the parameters? Which do most of the work (multiply-adds)?
#
# <details><summary>Answer</summary>
#
# Most parameters are in the first `Linear` layer, since it joins every value of all maps with every one of its units. Most of the
# work is done by the convolutions: they have few weights, but use each of them at every place of the image. That is the idea of
# a convolution: what is learned at one place is known at all places.
#
# </details>
#
# ## The first training
#
# Before it has learned anything, the network says about the same for every class. Its **loss**, the figure that training makes
# smaller, is then the logarithm of the number of classes: about 2.3 for ten. In each **epoch** the network sees every training
# image once, 64 at a time, and after each 64 all weights are moved a little so that the loss becomes smaller.
#
# This is the plain network, with nothing against learning by heart. Watch the columns `accuracy` (on the training images) and
# `val acc` (on the validation images, which it does not learn from).

# %%
plain = sf.train(data, "tiny", dropout=[0, 0], epochs=20)

# %% [markdown]
# A run shows itself: the same figures as curves, and what they say in words.

# %%
plain

# %% [markdown]
# **Question 2.** The training loss falls and falls, the validation loss does not. What is going on?
#
# <details><summary>Answer</summary>
#
# The network learns its training images **by heart** (overfitting). It has far more parameters than there are images, so it can
# store what is special about each: this pattern of the ground, that speck. That lowers the training loss and is of no use for new
# images. Only the *gap* between the two curves shows it, which is why validation images are held back.
#
# </details>
#
# **Question 3.** At the end the validation loss may rise while the validation accuracy does not fall. How can that be?
#
# <details><summary>Answer</summary>
#
# Accuracy only asks whether the right class came first. The loss also asks how sure the network was. A network that learns by
# heart becomes surer and surer, of its mistakes as well, and a sure mistake costs a lot.
#
# </details>
#
# ## More images for nothing: augmentation
#
# What is learned by heart is of no use if the images change a little in every epoch. Mirrored every other time and moved by up to
# two pixels, they still show the same things. Everything else stays as it was.

# %%
VARIATIONS = {"flip": "alternating", "shift": 2}

varied = sf.train(data, "tiny", dropout=[0, 0], epochs=20, quiet=True, **VARIATIONS)
varied

# %% [markdown]
# Look at the gap between the two curves, and compare it with the one above.


# %%
def last(run):
    """What the last epoch says, in percent."""
    row = run.history()[-1]
    training, validation = row["accuracy"], row["validation_accuracy"]
    gap = 100 * (training - validation)
    return f"training {training:.1%}, validation {validation:.1%}, gap {gap:.1f} points"


print("plain:          ", last(plain))
print("with variations:", last(varied))

# %% [markdown]
# **Question 4.** The accuracy on *training* images is lower with augmentation. Is that bad?
#
# <details><summary>Answer</summary>
#
# No. It is the point: the task has become harder, since no image comes twice in the same form. The training figure is measured
# on these harder images. Nobody needs a network for its training images.
#
# </details>
#
# ## More layers, kept in order: depth and batch norm
#
# Two convolutions in a row see a larger part of the image than one, and can combine what the first has found. But values can grow
# or shrink from layer to layer, and then the later layers learn slowly. **Batch norm** brings them back to mean 0 and deviation 1
# after each convolution. The two go together.

# %%
DEPTH = {"widths": [[16], [32, 32], [64, 64]], "batch_norm": True}  # maps, stage by stage

deeper = sf.train(data, "tiny", dropout=[0, 0], epochs=20, quiet=True, **VARIATIONS, **DEPTH)
print("with more layers:", last(deeper))
sf.summary("tiny", **DEPTH)

# %% [markdown]
# ## The careful recipe
#
# `deep` is all of this, and more. Its fields are its table of contents; open the list if you are curious.

# %%
sf.RECIPES["deep"]

# %% [markdown]
# What the techniques are for, and the fields that set them:
#
# | technique | fields | what it is for |
# |---|---|---|
# | augmentation | `flip`, `shift`, `rotate`... | no image comes twice in the same form: less is learned by heart |
# | more layers | `widths` | larger parts are seen, and found patterns are combined |
# | batch norm | `batch_norm` | values keep a steady size, so that deep networks learn quickly |
# | dropout | `dropout`, `spatial_dropout` | parts are switched off by chance: no single detail can be relied on |
# | label smoothing | `label_smoothing` | the network is not pushed to be wholly sure |
# | optimiser | `optimiser`, `momentum` | how a step is made from the slope of the loss |
# | schedule | `schedule`, `warmup` | large steps first, small ones at the end: first the valley, then its bottom |
# | running average | `averaging` | the mean of the last weights is steadier than any of them |
# | early stopping | `patience` | epochs that bring nothing are not waited for |
#
# With the narrow widths from above, so that it stays quick:

# %%
deep = sf.train(data, "deep", epochs=20, quiet=True, **DEPTH)
deep

# %% [markdown]
# Look at the lowest curve: the learning rate. Where it drops, validation had stopped to improve: the **plateau schedule** answers
# with smaller steps. A vertical line at the end says that training stopped by itself (**early stopping**); if there is none,
# the planned epochs were over first.
#
# **Question 5.** Here the training accuracy can be *below* the validation accuracy. How?
#
# <details><summary>Answer</summary>
#
# Training is measured under harder conditions: on changed images, with parts of the network switched off (dropout), and in the
# middle of the epoch, before it has learned all of it. Validation is measured afterwards, on images as they are, with the whole
# network and the running average of its weights.
#
# </details>
#
# ## The learning rate: the one number that must not be wrong
#
# It says how far the weights move in each step. `find_rate` lets it grow from tiny to huge in a short trial, and shows where
# learning begins and where it breaks out. Here for the network with more layers:

# %%
sf.find_rate(data, "tiny", dropout=[0, 0], **DEPTH)

# %% [markdown]
# Far to the left nothing happens. In the middle the loss falls: there training works. On the right it shoots up. The line marks a
# tenth of the rate at which the loss was lowest: a good first guess, not more.
#
# And this is what comes of a rate that is far too high, for the plain network a hundred times that of its recipe:

# %%
try:
    sf.train(data, "tiny", dropout=[0, 0], epochs=3, learning_rate=0.2, quiet=True)
except sf.SeefarError as error:
    print(error)

# %% [markdown]
# The loss has left all bounds: **diverged**. seefar notices, stops, and keeps what was good before.

# %% [markdown]
# **Question 6.** How would you recognise a rate that is far too *low*?
#
# <details><summary>Answer</summary>
#
# The curves fall evenly and slowly, and are still falling when training ends. Nothing is broken: it would only take forever.
# Too high is louder: the loss explodes, jumps, or stays at that of guessing, because each step throws away what the one before it
# learned.
#
# </details>
#
# ## A fair comparison
#
# All four networks judged the same validation images, so they can be compared image by image. That takes much less luck than
# comparing two percentages.

# %%
runs = {"plain": plain, "with variations": varied, "more layers": deeper, "deep": deep}
for run in runs.values():
    sf.evaluate(run)
sf.compare(runs, split="validation")

# %% [markdown]
# A difference counts if its interval does not touch 0. Two things to keep in mind. These are few validation images, so the
# intervals are wide. And each network is one roll of the dice: with another seed each would be a little better or worse.
# Notebook 4 is about that.
#
# ## One look at the test images
#
# We chose among four networks by their validation figures, so the winner's figure there is a little flattered. Now, once and at the
# end, the images that nothing was chosen by:

# %%
final = sf.evaluate(deep, "test")
share = final.accuracy
print(f"test accuracy {share.value:.1%}, plausibly {share.low:.1%} to {share.high:.1%}")
print(f"this was look number {final.look} at the test images with this network")

# %% [markdown]
# The look is counted and stands in every report. Looking is not forbidden. But whoever looks ten times and tells the best figure
# has tested nothing, and the count shows it.
#
# **Question 7.** After this look you have an idea how to make the network better. May you try it?
#
# <details><summary>Answer</summary>
#
# Of course. Choose by validation again, as before. The next look at test is the second one, and honest people say so. If you
# went on until the test figure pleases you, it would have become one more validation figure.
#
# </details>
#
# ## What you know now
#
# - A network is a stack of simple layers; convolutions do the work, pooling forgets where things are.
# - The gap between training and validation shows what is learned by heart. Augmentation is the first thing against it.
# - Depth needs batch norm; schedules and early stopping react to what validation says.
# - If nothing is learned at all, look at the learning rate first.
# - Choose on validation, look at test once, count the looks.
#
# Next: [3 · Understand](3-understand.ipynb) opens such a network and looks inside.
