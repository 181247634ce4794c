"""Draw the probabilities of each face over time, from the CSV of realtime.py.

python realtime.py --source clip.mp4 --headless --csv faces.csv
python samples/plot_csv.py faces.csv faces.png
"""

import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

if len(sys.argv) != 3:
    raise SystemExit(
        "error: give the CSV and the picture to draw: python samples/plot_csv.py faces.csv faces.png"
    )
table, picture = sys.argv[1:]
faces = pd.read_csv(table)
if faces.empty:
    raise SystemExit(f"error: {table}: no faces in it")
emotions = [
    name
    for name in faces.columns[faces.columns.get_loc("confidence") + 1 :]
    if name not in ("clock", "file")
]
# The palette of realtime.py
colors = ["#d55e00", "#cc79a7", "#009e73", "#e69f00", "#f0e442", "#bebebe", "#0072b2", "#56b4e9"]
groups = list(faces.groupby("face"))
figure, axes = plt.subplots(
    len(groups), squeeze=False, sharex=True, figsize=(9, 1 + 2.2 * len(groups)), layout="tight"
)
for (number, face), axis in zip(groups, axes[:, 0]):
    axis.stackplot(face["time"], face[emotions].T, labels=emotions, colors=colors)
    axis.set(
        title=f"face {number}",
        ylabel="probability",
        ylim=(0, 1),
        xlim=(faces["time"].min(), faces["time"].max()),
    )
axes[-1, 0].set_xlabel("seconds")
axes[0, 0].legend(loc="upper left", bbox_to_anchor=(1, 1))
figure.savefig(picture, dpi=100)
print(f"wrote {picture}")
