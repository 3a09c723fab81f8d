"""The peer of recipe `deep`: the same network as course notebooks write and train it, in Keras with TensorFlow.

    python3 -m venv /tmp/keras && /tmp/keras/bin/pip install -r benchmarks/peers/requirements-keras.txt
    /tmp/keras/bin/python benchmarks/peers/keras_deep.py ../shared/data/cifar10-jpeg.zip --epochs 5

Written for this project after what such notebooks have in common: float32, batches of 64, augmentation in layers, Adam, and an
evaluation of the test images after each epoch. (Choosing anything by that evaluation would be a mistake; here it only costs its
time, as it does there.) Prints a line an epoch: seconds since the start of training, loss, accuracy on test.
"""

import argparse
import io
import sys
import time
import zipfile

import keras
import numpy as np
from keras import layers
from PIL import Image

STAGES = ((32,), (96, 96), (192, 192))  # channels of the convolutions, as in recipe `deep`
BATCH = 64


def read(path: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """All images of a split of the zip: uint8 (n, 32, 32, 3), and labels (n,); classes in alphabetical order."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if f"{split}/" in name and name.endswith(".jpg"))
        classes = sorted({name.split("/")[-2] for name in names})
        pixels = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")) for name in names])
    return pixels, np.array([classes.index(name.split("/")[-2]) for name in names])


def network() -> keras.Model:
    """Convolution, batch norm, ReLU; max-pooling after each stage; dropout; a dense layer."""
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(2 / 32, 2 / 32, fill_mode="reflect"),
        ]
    )
    for number, stage in enumerate(STAGES, start=1):
        for width in stage:
            model.add(layers.Conv2D(width, 3, padding="same", use_bias=False))
            model.add(layers.BatchNormalization())
            model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
        model.add(layers.SpatialDropout2D(0.06 * number / len(STAGES)))
    model.add(layers.Flatten())
    model.add(layers.Dropout(0.1))
    model.add(layers.Dense(10, activation="softmax"))
    return model


class Clock(keras.callbacks.Callback):
    """Prints a line an epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        print(
            f"epoch {epoch + 1}: {time.perf_counter() - self.began:.0f} s, loss {logs['loss']:.3f}, "
            f"training accuracy {logs['accuracy']:.4f}, test accuracy {logs['val_accuracy']:.4f}",
            flush=True,
        )


def main() -> None:
    """Train and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("images", help="cifar10-jpeg.zip")
    arguments.add_argument("--epochs", type=int, default=5)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    keras.utils.set_random_seed(given.seed)
    train, test = read(given.images, "train"), read(given.images, "test")
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    learned = sum(int(np.prod(weights.shape)) for weights in model.trainable_weights)
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, {learned:,} trainable parameters, batches of {BATCH}")
    sys.stdout.flush()
    model.fit(*train, batch_size=BATCH, epochs=given.epochs, validation_data=test, verbose=0, callbacks=[Clock()])


if __name__ == "__main__":
    main()
