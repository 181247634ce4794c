"""Boxes and labels on a frame."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from webcam.analysis.analyzer import Face
from webcam.display.layout import Layout, Rectangle
from webcam.display.letters import NUMBERED, drawn_names, text_mask, text_width
from webcam.display.panel import Panel
from webcam.display.shapes import CHIP, blend, chip_width, draw_chip, outline, rounded
from webcam.display.style import BLACK, COLORS, UNSURE, Color, base_line, on_color
from webcam.display.timeline import Timeline

FADE = 0.15  # seconds until a lost face has faded out
THIN_BOX = 60  # pixels: a smaller box gets thin lines, which hide less of the face
SHORTEST = 3  # letters of an emotion if there is no room for more


@dataclass
class Label:
    """The label of a face: its text, the face's number or "", its place and its line height."""

    text: str
    number: str
    place: Rectangle
    line: int


@dataclass
class Arrangement:
    """The places of a frame's labels and panel. The labels are keyed by the face's index."""

    layout: Layout
    labels: dict[int, Label] = field(default_factory=dict)
    panel: Rectangle | None = None


class Overlay:
    """Draws faces into the frames of one video, and keeps labels and panel in their places.

    `bars` shows a panel with the probabilities of the largest face. `strip` shows the last seconds
    of the largest faces. Both may change at any time.
    """

    def __init__(self, emotions: list[str], bars: bool = False, strip: bool = False):
        self.emotions, self.names = emotions, drawn_names(emotions)
        self.bars, self.strip = bars, strip
        self.panel, self.timeline = Panel(self.names), Timeline()
        self.sides: dict[int, int] = {}  # by face: the place of its label, as place_label counts
        self.found_at: dict[int, float] = {}  # by face: when it was last found, in seconds

    def draw(self, frame: np.ndarray, faces: list[Face], seconds: float | None = None) -> Layout:
        """Draw the faces of a BGR frame and return the places that are taken.

        Without a time nothing fades, and there is no strip. Raises ValueError if OpenCV can't draw
        into the frame, such as a mirrored view of another frame.
        """
        if not (frame.flags.c_contiguous and frame.flags.writeable):
            raise ValueError("the frame is a view or read-only; draw into a copy: frame.copy()")
        opacities = self.fade(faces, seconds)
        faces = [face for face in faces if opacities[face.track_id] > 0]
        for face in faces:
            draw_box(frame, face, self.color(face), opacities[face.track_id])
        arranged = self.arrange(frame, faces, seconds)
        if arranged.panel and self.panel.face:
            self.panel.draw(frame, arranged.panel, len(faces) > 1)
        for number, label in arranged.labels.items():
            face = faces[number]
            draw_label(frame, label, self.color(face), opacities[face.track_id])
        return arranged.layout

    def arrange(
        self, frame: np.ndarray, faces: list[Face], seconds: float | None = None
    ) -> Arrangement:
        """Return places for labels and panel that hide neither faces nor one another, if possible.

        This also draws the strip, which always has the same place.
        """
        arranged = Arrangement(Layout(frame.shape[:2], [face.box for face in faces]))
        layout = arranged.layout
        if seconds is not None:
            self.timeline.add(faces, seconds)
            if self.strip:
                layout.take(self.timeline.draw(frame, faces, self.emotions, seconds))
        if self.bars and self.panel.choose(faces):
            arranged.panel = self.panel.place(frame, layout)
        if arranged.panel:
            layout.take(arranged.panel)
        # The largest face is the nearest, so it chooses its place first
        for number in sorted(range(len(faces)), key=lambda number: -faces[number].box[2]):
            arranged.labels[number] = self.place_label(frame, layout, faces[number], len(faces) > 1)
        return arranged

    def fade(self, faces: list[Face], seconds: float | None) -> dict[int, float]:
        """Return the opacity of each face, 1 for a face that was found."""
        now = seconds or 0.0
        self.found_at = {
            face.track_id: now if face.found else self.found_at.get(face.track_id, now)
            for face in faces
        }
        return {
            face.track_id: 1.0 if face.found else 0.6 - (now - self.found_at[face.track_id]) / FADE
            for face in faces
        }

    def color(self, face: Face) -> Color:
        """Return the color of a face's label, BGR."""
        return COLORS[self.emotions.index(face.label) % len(COLORS)]

    def place_label(self, frame: np.ndarray, layout: Layout, face: Face, numbered: bool) -> Label:
        """Take a place for a face's label.

        The label goes above, below or beside the box, where it covers nothing. It shows as much of
        the text as fits. It covers the forehead of its own face rather than another face. The side
        from before is tried first.
        """
        x, y, side, _ = face.box
        line = label_line(frame, face)
        gap = 2 + line // 5
        name = self.names[self.emotions.index(face.label)]
        number = str(face.track_id) if numbered else ""
        unsure = "?" if face.label_confidence < UNSURE else ""
        shortest = name if name.startswith(NUMBERED) else name[:SHORTEST]
        before = self.sides.get(face.track_id, 0)
        choices: list[tuple[int, Label]] = []
        foreheads: list[tuple[int, Label]] = []
        for text, shown in [
            (f"{name}{unsure} {face.label_confidence:.0%}", number),
            (name + unsure, number),
            (name + unsure, ""),
            (shortest, ""),
        ]:
            width, tall = label_size(text, shown, line)
            above, below, right = y - tall - gap, y + side + gap, x + side
            corners = [(x, above), (x, below), (right - width, above), (right - width, below)]
            corners += [(right + gap, y), (x - gap - width, y)]
            if text == shortest:
                choices += foreheads
            sides = sorted(range(len(corners)), key=lambda number: number != before)
            places = [(n, Label(text, shown, (*corners[n], width, tall), line)) for n in sides]
            choices += places
            foreheads.append((before, Label(text, shown, (x, y, width, tall), line)))
        own = [face.box if choice in foreheads else None for choice in choices]
        chosen, place = layout.choose_place([label.place for _, label in choices], own)
        self.sides[face.track_id], label = choices[chosen]
        label.place = place
        layout.take(place)
        return label


