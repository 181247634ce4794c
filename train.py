"""Train a small VGG-style network on the shuffled faces, report on it, export it for the webcam.

Reads   data/shuffled           faces to train on
        data/split/val          faces that choose the epoch, the logit adjustment and the temperature
        data/faces/test         faces for the report only (optional)
        data/faces/votes.csv    FER+'s votes, for soft targets and labels (optional)
        --start-from            a network of an earlier run, to start from
Writes  data/model/emotion.keras, labels.txt   the network; its emotions, in the order of its outputs
        data/model/emotion.onnx                the same network for realtime.py, which runs it with cv2.dnn
        data/model/metrics.json, stage.json, and the plots confusion_matrix.png, reliability.png;
        after training by epochs also training_log.csv, training_curves.png

With --start-from and fewer than 1,000 faces of the rarest emotion, there are no epochs: a last
layer is fitted in seconds (network/training/last_layer.py). The last line of output says how many
faces are right. The network scales its input itself: it takes gray values from 0 to 255. Any Keras
backend works, for example with KERAS_BACKEND=jax or torch. On two cores of 2024, an epoch of 85,152
faces takes about 2 minutes and a whole run 2 hours, or 12 minutes with --quick. --dry-run writes
into data/model-dry-run.

Examples:
    python train.py --dry-run
    python train.py --quick --bfloat16
    python train.py --resume
    python train.py --train data/split/train --start-from pretrained
    python train.py --evaluate --out pretrained
"""

import json
import math
import shutil
from pathlib import Path
from typing import Any

from common.libraries import required

with required("requirements.txt"):
    from common.command_line import run
    from common.errors import fail
    from common.faces import FACE_SIZE
    from common.labels import write_labels
    from dataset.stage import atomic_folder, write_stage
    from network.backend import keras_imports
    from network.data.faces import has_test, load_sets
    from network.data.input import (
        Input,
        Paths,
        are_few,
        note_few_faces,
        read_input,
        without_trained_on,
    )
    from network.data.targets import labels_by_rule, load_votes
    from network.digests import check_network
    from network.options import DRY_RUN_FACES, Mode, parse_arguments
    from network.recipe import OPTIONS, Recipe
    from network.training.checkpoint import (
        checkpoint_beside,
        facts_of_run,
        facts_of_stopped_run,
        prepare_checkpoint,
    )
    from network.training.parallel.processes import check_same, leave, process, run_distributed

SCRIPT = Path(__file__).name


def learn(recipe: Recipe, paths: Paths, mode: Mode) -> tuple[Input, dict, list[dict], Any]:
    """Read the faces and train. Return the input, facts for stage.json, the log and the network.

    Several processes can do this together. Only the first one writes files, and only its result is
    used. The log is empty if only the last layer was fitted. The network is averaged over mirrored
    faces.
    """
    # 1. Read the faces and their targets
    given = read_input(recipe, paths, mode.limit)
    checkpoint, (index, _) = checkpoint_beside(paths.out), process()
    fits = recipe.fits_few and are_few(given.train)
    if index == 0 and not fits:
        prepare_checkpoint(checkpoint, recipe, mode.resume, given.digests)
    check_same(facts_of_run(recipe, given.digests))
    # Only now: by this time, the first process has repaired the checkpoint of a killed run
    check_same({"--resume or the stopped run": facts_of_stopped_run(checkpoint, mode.resume)})
    labels = recipe.labels if given.has_votes else "hard"
    print(
        f"{len(given.targets):,} faces, {labels} labels, {len(given.emotions)} emotions", flush=True
    )
    if mode.limit is None:
        note_few_faces(given.train, recipe)

    # 2. Train
    with keras_imports():
        import network.model.export  # noqa: F401  # so that a missing library shows before training
        from network.model.architecture import build_inference_network
        from network.training.last_layer import fit_network
        from network.training.trainer import tensorboard, train
    kept = to_keep(recipe, paths, mode, given)
    if fits:
        return given, kept | {"epochs": 0}, [], fit_network(given, recipe)
    callbacks = [tensorboard(mode.tensorboard)] if mode.tensorboard and index == 0 else []
    log = train(given, checkpoint, recipe, mode.resume, kept, callbacks)
    leave()
    # 3. Load the best epoch's network
    return given, kept, log, build_inference_network(checkpoint, len(given.emotions), recipe)


