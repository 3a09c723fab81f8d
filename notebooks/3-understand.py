# %% [markdown]
# # 3 · Understand: what the network gets right, what it gets wrong, and what it looks at
#
# **What you will learn**
#
# - how to read a classification report: precision, recall, and the interval of every figure
# - how to read a confusion matrix, and what it says about the classes
# - whether to believe a network that says "I am 90 % sure"
# - what the first filters look for, and how an image changes on its way through the layers
# - where the network looked, and how to test whether that picture is true
#
# It takes about a minute. First we need a network. It is small and learns from all training images except a fifth, which is
# held out for validation. That is more than usual, so that there are enough mistakes to study.

# %%
import seefar as sf

data = sf.load("shapes")
run = sf.train(data, "tiny", validation=0.2, epochs=8, remember=True, quiet=True)
run

# %% [markdown]
# ## The report
#
# We look at validation images here, not at test images: we are studying, and if you study the test images, sooner or later you
# choose by them.

# %%
found = sf.evaluate(run)
found

# %% [markdown]
# Every class has two figures that answer two different questions.
#
# - **Recall**: of the images that *are* of this class, how many did the network find?
# - **Precision**: of the images that it *predicted* as this class, how many really are?
#
# **F1** is a mean of the two that is high only if both are. The interval beside recall says where the figure would be with
# other images of the same kind. With few images it is wide. Do not rank two figures whose intervals overlap a lot.
#
# **Question 1.** A class has a recall of 99 % and a precision of 60 %. What does the network do?
#
# <details><summary>Answer</summary>
#
# It predicts this class too often. It finds almost all images of the class, but of the images that it predicts as this class,
# four in ten are something else. The *column* of that class in the matrix shows where they come from.
#
# </details>
#
# ## The matrix
#
# A row is a true class, a column a predicted class. On the diagonal everything is right. You can compute any figure of the
# report from it. Here are recall and precision of one class by hand:

# %%
matrix, label = found.confusion, 3
right, row = matrix[label][label], sum(matrix[label])
column = sum(line[label] for line in matrix)
print(f"{data.classes[label]}: {right} of {row} were found, recall {right / row:.1%}")
print(f"{right} of {column} that were predicted as so really are, precision {right / column:.1%}")

# %% [markdown]
# Compare with the row of that class in the report above.
#
# The matrix also says which classes look alike to the network. These are the strongest confusions, both directions together:

# %%
for pair in found.pairs[:3]:
    print(f"{pair.one} called {pair.other}: {pair.there}; the other way round: {pair.back}")

# %% [markdown]
# **Question 2.** If most mistakes are between two classes, what would you do?
#
# <details><summary>Answer</summary>
#
# Look at the images first. Perhaps nobody could tell them apart, or some labels are wrong. If you can tell them apart, ask what
# you use to do it, and whether it is still visible in so few pixels. More images of these two classes help more than more
# images of all the others.
#
# </details>
#
# ## The most confident mistakes
#
# Figures do not show *why*. Pictures often do. Below each image are its class, the predicted class, and how confident the
# network was.

# %%
sf.picture(run, "mistakes")

# %% [markdown]
# **Question 3.** Which of these mistakes would you have made yourself, at this size?
#
# <details><summary>Answer</summary>
#
# There is no list of right answers here, but a useful habit: sort mistakes into *forgivable* (I would hesitate, too), *label*
# (the label is wrong, not the network) and *odd* (anybody would see it). Only the odd ones tell what the network has not
# understood.
#
# </details>
#
# ## How certain is "90 % sure"?
#
# The network states a probability with each prediction. If the probabilities are honest, 80 % of the predictions made with 80 %
# are right. Each bar collects predictions of about the same probability. On the dashed line, probability and accuracy agree.

# %%
sf.picture(run, "reliability")

# %% [markdown]
# Bars below the line: over-confident. Bars above: under-confident. On the right is the same after **calibration**: one number
# raises or lowers all probabilities. It changes no prediction, only the confidence.
#
# **Question 4.** Calibration does not change a single prediction. What is it good for?
#
# <details><summary>Answer</summary>
#
# It helps to decide when to ask a person. If a probability of 95 % means what it says, you can let the network decide above it
# and look at the rest yourself. With an over-confident network, the same rule lets far more mistakes pass than you think.
#
# </details>
#
# ## What the first filters look for
#
# `see_inside` opens the network: its filters, what passes through its layers, where it looked. It takes a moment. After that
# you can show every picture by its name.

