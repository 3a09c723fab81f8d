"""Two peers: the plain network and the deep one as course notebooks write and train them, in Keras with TensorFlow.

    python3 -m venv /tmp/keras && /tmp/keras/bin/pip install -r benchmarks/peers/requirements-keras.txt
    /tmp/keras/bin/python benchmarks/peers/keras_notebook.py ARRAYS.npz --network deep

Written for this project after what such notebooks have in common: float32, batches of 64, Adam; the deep one with augmentation in
layers, batch norm and dropout. `deep` has the convolutions of recipe `deep`, `plain` those of `baseline`.
"""

import keras
import numpy as np
from keras import layers
from peer import Clock, finish, options, splits

DEEP = ((32,), (96, 96), (192, 192))  # channels of the convolutions
PLAIN = ((32,), (64,), (128,))
BATCH = 64
EPOCHS = 100  # more than there is time for


def plain() -> keras.Model:
    """Convolution, ReLU, max-pooling, three times; a hidden dense layer with dropout."""
    model = keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 255)])
    for (width,) in PLAIN:
        model.add(layers.Conv2D(width, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    for layer in (
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ):
        model.add(layer)
    return model


def deep() -> keras.Model:
    """Convolution, batch norm, ReLU; max-pooling after each stage; dropout; a dense layer."""
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(2 / 32, 2 / 32, fill_mode="reflect"),
        ]
    )
    for number, stage in enumerate(DEEP, start=1):
        for width in stage:
            model.add(layers.Conv2D(width, 3, padding="same", use_bias=False))
            model.add(layers.BatchNormalization())
            model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
        model.add(layers.SpatialDropout2D(0.06 * number / len(DEEP)))
    for layer in (layers.Flatten(), layers.Dropout(0.1), layers.Dense(10, activation="softmax")):
        model.add(layer)
    return model


class Look(keras.callbacks.Callback):
    """Looks at validation after each epoch, and ends the training when the time is up."""

    def __init__(self, clock: Clock, validation: tuple[np.ndarray, np.ndarray]) -> None:
        super().__init__()
        self.clock, self.validation = clock, validation

    def on_epoch_end(self, epoch: int, _logs: dict[str, float] | None = None) -> None:
        if self.clock.look(epoch + 1, lambda: accuracy(self.model, self.validation)):
            self.model.stop_training = True


def accuracy(model: keras.Model, images: tuple[np.ndarray, np.ndarray]) -> float:
    """Share of images that are right."""
    return float((model.predict(images[0], batch_size=500, verbose=0).argmax(1) == images[1]).mean())


def main() -> None:
    """Train and print."""
    given = options(__doc__ or "", network=("plain", "deep"))
    keras.utils.set_random_seed(given.seed)
    images = splits(given.arrays)
    clock = Clock(given.seconds)
    model = {"plain": plain, "deep": deep}[given.network]()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*images["train"], batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[Look(clock, images["validation"])])
    finish(clock, test=accuracy(model, images["test"]))


if __name__ == "__main__":
    main()
