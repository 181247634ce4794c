"""Plot the probabilities of each face in a CSV from realtime.py, over time or picture by picture.

Reads   the CSV that realtime.py --csv wrote
Writes  a plot in the format of its file name's ending

Examples:
    python samples/plot_csv.py faces.csv faces.png
"""

import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common.libraries import required

with required("pandas matplotlib"):
    from common.console import late_imports

    with late_imports():
        import matplotlib
    import pandas as pd
    from matplotlib.figure import Figure

    from common.command_line import Parser, run
    from common.errors import fail, first_line
    from webcam.display.style import PALETTE

COLORS = [f"#{color}" for color in PALETTE]
MAX_FACES = 12  # in one plot


def plot_over_time(faces: pd.DataFrame, emotions: list[str]) -> Figure:
    """Return one plot per face of a video, one below the other, over the same seconds."""
    groups = dict(list(faces.groupby("face")))
    figure = Figure(figsize=(9, 1 + 2.2 * len(groups)), layout="tight")
    axes = figure.subplots(len(groups), squeeze=False, sharex=True)[:, 0]
    seconds = faces["time"].min(), faces["time"].max()
    for (number, face), axis in zip(groups.items(), axes):
        axis.stackplot(face["time"], face[emotions].T, labels=emotions, colors=COLORS)
        axis.set(title=f"face {number}", ylabel="probability", ylim=(0, 1), xlim=seconds)
    axes[-1].set_xlabel("seconds")
    axes[0].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def plot_bars(faces: pd.DataFrame, emotions: list[str]) -> Figure:
    """Return a plot with one bar for each face in pictures or in a single frame."""
    figure = Figure(figsize=(9, max(3, 1 + 0.4 * len(faces))), layout="tight")
    axis = figure.subplots()
    names = [f"face {number}" for number in faces["face"]]
    if "file" in faces:
        names = [f"{Path(file).name[-30:]}, {name}" for file, name in zip(faces["file"], names)]
    left = 0.0
    for emotion, color in zip(emotions, itertools.cycle(COLORS)):
        axis.barh(range(len(faces)), faces[emotion], left=left, label=emotion, color=color)
        left = left + faces[emotion].to_numpy()
    axis.set_yticks(range(len(faces)), names)
    axis.set(xlabel="probability", xlim=(0, 1))
    axis.invert_yaxis()
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def plot(faces: pd.DataFrame) -> Figure:
    """Return the plot that suits a table; print a note if it leaves out faces."""
    emotions = list(faces.columns[faces.columns.get_loc("confidence") + 1 :])
    emotions = [name for name in emotions if name not in ("clock", "file")]
    frames_per_face = faces["face"].value_counts()
    if "file" in faces or frames_per_face.max() == 1:
        if len(faces) > MAX_FACES:
            print(f"drawing the first {MAX_FACES} of {len(faces)} faces")
        return plot_bars(faces[:MAX_FACES], emotions)
    shown = frames_per_face[frames_per_face > 1].index[:MAX_FACES]
    if len(shown) < len(frames_per_face):
        print(f"drawing the {len(shown)} faces seen longest, of {len(frames_per_face)}")
    return plot_over_time(faces[faces["face"].isin(shown)], emotions)


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("table", type=Path, help="CSV from realtime.py")
    parser.add_argument("picture", type=Path, help="plot to write, such as faces.png")
    args = parser.parse_args()
    matplotlib.rcParams["text.parse_math"] = False  # a file name with $ is not a formula
    try:
        faces = pd.read_csv(args.table).dropna(subset=["face"])
        faces["face"] = faces["face"].astype(int)
        if faces.empty:
            fail(args.table, "contains no faces", "choose the CSV of a run that found some")
        figure = plot(faces)
    except (ValueError, KeyError, TypeError) as error:
        fail(args.table, f"not a CSV from realtime.py ({first_line(error)})", "choose one")
    try:
        figure.savefig(args.picture, dpi=100)
    except ValueError as error:  # matplotlib doesn't know the ending
        fail(args.picture, f"can't be written ({first_line(error)})", "use a name ending in .png")
    print(f"wrote {args.picture}")


if __name__ == "__main__":
    run(main)
