# %% [markdown]
# # 2 · Train: from the plain network to the deep one
#
# **What you will learn**
#
# - what a convolutional network is made of, layer by layer, and where its parameters are
# - how to read the curves of a training, and how to see that a network overfits
# - what each technique is for: augmentation, batch norm, more layers, dropout, schedules, early stopping
# - how to find a learning rate, and what one that is too high looks like
# - how to compare two networks fairly, and how to look at the test images once
#
# It takes about a minute. We train on only 2,000 images, because most projects are like that: there are never enough images,
# and half of the craft is what to do about it.

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
# - `Conv2d` slides small filters over the image. Each filter produces one new map that says where its pattern is. The first
#   number of the output is the number of maps.
# - `MaxPool2d` keeps the largest of each four neighbours, so height and width are halved.
# - `ReLU` replaces negative numbers by 0. Without such a bend, all layers together could do no more than a single one.
# - `Linear` connects every input with every output. The last one has one output for each class.
#
# **Question 1.** Which layer has most of the parameters? Which do most of the work (multiply-adds)?
#
# <details><summary>Answer</summary>
#
# Most parameters are in the first `Linear` layer, since it connects every value of all maps with every one of its units. Most
# of the work is done by the convolutions: they have few weights, but use each of them at every place of the image. That is the
# idea of a convolution: what is learned at one place is known at all places.
#
# </details>
#
# ## The first training
#
# Before it has learned anything, the network gives about the same probability to every class. Its **loss**, the figure that
# training makes smaller, is then the logarithm of the number of classes: about 2.3 for ten. In each **epoch** the network sees
# every training image once, 64 at a time, and after each 64 all weights change a little so that the loss becomes smaller.
#
# This is the plain network, with nothing against overfitting. Watch the columns `accuracy` (on the training images) and `val
# acc` (on the validation images, from which it does not learn).

# %%
plain = sf.train(data, "tiny", dropout=[0, 0], epochs=20)

# %% [markdown]
# In a notebook, a run shows itself: the same figures as curves, and what they mean in words.

# %%
plain

# %% [markdown]
# **Question 2.** The training loss falls and falls, the validation loss does not. What is going on?
#
# <details><summary>Answer</summary>
#
# The network **overfits**: it memorises its training images. It has far more parameters than there are images, so it can store
# what is special about each: this pattern of the background, that speck. That lowers the training loss and is of no use for new
# images. Only the *gap* between the two curves shows it, which is why validation images are held out.
#
# </details>
#
# **Question 3.** At the end the validation loss may rise while the validation accuracy does not fall. How can that be?
#
# <details><summary>Answer</summary>
#
# Accuracy only asks whether the right class came first. The loss also asks how confident the network was. A network that
# overfits becomes more and more confident, about its mistakes as well, and a confident mistake costs a lot.
#
# </details>
#
# ## More images for free: augmentation
#
# Memorising images is of no use if they change a little in every epoch. Mirrored every other time and shifted by up to two
# pixels, they still show the same things. Everything else stays as it was.

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
# on these harder images. And nobody needs a network for its training images.
#
# </details>
#
# ## More layers, and batch norm to keep them stable
#
# Two convolutions in a row see a larger part of the image than one, and can combine what the first has found. But values can
# grow or shrink from layer to layer, and then the later layers learn slowly. **Batch norm** brings them back to mean 0 and
# deviation 1 after each convolution. The two go together.

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
# | augmentation | `flip`, `shift`, `rotate`... | no image comes twice in the same form: less overfitting |
# | more layers | `widths` | larger parts are seen, and found patterns are combined |
# | batch norm | `batch_norm` | values keep a steady size, so that deep networks learn quickly |
# | dropout | `dropout`, `spatial_dropout` | parts are switched off at random: the network cannot rely on a single detail |
# | label smoothing | `label_smoothing` | the network is not pushed to full certainty |
# | optimiser | `optimiser`, `momentum` | how a step is made from the slope of the loss |
# | schedule | `schedule`, `warmup` | large steps first, small ones at the end: first the valley, then its bottom |
# | exponential moving average | `averaging` | the mean of the last weights is steadier than any of them |
# | early stopping | `patience` | training stops when further epochs bring nothing |
#
# With the narrow widths from above, so that it stays quick:

