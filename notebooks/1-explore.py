# %% [markdown]
# # 1 · Explore: know your images before anything learns from them
#
# **What you will learn**
#
# - what an image is to a computer, and what a data set consists of
# - how to see at a glance which classes there are, how many images each has, and what they look like
# - why images are split into three parts, and what each part is for
# - what to check before training: balance, brightness, duplicates, test images that are also training images
# - what preparation does to the numbers, and what augmentation does to the images: before and after
#
# It takes a minute. All images here are `shapes`, ten drawn shapes that come with seefar, so that you can run everything
# offline. For photographs, put `sf.load("cifar10")` or the path of your own folder into the next cell; the rest stays as it is.

# %%
import seefar as sf

data = sf.load("shapes")
data

# %% [markdown]
# That is the whole data set in one table. A **class** is a kind of thing that the network has to tell from the others. Each row
# shows a few images of one class.
#
# Look along a row: the same shape comes in every colour, size and direction. Look down a column: colours and patterns do not
# help to tell the classes apart. To sort these images you have to look at the outline. Keep that in mind for the network.
#
# ## What is an image?
#
# To you it is a picture, to a computer a block of numbers.

# %%
pixels = data.train.pixels
print(f"{pixels.shape} numbers of type {pixels.dtype}, from {pixels.min()} to {pixels.max()}")

# %% [markdown]
# Read the four numbers from left to right: the number of images, the rows of each, the columns of each, and three **channels**:
# how much red, green and blue light there is at each point. 0 is none, 255 is as much as a screen can show.
#
# Here is the upper left corner of the first image, four rows by four columns, red only:

# %%
pixels[0, :4, :4, 0]

# %% [markdown]
# Neighbouring numbers are similar, since neighbouring points of an image mostly show the same thing. A convolutional network
# relies on that: it looks at small neighbourhoods first, and then combines what it found there.
#
# **Question 1.** How many numbers describe one image? And if you changed one of them by 10, would you see it?
#
# <details><summary>Answer</summary>
#
# Rows times columns times channels: for images of 32x32 pixels, 32 · 32 · 3 = 3,072. No, you would not see it: many images look
# the same to you although their numbers differ. A network has to learn from examples that they are the same.
#
# </details>
#
# ## One class, many images
#
# Before you trust a label, look at the images that have it. `of_class` picks the images of one class; here the sixth.

# %%
data.train.of_class(data.classes[5])

# %% [markdown]
# **Question 2.** Think of a simple rule, in pixels, to recognise this class ("the middle is red", "the lower half is dark").
# For how many of these images does it hold?
#
# <details><summary>Answer</summary>
#
# For few, whichever rule you take. In each image the thing is in another place and has another size, another colour and another
# background. That is why nobody writes such rules by hand any more: a network learns them from thousands of examples.
#
# </details>
#
# ## The numbers of the data set
#
# `describe` counts and measures everything that you should know before training.

# %%
found = sf.describe(data)
found

# %% [markdown]
# Read it from top to bottom.
#
# - **Balance.** In a balanced set, the smallest and the largest class have the same number of images.
# - **Values.** The curves show how often dark and bright values occur. Two peaks at the ends would mean overexposed or black
#   images; a curve far from the middle would mean that all images are dark, or all are bright.
# - **Duplicates and leaks.** An image that is in training *and* in test makes the test easier than it should be. The last
#   sentence says whether there are any. "Near" is a suspicion, not a proof: simple drawings can look alike without being
#   copies.
#
# **Question 3.** Somebody shows you a network that is right for one image in ten. How good is that?

