# %% [markdown]
# # 4 · Enhance: does a change really help, or was it luck?
#
# **What you will learn**
#
# - how much luck there is in a single training
# - how to ask a clear question: one base, one change at a time, several seeds, the same images for all
# - how to read the answer: difference, interval, verdict
# - why "no evidence" is not "no effect", and what to do then
# - why many comparisons need a correction, and why test is opened once, at the end
#
# It takes about two minutes.

# %%
import seefar as sf

data = sf.load("shapes", subset=1000)
print(data)

# %% [markdown]
# ## Luck
#
# A training starts from random weights and sees the images in a random order. The **seed** decides both. Here is the same
# recipe three times; only the seed differs. (Batch norm and a high learning rate make a short training enough.)

# %%
BASE = {"batch_norm": True, "dropout": [0, 0], "learning_rate": 0.01, "epochs": 16}

values = []
for seed in (0, 1, 2):
    run = sf.train(data, "tiny", seed=seed, quiet=True, **BASE)
    values.append(sf.evaluate(run).accuracy.value)
    print(f"seed {seed}: {values[-1]:.1%} of the validation images")
print(f"best and worst differ by {100 * (max(values) - min(values)):.1f} points")

# %% [markdown]
# **Question 1.** A friend changes something, trains once, and is happy about one point more. What do you say?
#
# <details><summary>Answer</summary>
#
# Look at the last line above: that much can come from the seed by itself. One training before and one after a change say next
# to nothing about small differences. Your friend needs several seeds, the same ones with and without the change.
#
# </details>
#
# ## A clear question
#
# A **study** is a base and some changes, each with the reason why it might help. Writing the reason down first keeps you
# honest: afterwards, it is easy to find a reason for anything.
#
# Two of these changes could help. The last one, a batch of 60 images instead of 64, should make no difference: it is there to
# check whether the study says so.

# %%
changes = (
    sf.Change("augmentation", "Moved, it is the same.", {"flip": "alternating", "shift": 2}),
    sf.Change("dropout", "No single detail can be relied on.", {"dropout": [0.25, 0.5]}),
    sf.Change("batch of 60", "None: no difference is expected.", {"batch_size": 60}),
)
question = sf.Study("small-study", "What helps with few images?", "tiny", changes, fields=BASE)

# %% [markdown]
# Now every variant is trained with every seed. All share the seeds, the split and the order of the images, so that they can be
# compared in pairs: luck that both have in common cancels out. The test images are opened once, when all trainings have ended.

# %%
found = sf.study(question, data, seeds=5, quiet=True)
found

# %% [markdown]
# ## How to read it
#
# - **Difference**: how many points better a variant is than the base, as a mean over the seeds. It is the dot in the first
#   picture.
# - **Interval**: the bar around the dot. With other seeds the mean would plausibly be within it. If the bar crosses the dashed
#   line at zero, the change may as well do nothing, or harm.
# - **Verdict**: *helps* or *hurts* only if chance alone would hardly produce such a difference; otherwise *no evidence*.
# - **Cost**: the second picture. Consider a variant only if no other is both better and faster; the line joins the variants for
#   which that holds.
#
# The verdicts, and what is behind them:

# %%
for row in found.rows[1:]:
    print(f"{row.variant}: {row.effect.words}")

# %% [markdown]
# **Question 2.** Which verdict has "batch of 60", and what does its interval say?
#
# <details><summary>Answer</summary>
#
# It should be "no evidence", with an interval around zero. Note how wide the interval is all the same: that is the noise that
# every other difference has to exceed. If the verdict is something else here, you have met chance at work: at a level of 5 %,
# one in twenty changes without any effect gets a verdict, which is why the p-values are corrected.
#
# </details>
#
# **Question 3.** "No evidence" for a change: may you write "it does not help"?
#
# <details><summary>Answer</summary>
#
# No. It may help by less than this study can see. The summary says how large a difference would have been found four times in
# five. To find smaller ones you need more seeds: the interval shrinks with the square root of their number, so half the width
# takes four times the seeds.
#
# </details>
#
# **Question 4.** Dropout is praised everywhere. How can it do nothing, or even harm, in a study like this one?
#
# <details><summary>Answer</summary>
#
# A technique solves a problem. Dropout works against overfitting, at the price of slower learning. In a short training of a
# small network there is no time to earn that back. With more epochs, or a larger network, the same change may help: a verdict
# holds for the base and the budget that it was measured with.
#
# </details>
#
# **Question 5.** Why are p-values corrected for the number of changes (Holm)?
#
# <details><summary>Answer</summary>
#
# If you make twenty comparisons, and believe every result that chance produces in one case of twenty, you will believe about
# one wrong result. The correction raises the bar with the number of comparisons, so that the whole study errs in one case of
# twenty, not each line.
#
# </details>
#
# ## Which images are gained?
#
# A mean hides which classes gain and which lose. Here are points of recall, class by class:

# %%
best = max(found.rows[1:], key=lambda row: row.effect.value).variant
recall = dict(zip(found.classes, found.by_class[best], strict=True))
print(f"{best} against the base:")
for name in sorted(recall, key=recall.get):
    print(f"{name:>12}: {100 * recall[name]:+.1f} points")

# %% [markdown]
# **Question 6.** A change helps on average and harms one class a lot. When would you not use it?
#
# <details><summary>Answer</summary>
#
# When that class is the one that matters: the tumour, the pedestrian. The mean treats all classes alike; your purpose may not.
#
# </details>
#
# ## Built-in studies
#
# The steps from the plain to the deep network are a study, too, and so are optimisers, augmentation, regularisation and the
# techniques of recipe `fast`. They take longer: let `sf.study("enhancement", "cifar10", seeds=5)` run overnight. If it is
# interrupted, the same line resumes it.
#
# ## What you know now
#
# - One training is one roll of the dice. Differences need several seeds, in pairs.
# - Before you train, say what you change and why.
# - Read the interval before the mean. "No evidence" calls for more seeds, or for no claim.
# - Choose on validation. Test is opened once and says what the choice was worth.
#
# Next: [5 · Your own images](5-your-own-images.ipynb).
