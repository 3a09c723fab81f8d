"""SeefarClassifier: training and prediction behind scikit-learn's interface, for pipelines, cross-validation and searches."""

import numbers
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from seefar.data.images import Dataset, ImageSet
from seefar.data.rows import RowsError, as_rows, layout_of
from seefar.errors import UsageError
from seefar.metrics import softmax
from seefar.network_source import give
from seefar.recipe_fields import change, flat, from_json
from seefar.recipes import Recipe
from seefar.runs import folder
from seefar.runs.folder import Run
from seefar.torchrun import only_alone


class SeefarClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn carries no types
    """A convolutional network as a scikit-learn classifier.

        from sklearn.model_selection import cross_val_score
        cross_val_score(sf.SeefarClassifier("baseline", epochs=5), X, y, cv=3)

    **What X may be.** Images `(n, h, h, 3)`, `(n, h, h, 1)` or `(n, h, h)`; or the same, flattened to rows `(n, features)`, which is
    what most of scikit-learn passes on. A row of h * h * 3 numbers is read as `(h, h, 3)`, one of h * h numbers as a grey image.
    Any other number of features, as a plain table has them, is laid out line by line on the smallest square that holds them, the
    rest black: it works, but a network that looks for shapes is seldom the right tool for a table.

    **What happens to it.** uint8 is taken for pixels as they are. Of any other type the smallest number in `fit` becomes black and
    the largest white, over all features together (so bring the columns of a table to one scale first); `predict` clips what lies
    beyond. Every image is then resized to `size`, as image files are.

    **What it learns from.** A part of the rows is held out from `fit` for choosing the best epoch, as in every run of seefar (recipe
    field `validation`), so each class needs at least 2 rows. Where there are fewer images than a batch holds, or where one would
    be left over for batch norm, the batch is made smaller. `recipe_` holds what was carried out. Weights of rows are not supported;
    for uneven classes there is `changes={"balance": "weights"}`.

    Args:
        recipe: a name, such as "tiny", "baseline", "deep" or "fast", or a Recipe.
        network: a callable that returns a `torch.nn.Module`, in the place of the recipe's network: see `seefar.train`.
        size: height and width in pixels at which the network sees the images, 8 to 512.
        epochs: passes over the training images, at most; None: as the recipe says.
        learning_rate: the highest of the run; None: as the recipe says.
        batch_size: images a step; None: as the recipe says.
        changes: further recipe fields with their values, such as `{"dropout": [0, 0.3]}`.
        random_state: an int is the run's seed, and gives the same network each time; a RandomState is drawn from; so is, with None,
            numpy's global one.
        device: "auto", "cpu", "cuda" or "mps".
        threads: on the CPU, for the whole process; None leaves them as they are.
        out: a folder in which each fit leaves its run folder; None: nothing is left on the disk.
        verbose: show the training on stderr.

    Attributes:
        classes_: the classes, in the order of the columns of `predict_proba`.
        n_features_in_: numbers in a row.
        feature_names_in_: names of the columns, where X was a DataFrame.
        layout_: how a row becomes an image (`seefar.data.rows.Layout`).
        recipe_: the Recipe that was carried out.
        history_: one dict an epoch, with losses and accuracies.
        weights_: the network, as the bytes of a safetensors file.
        run_: the run folder, if `out` was given.
    """

    def __init__(
        self,
        recipe: str | Recipe = "deep",
        *,
        network: Callable[..., Any] | None = None,
        size: int = 32,
        epochs: int | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        changes: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = 0,
        device: str = "auto",
        threads: int | None = None,
        out: str | Path | None = None,
        verbose: bool = False,
    ) -> None:
        self.recipe = recipe
        self.network = network
        self.size = size
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.changes = changes
        self.random_state = random_state
        self.device = device
        self.threads = threads
        self.out = out
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 (scikit-learn's name)
        """Train a network on images or rows X and their classes y, of any type.

        Raises:
            RowsError: (a ValueError) there is but one class, or the images have a wrong shape.
            DataError: a class has but one row.
            UsageError: the recipe cannot be carried out.
        """
        from seefar.training.check import choose
        from seefar.training.metadata import folder_name
        from seefar.training.train import train

        only_alone("SeefarClassifier.fit")
        rows, shape = as_rows(X)
        rows, y = validate_data(self, rows, y)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise RowsError(f"y holds only one class, {self.classes_[0]}; a classifier needs rows of at least 2 classes")
        self.layout_ = layout_of(rows, shape, self.size)
        names, ids = tuple(map(str, self.classes_)), tuple(f"row/{i:06d}" for i in range(len(rows)))
        images = ImageSet(self.layout_.images(rows), labels.astype(np.int64), names, ids)
        data = Dataset("rows", images, test=images[:0], source="rows that were given to SeefarClassifier")
        recipe = _with_room(choose(self.recipe, self.size, **self._changes()), data)
        seed = _seed(self.random_state)
        with tempfile.TemporaryDirectory(prefix="seefar-") as place:
            kept = None if self.out is None else folder.create_numbered(Path(self.out) / folder_name(data, recipe, seed))
            options: dict[str, Any] = {"device": self.device, "threads": self.threads, "quiet": not self.verbose}
            run = train(data, recipe, seed, out=kept.path if kept else Path(place, "run"), **options)
            self._keep(run)
        self.run_ = kept
        return self

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """The probability of each class, as the network states it: float64 `(n, classes)`, in the order of `classes_`.

        Raises:
            RowsError: (a ValueError) the images have another shape or range than those that were learned from.
        """
        import safetensors.torch

        from seefar.networks.build import build_network
        from seefar.networks.device import choose_device, choose_precision
        from seefar.networks.inference import predict

        check_is_fitted(self)
        rows = validate_data(self, as_rows(X)[0], reset=False)
        if self.network is not None:
            give(self.network)
        device = choose_device(self.device)
        network = build_network(self.recipe_.network, len(self.classes_), self.layout_.size)
        network.load_state_dict(safetensors.torch.load(self.weights_))
        precision = choose_precision(self.recipe_.optimisation.precision, device)
        return softmax(predict(network.to(device), self.layout_.images(rows), precision))

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The most probable class of each image or row."""
        chosen: np.ndarray = self.predict_proba(X).argmax(1)
        answers: np.ndarray = self.classes_[chosen]
        return answers

    def _changes(self) -> dict[str, Any]:
        """The recipe fields to change. Raises UsageError if one is given in two ways."""
        own = {name: getattr(self, name) for name in ("epochs", "learning_rate", "batch_size")}
        own = {name: value for name, value in own.items() if value is not None}
        changes = dict(self.changes or {})
        own |= {} if self.network is None else {"model": self.network}
        if twice := sorted(own.keys() & changes.keys()):
            raise UsageError(f"{twice[0]} is given both by itself and in changes; give it once")
        return own | changes

    def _keep(self, run: Run) -> None:
        """Take out of the run folder what prediction needs, so that the folder may go."""
        run.verify()
        self.recipe_ = from_json(run.recipe())
        self.history_ = run.history()
        self.weights_ = (run.path / "weights" / f"{self.recipe_.kept.keep}.safetensors").read_bytes()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _seed(random_state: int | np.random.RandomState | None) -> int:
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _with_room(recipe: Recipe, data: Dataset) -> Recipe:
    """The recipe, its batches smaller where there are too few images for them: a search over small folds should not fail by that."""
    training, _ = data.held_out(recipe.kept.validation)
    has_norm = flat(recipe).get("batch_norm", True)
    images, size = len(training), min(recipe.sampling.batch_size, len(training))
    while has_norm and size > 2 and images % size == 1:  # one image has no deviation to be divided by
        size -= 1
    return change(recipe, {"batch_size": size})
