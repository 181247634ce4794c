"""Compare the ways in which `train.py --start-from` learns from 2 to 200 faces of each emotion.

    python benchmarks/fine_tuning.py --start-from pretrained [--faces data/split/val] [--groups]

Draws faces of each emotion from a folder that the network was not trained on. Fits the last layer
to them in each way that train.py has (network/training/last_layer.py), and tests it on all other
faces. `--groups` merges the emotions into three that the network does not know. Prints accuracy and
macro recall, as means over the draws. Takes about twenty minutes, half of it for training by
epochs.
"""

import contextlib
import io
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from report import Table, add_save

from common.command_line import Parser, positive_int, run
from network.backend import keras_imports
from network.data.faces import Faces, load_sets
from network.data.input import Input
from network.digests import check_network
from network.recipe import FINE_TUNING

GROUPS = {"happiness": "good", "surprise": "good", "neutral": "neither"}  # all others are "bad"
NUMBERS = [2, 5, 10, 20, 40, 200]  # faces of each emotion
AS_IT_IS, BIASES, REGRESSION = "as it is", "biases", "regression"
CHOSEN, EPOCHS = "as train.py chooses", "30 epochs"


def subset(faces: Faces, chosen: np.ndarray, emotions: list[str]) -> Faces:
    """Return the chosen faces, given by index."""
    counts = np.bincount(faces.labels[chosen], minlength=len(emotions)).tolist()
    paths = [faces.paths[number] for number in chosen]
    return Faces(faces.images[chosen], faces.labels[chosen], paths, dict(zip(emotions, counts)))


def draw(labels: np.ndarray, n: int, number: int) -> np.ndarray:
    """Return the indices of n random faces of each emotion, but at most half of its faces."""
    rng = np.random.default_rng(number)
    parts = []
    for emotion in range(labels.max() + 1):
        there = rng.permutation(np.flatnonzero(labels == emotion))
        parts.append(there[: min(n, len(there) // 2)])
    return np.concatenate(parts)


class Bench:
    """Computes a network's features of some faces, and fits and tests last layers on them."""

    def __init__(self, start: Path, folder: Path, groups: bool):
        with keras_imports():
            from network.model.architecture import build_network, take_features
            from network.training import last_layer
        self.recipe, self.last_layer = replace(FINE_TUNING, start_from=start), last_layer
        sets, emotions = load_sets({"test": folder})
        faces = sets["test"]
        if groups:
            merged = [GROUPS.get(emotion, "bad") for emotion in emotions]
            emotions = sorted(set(merged))
            faces.labels = np.array([emotions.index(name) for name in merged])[faces.labels]
        self.faces, self.emotions = faces, emotions
        network = build_network(len(emotions), self.recipe)
        self.trained, known = take_features(network, emotions, start)
        self.features = last_layer.pooled_features(network, faces.images)
        self.same = last_layer.find_emotions(emotions, known)

    def heads(self, chosen: np.ndarray) -> dict:
        """Fit the last layer to the chosen faces; return {way: last layer}."""
        fit, trained, same = self.last_layer, self.trained, self.same
        some, features = subset(self.faces, chosen, self.emotions), self.features[chosen]
        n = min(some.counts.values())
        ways = {
            BIASES: fit.list_ways(trained, same, 0) if same else {},
            REGRESSION: fit.list_ways(trained, [], n),
            CHOSEN: fit.list_ways(trained, same, n),
        }
        heads = {way: fit.fit_best(fits, features, some)[1] for way, fits in ways.items() if fits}
        if same:
            kernel, bias = trained
            heads[AS_IT_IS] = kernel[:, same], bias[same]
        return heads

    def by_epochs(self, chosen: np.ndarray, number: int) -> tuple:
        """Train for 30 epochs; return the last layer."""
        from network.model.architecture import build_inference_network
        from network.training.trainer import train

        rest = np.setdiff1d(np.arange(len(self.features)), chosen)
        rest = np.random.default_rng(number).permutation(rest)[: max(20, len(chosen) // 4)]
        some, val = (subset(self.faces, part, self.emotions) for part in (chosen, rest))
        targets = np.eye(len(self.emotions), dtype=np.float32)[some.labels]
        given = Input(some, targets, {"val": val}, self.emotions, {}, False, {}, {})
        silence = contextlib.redirect_stdout(io.StringIO())
        with tempfile.TemporaryDirectory() as folder, silence:
            train(given, Path(folder, "run"), replace(self.recipe, seed=number), False, {})
            network = build_inference_network(Path(folder, "run"), len(self.emotions), self.recipe)
        kernel, bias = network.get_layer("logits").get_layer("head").get_weights()
        return kernel[0, 0], bias

    def test(self, head: tuple, chosen: np.ndarray) -> tuple[float, float]:
        """Return the accuracy and macro recall of a last layer on all other faces."""
        kernel, bias = head
        right = (self.features @ kernel + bias).argmax(axis=1) == self.faces.labels
        there = np.setdiff1d(np.arange(len(right)), chosen)
        right, labels = right[there], self.faces.labels[there]
        recall = [right[labels == emotion].mean() for emotion in range(len(self.emotions))]
        return right.mean(), float(np.mean(recall))


def main() -> None:
    parser = Parser(__doc__)
    parser.add_input("--faces", "data/split/val", "emotion folders")
    parser.add_path("--start-from", "pretrained", "a network that was not trained on them")
    parser.add_argument("--groups", action="store_true", help="merge the emotions into three")
    draws = "random draws for each number of faces; two of them also train by epochs (%(default)s)"
    parser.add_argument("--draws", type=positive_int, default=5, help=draws)
    parser.add_argument("--name", default="fine_tuning", help="name of the table (%(default)s)")
    add_save(parser)
    args = parser.parse_args()
    check_network(args.start_from, "correct --start-from")
    bench = Bench(args.start_from, args.faces, args.groups)
    columns = [*([AS_IT_IS, BIASES] if bench.same else []), REGRESSION, CHOSEN, EPOCHS]
    table = Table(args.name, "faces of each emotion", *columns)
    for n in NUMBERS:
        results: dict[str, list] = {}
        for number in range(args.draws):
            chosen = draw(bench.faces.labels, n, number)
            heads = bench.heads(chosen)
            if number < 2:
                heads[EPOCHS] = bench.by_epochs(chosen, number)
            for way, head in heads.items():
                results.setdefault(way, []).append(bench.test(head, chosen))
        means = {way: np.mean(figures, axis=0) for way, figures in results.items()}
        table.add(n, *(f"{means[way][0]:.3f} / {means[way][1]:.3f}" for way in columns))
    drawn = f"means over {args.draws} draws, by epochs over 2"
    table.save(args.save, f"{len(bench.features):,} faces", "accuracy / macro recall", drawn)


if __name__ == "__main__":
    run(main)