# %%
inside = sf.see_inside(run, quick=True)
inside

# %% [markdown]
# There is a lot in it; we take it one picture at a time. The first layer has small filters, 3 by 3 points, that slide over the
# image. Each produces a large number wherever the image looks like the filter.

# %%
sf.picture(run, "filters")

# %% [markdown]
# **Question 5.** Some filters are bright on one side and dark on the other; some have one colour on one side and another colour
# on the other. What do they find?
#
# <details><summary>Answer</summary>
#
# Edges: the first kind where it gets darker, the second where one colour meets another. Nobody told the network that outlines
# matter. It learned this because, in these images, nothing else tells the classes apart.
#
# </details>
#
# ## The path of one image through the network
#
# Each stage turns its input into new **feature maps**, one for each filter, and halves height and width. From top to bottom:

# %%
sf.picture(run, "path")

# %% [markdown]
# The first maps still look like the image: edges, here and there. Further down the maps become coarse and strange to us. There
# is less and less *where* in them, and more and more *what*. At the end only one number for each class is left.
#
# **Question 6.** Why does the network throw away where things are?
#
# <details><summary>Answer</summary>
#
# Because the answer does not depend on it: an arrow in the corner is an arrow. Pooling, the step that halves height and width,
# keeps the strongest value of each little square and forgets where in the square it was. So small shifts no longer matter.
#
# </details>
#
# ## What excites a single channel
#
# A channel of the last stage looks for something. What? Ask the training images: for each channel, here are the parts of them
# that excite it most.

# %%
sf.picture(run, "units")

# %% [markdown]
# Look for what the patches of one row have in common, whatever their colour: a corner, a tip, a round end, a gap. If a row has
# no theme that you can name, that is an answer as well: many channels work only together with others.
#
# ## Where it looked
#
# For each image: which parts were evidence for the prediction? The orange ones. The predictions for the first images were
# right; the last ones are mistakes.

# %%
sf.picture(run, "where")

# %% [markdown]
# Such pictures persuade easily, so you have to test them. Cover the image, then put pixels back in the order of the map, the
# most important first. If the map is true, the probability of the predicted class comes back sooner than with a random map:

# %%
sf.picture(run, "scores")

# %% [markdown]
# **Question 7.** One of these curves belongs to random maps. What does it mean if a method is not above it?
#
# <details><summary>Answer</summary>
#
# Its coloured maps say no more about this network than random blobs do, however convincing they look. Do not use them to
# explain anything. This is not rare: it happens with well-known methods.
#
# </details>
#
# You can explain any images. Here are three of the most confident mistakes in the class with the lowest recall, explained by
# **occlusion**: a small patch is covered, place by place. Where covering lowers the probability of the predicted class, the
# place was evidence for it (orange); where it raises the probability, the place was evidence against it (blue).

# %%
worst = min(found.scores, key=lambda score: score.recall.value).name
sf.explain(run, mistakes=True, of_class=worst, most=3, methods=["occlusion"])

# %% [markdown]
# ## The space of images
#
# The last layer sees each image as a list of numbers. Here those lists are arranged in a plane so that images which the network
# sees as similar are close together. Colours are the true classes; ringed points are mistakes.

# %%
sf.picture(run, "space")

# %% [markdown]
# **Question 8.** Where are most ringed points, and why there?
#
# <details><summary>Answer</summary>
#
# Between islands, or at the edge of one. There the network sees an image as something between two classes, and a small detail
# decides. A ringed point in the middle of the island of another class is the interesting case: a wrong label, or an image that
# really looks like the other class.
#
# </details>
#
# ## All of it on one page
#
# Everything you saw, and more, is in the report: one file that opens in any browser and that you can send to anybody.

# %%
sf.report(run)

# %% [markdown]
# ## What you know now
#
# - Recall asks "how many did it find?", precision "how many of its finds are right?"; the matrix holds both.
# - Look at the mistakes before you think about the figures.
# - Check a stated probability before you use it.
# - Filters find edges and colours, later stages parts, the last one classes. On the way, the network forgets where things are.
# - A picture of where the network looked is a claim. It can be tested, and it must be.
#
# Next: [4 · Enhance](4-enhance.ipynb): does a change really help, or was it luck?