def draw_faces(
    frame: np.ndarray, faces: list[Face], emotions: list[str], bars: bool = False
) -> Layout:
    """Draw each face's box, number, label and confidence into a BGR frame.

    Return the places that are taken. `bars` adds a panel with the probability of each of `emotions`
    for the largest face. Labels are shorter if there is no room for all of them. Raises ValueError
    if OpenCV can't draw into the frame, such as a mirrored view of another frame.
    """
    return Overlay(emotions, bars).draw(frame, faces)


def label_line(frame: np.ndarray, face: Face) -> int:
    """Return the line height of a face's label, in pixels."""
    base = base_line(frame)
    return max(base, min(round(1.8 * base), face.box[2] // 7))


def label_size(text: str, number: str, line: int) -> tuple[int, int]:
    """Return the width and height of a label in pixels."""
    return text_start(number, line) + text_width(text, line, bold=True) + line // 2, round(
        CHIP * line
    )


def text_start(number: str, line: int) -> int:
    """Return where the text of a label begins: after the chip of the number, if there is one."""
    return chip_width(number, line) + line // 4 if number else line // 2


def draw_box(frame: np.ndarray, face: Face, color: Color, opacity: float) -> None:
    """Draw the box of a face, and a disk in its corner that fills as the resting face is learned."""
    x, y, side, _ = face.box
    thick = max(1, round(base_line(frame) / 8)) if side >= THIN_BOX else 1
    margin = thick + 2
    left, top = max(0, x - margin), max(0, y - margin)
    region = frame[top : max(0, y + side + margin), left : max(0, x + side + margin)]
    before = region.copy() if opacity < 1 and region.size else None
    box = (x, y, side, side)
    # A dark line below the colored one keeps the box visible on any ground
    outline(frame, box, side // 12, BLACK, thick + 2)
    outline(frame, box, side // 12, color, thick)
    draw_baseline(frame, face, color)
    if before is not None:
        region[:] = cv2.addWeighted(region, opacity, before, 1 - opacity, 0)


def draw_baseline(frame: np.ndarray, face: Face, color: Color) -> None:
    """Draw a disk in a face's lower right corner, filled as far as the resting face is known."""
    if not face.baseline:
        return
    x, y, side, _ = face.box
    radius = max(3, side // 16)
    center, axes = (x + side - 2 * radius, y + side - 2 * radius), (radius, radius)
    cv2.circle(frame, center, radius + 1, BLACK, cv2.FILLED, cv2.LINE_AA)
    end = 360 * face.baseline
    cv2.ellipse(frame, center, axes, -90, 0, end, color, cv2.FILLED, cv2.LINE_AA)


def draw_label(frame: np.ndarray, label: Label, color: Color, opacity: float) -> None:
    """Draw a label on a rounded ground of a color."""
    left, top, width, tall = label.place
    line = label.line
    blend(frame, rounded(width + 2, tall + 2, tall), BLACK, left - 1, top - 1, 0.4 * opacity)
    blend(frame, rounded(width, tall, tall), color, left, top, opacity)
    if label.number:
        draw_chip(frame, label.number, left, top, line, opacity)
    start, down = left + text_start(label.number, line), top + (tall - line) // 2
    blend(frame, text_mask(label.text, line, bold=True), on_color(color), start, down, opacity)
