"""The option --neutral: compare each face with its own resting face."""

from pathlib import Path

import numpy as np

from common.errors import fail, printable
from webcam.analysis.analyzer import FaceAnalyzer
from webcam.analysis.baseline import LEAST, NEUTRAL
from webcam.sources.files import list_files
from webcam.sources.images import count_pictures, read_pictures
from webcam.sources.names import to_path


def prepare_baselines(
    analyzer: FaceAnalyzer, asked: list[str] | None, window: bool, camera: bool
) -> bool:
    """Set up an analyzer for --neutral; return whether faces may have a baseline.

    Without the option, the analyzer learns faces only from a camera that is shown in a window. In
    any window, a key learns a face. Raises UserError for pictures that can't be used.
    """
    if NEUTRAL not in analyzer.emotions:
        if asked not in (None, ["off"]):
            print(f"--neutral: ignored, because the network has no emotion {NEUTRAL!r}")
        return False
    if asked in (None, ["off"], ["auto"]):
        analyzer.baselines.auto = window and camera if asked is None else asked == ["auto"]
        return window or analyzer.baselines.auto
    files, notes = list_files([to_path(name) for name in asked or []], "--neutral")
    for note in notes:
        print(printable(note))
    learn_files(analyzer, files)
    return True


def learn_files(analyzer: FaceAnalyzer, paths: list[Path]) -> None:
    """Learn a person's resting face from pictures; print the ones that don't look at rest."""
    neutral, rows = analyzer.emotions.index(NEUTRAL), []
    for path in paths:
        for image in read_pictures(path, count_pictures(path)):
            if image is None:
                wrong = "not a picture that OpenCV can read"
                fail(path, wrong, "convert it to PNG or JPEG, or leave it out of --neutral")
            _, found = analyzer.classify_picture(image)
            if len(found) != 1:
                wrong = f"shows {len(found)} faces" if len(found) else "no face found"
                fail(path, wrong, "set --neutral to pictures of one person at rest")
            if found[0][neutral] < LEAST:
                says = f"{analyzer.emotions[found[0].argmax()]} {found[0].max():.0%}"
                print(printable(f"{path}: {says}, not a face at rest; using it anyway"))
            rows.append(found)
    analyzer.baselines.learn_pictures(np.concatenate(rows))
