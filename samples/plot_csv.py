"""Draw the probabilities of each face over time, from the CSV of realtime.py.

python realtime.py --source clip.mp4 --headless --csv faces.csv
python samples/plot_csv.py faces.csv faces.png
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common.libraries import required

with required("requirements.txt"):
    import pandas as pd
    from matplotlib.figure import Figure

    from common.command_line import Parser, run
    from common.errors import fail, first_line

# The palette of realtime.py
COLORS = ["#d55e00", "#cc79a7", "#009e73", "#e69f00", "#f0e442", "#bebebe", "#0072b2", "#56b4e9"]


def plot(faces: pd.DataFrame) -> Figure:
    """Return a plot for each face of the table, one below the other, over the same seconds."""
    emotions = list(faces.columns[faces.columns.get_loc("confidence") + 1 :])
    emotions = [name for name in emotions if name not in ("clock", "file")]
    groups = faces.groupby("face")
    figure = Figure(figsize=(9, 1 + 2.2 * len(groups)), layout="tight")
    axes = figure.subplots(len(groups), squeeze=False, sharex=True)[:, 0]
    seconds = faces["time"].min(), faces["time"].max()
    for (number, face), axis in zip(groups, axes):
        axis.stackplot(face["time"], face[emotions].T, labels=emotions, colors=COLORS)
        axis.set(title=f"face {number}", ylabel="probability", ylim=(0, 1), xlim=seconds)
    axes[-1].set_xlabel("seconds")
    axes[0].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("table", type=Path, help="CSV of realtime.py, of a video")
    parser.add_argument("picture", type=Path, help="what to draw, such as faces.png")
    args = parser.parse_args()
    try:
        faces = pd.read_csv(args.table)
        if faces.empty:
            fail(f"{args.table}: no faces in it")
        figure = plot(faces)
    except (ValueError, KeyError) as error:
        fail(f"{args.table}: not a CSV of realtime.py ({first_line(error)})")
    try:
        figure.savefig(args.picture, dpi=100)
    except ValueError as error:  # an ending that matplotlib doesn't know
        fail(f"{args.picture}: can't be drawn ({first_line(error)})")
    print(f"wrote {args.picture}")


if __name__ == "__main__":
    run(main)
