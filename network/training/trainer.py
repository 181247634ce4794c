"""Train the compiled model by epochs, and save a checkpoint after each epoch."""

import math
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from common.console import progress
from common.errors import fail, first_line
from dataset.stage import atomic_folder, write_stage
from network.data.augmentation import batches, prefetch
from network.data.input import Input
from network.evaluation.plots import plot_curves
from network.model.architecture import build_network, take_features
from network.model.optimizer import Muon
from network.recipe import Recipe
from network.training.checkpoint import START_AGAIN
from network.training.parallel.devices import data_parallel, shard_validation, without_distribution
from network.training.parallel.processes import process

LOG = ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]


def build_training(network, steps: int, recipe: Recipe, optimizer: Callable = Muon):
    """Return a model around the network, compiled for training; the network has no optimizer."""
    training = keras.Sequential([keras.Input(network.input_shape[1:]), network])
    warm_up = max(1, int(recipe.warm_up * steps))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm_up), warmup_target=recipe.learning_rate, warmup_steps=warm_up
    )
    losses = {
        "crossentropy": keras.losses.CategoricalCrossentropy,
        "focal": keras.losses.CategoricalFocalCrossentropy,
    }
    optimizer = optimizer(rate, weight_decay=recipe.weight_decay)
    training.compile(optimizer, losses[recipe.loss](), weighted_metrics=["accuracy"])
    return training


def best_epoch(log: list[dict]) -> int:
    """Return the epoch with the highest validation accuracy, or 0 without epochs.

    The lower validation loss decides a tie.
    """
    figures = [(epoch["val_accuracy"], -epoch["val_loss"]) for epoch in log]
    return figures.index(max(figures)) + 1 if log else 0


def load_checkpoint(checkpoint: Path, recipe: Recipe):
    """Return the model and the log of a stopped run. Raises UserError if a file is broken."""
    try:
        log = pd.read_csv(checkpoint / "training_log.csv").to_dict("records")
        best = max(epoch["val_accuracy"] for epoch in log)
        # Seed before loading, because dropout draws its seed during the load
        keras.utils.set_random_seed(recipe.seed + len(log))
        path = checkpoint / "training.keras"
        training = keras.saving.load_model(path, custom_objects={"Muon": Muon})
    except Exception as error:  # a broken file raises whatever its CSV, zip or HDF5 reader raises
        fail(checkpoint, f"can't be resumed ({first_line(error)})", START_AGAIN)
    print(f"resuming after epoch {len(log)}, best so far {best:.3f}")
    return training, log


def save_checkpoint(
    checkpoint: Path, training, log: list[dict], arguments: dict, counts: dict[str, int]
) -> None:
    """Replace the checkpoint as a whole, so that a killed run loses one epoch at most."""
    with atomic_folder(checkpoint, "train.py") as new:
        training.save(new / "training.keras")
        if best_epoch(log) == len(log):
            training.get_layer("network").save(new / "best.keras")
        else:
            shutil.copyfile(checkpoint / "best.keras", new / "best.keras")
        pd.DataFrame(log).to_csv(new / "training_log.csv", index=False, lineterminator="\n")
        plot_curves(pd.DataFrame(log), new / "training_curves.png")
        write_stage(new, "train.py", checkpoint, arguments, counts, {})


def duration(seconds: float) -> str:
    """Return a duration as text: `40 s`, `12 min`, `1 h 5 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def describe(epoch: dict, epochs: int, seconds: float) -> str:
    """Return a line with an epoch's figures and the time left.

    `seconds` is the mean time of an epoch.
    """
    figures = ", ".join(f"{name} {epoch[name]:.3f}" for name in LOG[1:])
    figures = figures.replace("val_", "validation ")
    left = duration(seconds * (epochs - epoch["epoch"]))
    return f"epoch {epoch['epoch']}/{epochs}: {figures}; {duration(seconds)} each, {left} left"


def tensorboard(folder: Path) -> keras.callbacks.Callback:
    """Return the callback that writes each epoch's figures for TensorBoard. It needs TensorFlow."""
    folder.mkdir(parents=True, exist_ok=True)
    if keras.backend.backend() != "tensorflow":
        import tensorflow as tf

        tf.config.set_visible_devices([], "GPU")  # it would take the other backend's GPU memory
    return keras.callbacks.TensorBoard(str(folder), write_graph=False)


class EpochLog(keras.callbacks.Callback):
    """A callback that shows each epoch's progress, then adds its figures to `log` and calls `keep`.

    `log` has a dict per epoch with the keys LOG. It may contain epochs of an earlier run.
    """

    def __init__(self, log: list[dict], epochs: int, steps: int, keep: Callable[[], None]):
        super().__init__()
        self.log, self.epochs, self.steps, self.keep = log, epochs, steps, keep
        self.began, self.done = time.monotonic(), len(log)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        name = f"epoch {epoch + 1}/{self.epochs}"
        self.bar = iter(progress(range(self.steps), name, " steps"))

    # Update here: in on_train_batch_end, Keras would wait for the device's figures
    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        next(self.bar, None)

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        next(self.bar, None)  # closes the bar
        if not math.isfinite(logs["loss"]):
            fail("--learning-rate", f"the training diverged in epoch {epoch + 1}", "lower it")
        figures = {name: float(value) for name, value in logs.items()}
        self.log.append({"epoch": epoch + 1, **figures})
        self.keep()
        seconds = (time.monotonic() - self.began) / (len(self.log) - self.done)
        print(describe(self.log[-1], self.epochs, seconds), flush=True)


def build_new(emotions: list[str], steps: int, recipe: Recipe):
    """Return the model for a new run of `steps` training steps in total."""
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.bfloat16 else "float32")
    network = build_network(len(emotions), recipe)
    if recipe.start_from:
        take_features(network, emotions, recipe.start_from)
    return build_training(network, steps, recipe)


def train(
    given: Input,
    checkpoint: Path,
    recipe: Recipe,
    resume: bool,
    arguments: dict,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[dict]:
    """Train, save the best epoch's network as `checkpoint/best.keras`, and return the log.

    The log has a dict per epoch with the keys LOG. The checkpoint's stage.json records `arguments`.
    All processes train, and only the first one writes.
    """
    targets = given.targets
    steps = math.ceil(len(targets) / recipe.batch_size)
    log: list[dict] = []
    number, processes = process()

    def keep() -> None:
        if number == 0:
            with without_distribution():
                save_checkpoint(checkpoint, training, log, arguments, given.train.counts)

    with data_parallel(recipe.batch_size):
        if resume and checkpoint.exists():
            training, log = load_checkpoint(checkpoint, recipe)
        else:
            training = build_new(given.emotions, recipe.epochs * steps, recipe)
        if len(log) >= recipe.epochs:
            return log
        size, ranges, seed = recipe.batch_size, recipe.augmentation, recipe.seed
        faces, val = given.train.images, given.sets["val"]
        augmented = batches(faces, targets, size, ranges, seed, len(log), number, processes)
        val_targets = np.eye(targets.shape[1], dtype=np.float32)[val.labels]
        training.fit(
            # A step returns at once on the other backends. On PyTorch it returns when it is done
            prefetch(augmented) if keras.backend.backend() == "torch" else augmented,
            steps_per_epoch=steps,
            validation_data=shard_validation(val.images, val_targets, size),
            validation_batch_size=size // processes,
            shuffle=False,  # batches() shuffles
            initial_epoch=len(log),
            epochs=recipe.epochs,
            verbose=0,
            callbacks=[EpochLog(log, recipe.epochs, steps, keep), *callbacks],
        )
    return log