def to_keep(recipe: Recipe, paths: Paths, mode: Mode, given: Input) -> dict:
    """Return the facts about a network for stage.json: its options and the digests of its faces."""
    kept = {name: getattr(paths, name) for name in ("train", "val", "votes")}
    kept |= {name: getattr(recipe, name) for name in OPTIONS}
    return kept | {"distributed": mode.distributed, "faces": given.digests}


def train_network(recipe: Recipe, paths: Paths, mode: Mode) -> None:
    """Train, report and export into a new model folder."""
    if process()[0] > 0:
        learn(recipe, paths, mode)
        return
    inputs = [paths.train, paths.val, paths.test, recipe.start_from]
    inputs.append(mode.tensorboard)  # must not overlap --out either
    with atomic_folder(paths.out, SCRIPT, filter(None, inputs)) as out:
        given, kept, log, network = learn(recipe, paths, mode)
        with keras_imports():
            from network.evaluation.metrics import calibrate, describe, report
            from network.evaluation.plots import write_plots
            from network.model.export import export_network
            from network.training.trainer import best_epoch
        val, emotions = given.sets["val"], given.emotions
        labels, shares = given.labels["val"], given.targets.mean(axis=0)

        # 4. Calibrate: match the confidence to the accuracy
        calibration = calibrate(network, val, labels, emotions, shares, recipe.logit_adjustment)
        network.save(out / "emotion.keras")
        write_labels(out / "labels.txt", emotions)

        # 5. Report
        metrics, corruptions = report(network, given.sets, given.labels, emotions)
        best = best_epoch(log)
        parameters = sum(math.prod(weight.shape) for weight in network.trainable_weights)
        kept_epoch = f", epoch {best} of {len(log)} kept" if log else ""
        print(f"\n{parameters:,} trainable parameters{kept_epoch}")
        facts = {"parameters": parameters, "best_epoch": best, **calibration}
        facts |= {**metrics, "corruptions": corruptions, "log": log}
        text = json.dumps(facts, indent=1) + "\n"
        (out / "metrics.json").write_text(text, encoding="utf-8", newline="\n")
        write_plots(out, log, metrics)

        # 6. Export for realtime.py
        export_network(network, out / "emotion.onnx", val.images)
        write_stage(out, SCRIPT, paths.out, kept, given.counts, {})
    if log:
        shutil.rmtree(checkpoint_beside(paths.out), ignore_errors=True)
    see = f"try it with `python realtime.py --model {paths.out}`"
    print(f"{paths.out}: the network, its metrics and plots; {see}")
    print(describe(metrics))


def evaluate_network(paths: Paths) -> None:
    """Print the report on a model folder's network. Write nothing."""
    check_network(paths.out)
    with keras_imports():
        from network.evaluation.metrics import report
        from network.model.architecture import load_network
    network, emotions = load_network(paths.out)
    takes, size = network.input_shape[1:], (FACE_SIZE, FACE_SIZE, 1)
    if takes != size:
        fail(paths.out, f"takes faces of {takes}, not {size}", "train it with train.py")
    folders = {"val": paths.val} if paths.val.is_dir() else {}
    if paths.test and has_test(paths.test, emotions, paths.out):
        folders["test"] = paths.test
    if not folders:
        mend = "make it with `python random_split.py`, or give --test"
        fail(paths.val, "no such folder, and no faces to test on", mend)
    sets, _ = load_sets(folders, emotions)
    sets = without_trained_on(sets, folders, paths.out, emotions)
    votes = load_votes(paths.votes)
    labels = {name: labels_by_rule(faces, emotions, votes) for name, faces in sets.items()}
    report(network, sets, labels, emotions)


def export_again(folder: Path, seed: int) -> None:
    """Write emotion.onnx beside a model folder's emotion.keras, as a whole or not at all."""
    check_network(folder)
    with keras_imports():
        from network.model.export import export_folder
    export_folder(folder, seed)


def main() -> None:
    args, recipe = parse_arguments(__doc__)
    test = None if args.no_test else args.test
    paths = Paths(args.train, args.val, test, args.votes, args.out)
    if args.evaluate:
        evaluate_network(paths)
    elif args.export:
        export_again(args.out, args.seed)
    else:
        limit = DRY_RUN_FACES if args.dry_run else None
        mode = Mode(args.resume, args.distributed, args.tensorboard, limit)

        def work() -> None:
            train_network(recipe, paths, mode)

        run_distributed(work) if args.distributed else work()


if __name__ == "__main__":
    run(main)
