"""The panel with the probabilities of one face."""

import numpy as np

from webcam.analysis.analyzer import Face
from webcam.display.layout import Layout, Rectangle
from webcam.display.letters import text_mask, text_width
from webcam.display.shapes import blend, chip_width, draw_chip, rounded
from webcam.display.style import BLACK, COLORS, FAINT, SHADE, WHITE, base_line

ROW = 1.45  # height of a row, in line heights
TRACK = 6  # width of a full bar, in line heights
TALLEST = 0.55  # largest share of the frame's height, unless the lines would become too small
FINEST = 8  # pixels: the lines are never smaller
LARGER = 1.25  # another face must be this many times as large to replace the face of the panel


class Panel:
    """A bar for each emotion of the largest face, in a corner of the frame."""

    def __init__(self, names: list[str]):
        self.names = names
        self.face: Face | None = None  # the face that the panel shows
        self.corner: int | None = None  # the corner that the panel is in

    def choose(self, faces: list[Face]) -> Face | None:
        """Return the face to show: the same as before, unless another one is clearly larger."""
        best = max(faces, key=lambda face: face.box[2], default=None)
        number = self.face.track_id if self.face else None
        same = next((face for face in faces if face.track_id == number), None)
        keep = same and best and best.box[2] < LARGER * same.box[2]
        self.face = same if keep else best
        return self.face

    def line(self, frame: np.ndarray) -> int:
        """Return the height of the panel's lines in pixels."""
        most = TALLEST * frame.shape[0] / (ROW * len(self.names) + 1)
        return max(FINEST, min(base_line(frame), int(most)))

    def place(self, frame: np.ndarray, layout: Layout) -> Rectangle | None:
        """Return the panel's place, or None if it has none.

        The panel keeps its corner until it would cover a face there. It may cover its own face, but
        no other face. In a tiny frame it has no place.
        """
        assert self.face
        line = self.line(frame)
        size = self.columns(line)[-1] + line // 2, round(ROW * line * len(self.names)) + line
        box = self.face.box
        self.corner, place = layout.choose_corner(size, line // 2, self.corner, box)
        fits = size[0] <= frame.shape[1] and size[1] <= frame.shape[0]
        return place if fits and not layout.covers(place, box) else None

    def columns(self, line: int) -> tuple[int, int, int]:
        """Return where the bars begin, where they end, and where the percentages end."""
        names = max(text_width(name, line, bold=True) for name in self.names)
        bars = line // 2 + names + line // 2
        return bars, bars + TRACK * line, bars + TRACK * line + text_width(" 100%", line, True)

    def draw(self, frame: np.ndarray, place: Rectangle, numbered: bool) -> None:
        """Draw the panel at its place, with the number of its face beside it if asked."""
        face = self.face
        assert face
        left, top, width, height = place
        line = self.line(frame)
        start, end, right = self.columns(line)
        thick = max(3, line // 2)
        blend(frame, rounded(width, height, line // 2), BLACK, left, top, SHADE)
        for number, (name, probability) in enumerate(zip(self.names, face.probabilities)):
            bold = face.emotions[number] == face.label
            ink = WHITE if bold else FAINT
            down = top + line // 2 + round(ROW * line * (number + 0.5)) - line // 2
            blend(frame, text_mask(name, line, bold), ink, left + line // 2, down)
            bar = down + (line - thick) // 2 + 1
            blend(frame, rounded(end - start, thick, thick), WHITE, left + start, bar, 0.25)
            filled = round((end - start) * float(probability))
            if filled:
                color = COLORS[number % len(COLORS)]
                blend(frame, rounded(filled, thick, thick), color, left + start, bar)
            percent = text_mask(f"{probability:.0%}", line, bold)
            blend(frame, percent, ink, left + right - percent.shape[1], down)
        if numbered:
            wide = chip_width(str(face.track_id), line)
            beside = left - wide - 2 if left > wide else left + width + 2
            draw_chip(frame, str(face.track_id), beside, top, line)