# %%
most = data.train.counts().max() / len(data.train)
print(f"always naming the most frequent of {len(data.classes)} classes is right for {most:.0%}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# With ten classes of equal size it is worth nothing: a parrot that always says the same word does as well. Always compare an
# accuracy with this figure, which is called **chance**. In a set where nine of ten images are cats, the parrot is right for 90
# %, and a network that is right for 91 % has learned next to nothing.
#
# </details>
#
# ## What all images of a class have in common
#
# Lay all images of a class over each other, and take the mean of each point. How strong is what remains?

# %%
same = data.train.of_class(data.classes[5]).pixels
mean = same.mean(axis=0)
print(f"one image of class {data.classes[5]}: values from {same[0].min()} to {same[0].max()}")
print(f"the mean of all {len(same):,} of them: values from {mean.min():.0f} to {mean.max():.0f}")

# %% [markdown]
# In the mean of a class, almost everything is gone: bright and dark parts are in different places in each image and cancel out.
# So no network that compares an image with a mean image, point by point, can tell these classes apart. It has to find *parts*,
# wherever they are.
#
# ## Three parts, three purposes
#
# | part | who sees it | what for |
# |---|---|---|
# | training | the network, again and again | to learn from |
# | validation | you, after each epoch | to choose: when to stop, which recipe, which learning rate |
# | test | nobody, until the end | to say once how good the network is on images that played no part in any choice |
#
# The data set comes with training and test images. **Validation images are held out from the training images** by a rule with a
# seed, each class in the same proportion; the recipe says how many:

# %%
images, share = len(data.train), sf.RECIPES["tiny"].kept.validation
print(
    f"{share:.0%} of {images:,} training images are held back for validation: {share * images:,.0f}"
)
print(f"{(1 - share) * images:,.0f} remain to learn from")
print(f"{len(data.test):,} test images are never seen in training")

# %% [markdown]
# **Question 4.** The network does not learn from validation images either. Why are they not enough?
#
# <details><summary>Answer</summary>
#
# Because *you* learn from them. If you try twenty recipes and keep the best on validation, part of its lead is luck on exactly
# these images. Your choice flatters the figure. The test images are for one honest look at the end. seefar counts the looks, so
# that nobody can quietly repeat them until the answer pleases.
#
# </details>
#
# ## Preparation: before and after
#
# A network adds and multiplies. It learns slowly if its inputs are large and all of one sign, like 0 to 255. So the first thing
# that happens to a pixel is that the mean is subtracted and the rest is divided by the standard deviation. Red, green and blue
# each have their own mean and deviation. Here it is with the first thousand images:

# %%
images = pixels[:1000].astype(float)
prepared = (images - images.mean(axis=(0, 1, 2))) / images.std(axis=(0, 1, 2))
for name, values in {"before": images, "after": prepared}.items():
    spread = f"{values.min():.2f} to {values.max():.2f}"
    print(f"{name:>6}: mean {values.mean():.2f}, deviation {values.std():.2f}, from {spread}")

# %% [markdown]
# Nothing was added and nothing was lost: the image is the same, in other units. In seefar this step is the first layer of the
# network itself (`scale` in the table of notebook 2), so it cannot be forgotten when the network is used later.
#
# **Question 5.** Mean and deviation are measured on training images only. What would be wrong with measuring them on all
# images?
#
# <details><summary>Answer</summary>
#
# Test images would influence how the network is made. Here the harm is small, but the habit is dangerous: with every such step
# a little more of the test leaks into training, until the test measures nothing.
#
# </details>
#
# ## Augmentation: before and after
#
# There are never enough images. But a mirrored or slightly shifted arrow is still an arrow. **Augmentation** changes each
# training image a little, anew in every epoch, so that the network seldom sees exactly the same numbers twice. On the left is
# each image as it is, then what recipe `deep` makes of it, epoch by epoch:

# %%
sf.augmented(data, "deep", images=5)

# %% [markdown]
# You can look at any change before you train with it. Here is a strong one: images rotated by up to 90 degrees, with a patch
# covered.

# %%
sf.augmented(data, "deep", images=5, rotate=90, cutout=10)

# %% [markdown]
# **Question 6.** Which of these changes would you use for photographs of animals? For handwritten digits?
#
# <details><summary>Answer</summary>
#
# Use changes that do not change the answer. A mirrored cat is a cat, so mirror animals. A mirrored 2 is not a digit, and a 6
# turned upside down is a 9, so never mirror digits, and rotate them by a few degrees only. These shapes have no top or bottom,
# so rotating them is fine. A patch that covers the whole animal teaches the network to guess.
#
# </details>
#
# ## What you know now
#
# - An image is a block of numbers. A data set is such blocks with labels, in three parts with three purposes.
# - *Before* you train, look at the images of each class, at balance and brightness, and for duplicates and leaks.
# - An accuracy means something only beside chance.
# - Preparation changes the units of all images. Augmentation changes the images themselves, in training only.
#
# Next: [2 · Train](2-train.ipynb), where a network learns from these images, first badly, then well.