# %%
deep = sf.train(data, "deep", epochs=20, quiet=True, **DEPTH)
deep

# %% [markdown]
# Look at the lowest curve: the learning rate. It drops where validation did not improve: the **plateau schedule** answers
# with smaller steps. A vertical line at the end says that training stopped by itself (**early stopping**). If there is no line,
# training went on to the last planned epoch.
#
# **Question 5.** Here the training accuracy can be *below* the validation accuracy. How?
#
# <details><summary>Answer</summary>
#
# Training accuracy is measured under harder conditions: on augmented images, with parts of the network switched off (dropout),
# and in the middle of the epoch, before the network has learned all of it. Validation accuracy is measured afterwards, on
# images as they are, with the whole network and the exponential moving average of its weights.
#
# </details>
#
# ## The learning rate: the one number that must not be wrong
#
# It says how far the weights move in each step. `find_rate` raises it from tiny to huge in a short trial, and shows where
# learning begins and where the loss explodes. Here it is for the network with more layers:

# %%
sf.find_rate(data, "tiny", dropout=[0, 0], **DEPTH)

# %% [markdown]
# Far to the left nothing happens. In the middle the loss falls: there training works. On the right it shoots up. The line marks
# a tenth of the learning rate at which the loss was lowest: a good first guess, not more.
#
# And this is what happens when the learning rate is far too high, here for the plain network a hundred times that of its
# recipe:

# %%
try:
    sf.train(data, "tiny", dropout=[0, 0], epochs=3, learning_rate=0.2, quiet=True)
except sf.SeefarError as error:
    print(error)

# %% [markdown]
# The loss has grown beyond all bounds: the training has **diverged**. seefar notices, stops, and keeps the weights from before.

# %% [markdown]
# **Question 6.** How would you recognise a learning rate that is far too *low*?
#
# <details><summary>Answer</summary>
#
# The curves fall evenly and slowly, and are still falling when training ends. Nothing is broken; it would only take forever.
# One that is too high is easier to see: the loss explodes, jumps, or stays at that of guessing, because each step destroys what
# the one before it learned.
#
# </details>
#
# ## A fair comparison
#
# All four networks judged the same validation images, so we can compare them image by image. Such a paired comparison depends
# much less on luck than a comparison of two percentages.

# %%
runs = {"plain": plain, "with variations": varied, "more layers": deeper, "deep": deep}
for run in runs.values():
    sf.evaluate(run)
sf.compare(runs, split="validation")

# %% [markdown]
# A difference counts if its interval does not include 0. Keep two things in mind. These are few validation images, so the
# intervals are wide. And each network is one roll of the dice: with another seed each would be a little better or worse.
# Notebook 4 is about that.
#
# ## One look at the test images
#
# We chose among four networks by their validation figures, so the winner's figure there is a little flattered. Now, once and at
# the end, we look at the images that played no part in any choice:

# %%
final = sf.evaluate(deep, "test")
share = final.accuracy
print(f"test accuracy {share.value:.1%}, plausibly {share.low:.1%} to {share.high:.1%}")
print(f"this was look number {final.look} at the test images with this network")

# %% [markdown]
# The look is counted, and every report shows the count. Looking is not forbidden. But if you look ten times and report the best
# figure, you have tested nothing, and the count shows it.
#
# **Question 7.** After this look you have an idea how to make the network better. May you try it?
#
# <details><summary>Answer</summary>
#
# Of course. Choose by validation again, as before. The next look at test is the second one, and honest people say so. If you
# continued until the test figure pleases you, it would have become one more validation figure.
#
# </details>
#
# ## What you know now
#
# - A network is a stack of simple layers. Convolutions do the work; pooling forgets where things are.
# - The gap between training and validation shows overfitting. Augmentation is the first remedy.
# - Depth needs batch norm. Schedules and early stopping react to validation.
# - If the network learns nothing at all, look at the learning rate first.
# - Choose on validation, look at test once, count the looks.
#
# Next: [3 · Understand](3-understand.ipynb) opens such a network and looks inside.
