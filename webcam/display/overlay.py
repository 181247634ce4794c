"""Boxes, labels and bars on a frame."""

import unicodedata
from dataclasses import dataclass, replace

import cv2
import numpy as np

from webcam.analysis.analyzer import Face
from webcam.display.layout import Layout, Rectangle

# Okabe and Ito's palette, for colour-blind readers too; red, green, blue. FER+'s emotions come in
# alphabetical order: anger is red, disgust green, happiness yellow, neutral gray, sadness blue
PALETTE = ["d55e00", "cc79a7", "009e73", "e69f00", "f0e442", "bebebe", "0072b2", "56b4e9"]
COLORS = [tuple(bytes.fromhex(color)[::-1]) for color in PALETTE]  # OpenCV wants blue, green, red
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
FONT = cv2.FONT_HERSHEY_SIMPLEX
MIN_SCALE = 0.4  # OpenCV's font scale below which letters can't be read
THIN_BOX = 60  # pixels of a box's side below which its lines would hide too much of it
NOTE_SHADE = 3  # by which the ground of notes is darkened
SHORTEST = 3  # letters of an emotion where there is room for no more
NUMBERED = "no. "  # before the number of an emotion whose name can't be drawn
UNSURE = 0.4  # probability below which a label has a question mark


def put_text(
    frame: np.ndarray, text: str, origin: tuple[int, int], size: float, color: tuple, thick: int
) -> None:
    """Write one line, its lower left corner at `origin`; `size` is OpenCV's font scale."""
    cv2.putText(frame, drawable(text), origin, FONT, size, color, thick, cv2.LINE_AA)


def text_size(texts: list[str], size: float, thick: int = 1) -> tuple[int, int]:
    """Return the width of the widest text and the height of a line, in pixels."""
    sizes = [cv2.getTextSize(drawable(text), FONT, size, thick) for text in texts]
    return max(width for (width, _), _ in sizes), max(height + base for (_, height), base in sizes)


def drawable(text: str) -> str:
    """Return a text in ASCII, as OpenCV's letters are: o for ö, `?` for those without such a letter."""
    plain = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(plain).encode("ascii", "replace").decode()


def drawn_names(emotions: list[str]) -> list[str]:
    """Return the names to draw: those of the emotions, or `no. 1` for one without such letters."""
    return [
        f"{NUMBERED}{number}" if "?" in drawable(emotion) and "?" not in emotion else emotion
        for number, emotion in enumerate(emotions, 1)
    ]


def legend(emotions: list[str]) -> str:
    """Return `no. 1: 生气, no. 2: 轻蔑` of those emotions that are drawn under a number."""
    pairs = zip(drawn_names(emotions), emotions)
    return ", ".join(f"{drawn}: {emotion}" for drawn, emotion in pairs if drawn != emotion)


def font_scale(frame: np.ndarray) -> float:
    """Return the font scale that suits a frame, and with it the width of lines."""
    return max(MIN_SCALE, min(frame.shape[:2]) / 900)


def thickness(size: float) -> int:
    """Return the width of a font's lines, in pixels."""
    return max(1, round(2 * size))


def face_scale(frame: np.ndarray, face: Face) -> float:
    """Return the font scale that suits a face: less than the frame's where the face is small."""
    largest = font_scale(frame)
    return min(largest, max(MIN_SCALE, largest / 2, face.box[2] / 180))


@dataclass
class Arrangement:
    """Where the labels and bars of a frame's faces go, in the order of the faces."""

    layout: Layout
    labels: dict[int, tuple[str, Rectangle]]  # face: its text and place
    panels: dict[int, Rectangle]  # face: the place of its bars, where there is one


def arrange(frame: np.ndarray, faces: list[Face], emotions: list[str], bars: bool) -> Arrangement:
    """Return places for labels and bars that hide neither faces nor one another, if possible."""
    layout = Layout(frame.shape[:2], [face.box for face in faces])
    # The largest first: it is the nearest, and has the best place
    order = sorted(range(len(faces)), key=lambda number: -faces[number].box[2])
    labels = {number: place_label(frame, layout, faces[number], len(faces) > 1) for number in order}
    panels = {}
    for number in order if bars else []:
        place = place_bars(frame, layout, faces[number], emotions)
        own = faces[number].box if number == order[0] else None
        if not layout.covers(place, own):
            layout.take(place)
            panels[number] = place
    return Arrangement(layout, labels, panels)


def draw_faces(
    frame: np.ndarray, faces: list[Face], emotions: list[str], bars: bool = False
) -> Layout:
    """Draw each face's box, number, label and its confidence into a BGR frame; return what is taken.

    With `bars` also the probability of each of `emotions`, where they hide nothing; those of the
    largest face may lie on it. Labels are shorter where there is no room for all of them. Raises
    ValueError for a frame that can't be drawn into, as a mirrored view of another.
    """
    if not (frame.flags.c_contiguous and frame.flags.writeable):
        raise ValueError("a view or read-only frame; draw into a copy of it: frame.copy()")
    numbers = [emotions.index(face.label) for face in faces]
    colors = [COLORS[number % len(COLORS)] for number in numbers]
    emotions = drawn_names(emotions)
    faces = [
        replace(face, emotions=emotions, label=emotions[number])
        for face, number in zip(faces, numbers)
    ]
    for face, color in zip(faces, colors):
        x, y, side, _ = face.box
        thick = thickness(face_scale(frame, face)) + 1 if side >= THIN_BOX else 1
        # A black line below the colored one shows on a ground of its color too
        cv2.rectangle(frame, (x, y), (x + side, y + side), BLACK, thick + 2)
        cv2.rectangle(frame, (x, y), (x + side, y + side), color, thick)
        draw_baseline(frame, face, color)
    arrangement = arrange(frame, faces, emotions, bars)
    for number, place in arrangement.panels.items():
        draw_bars(frame, place, faces[number], emotions)
    for number, (text, place) in arrangement.labels.items():
        draw_label(frame, text, place, colors[number], face_scale(frame, faces[number]))
    return arrangement.layout


def draw_baseline(frame: np.ndarray, face: Face, color: tuple) -> None:
    """Draw a disk into a face's lower right corner, filled as far as its resting face is known."""
    if not face.baseline:
        return
    x, y, side, _ = face.box
    radius = max(3, side // 16)
    center, axes = (x + side - 2 * radius, y + side - 2 * radius), (radius, radius)
    cv2.circle(frame, center, radius + 1, BLACK, cv2.FILLED, cv2.LINE_AA)
    end = 360 * face.baseline
    cv2.ellipse(frame, center, axes, -90, 0, end, color, cv2.FILLED, cv2.LINE_AA)


def place_label(
    frame: np.ndarray, layout: Layout, face: Face, numbered: bool
) -> tuple[str, Rectangle]:
    """Take a place for a face's label, with its number if asked; return its text and the place.

    Above the box, below or beside it, where that covers nothing, and as much of the text as there
    is room for; on the face's own forehead rather than on another face.
    """
    x, y, side, _ = face.box
    size = face_scale(frame, face)
    thick = thickness(size)
    label = face.label if face.label_confidence >= UNSURE else f"{face.label}?"
    name = f"#{face.track_id} {label}" if numbered else label
    shortest = face.label if face.label.startswith(NUMBERED) else face.label[:SHORTEST]
    choices: list[tuple[str, Rectangle]] = []
    foreheads: list[tuple[str, Rectangle]] = []
    for text in [f"{name} {face.label_confidence:.0%}", name, label, shortest]:
        width, line = text_size([text], size, thick)
        padding = max(2, line // 6)
        width, tall = width + 2 * padding, line + padding
        left, right = x - thick, x + side + thick
        above, below = y - tall - thick, y + side + thick
        places = [(left, above), (left, below), (right - width, above), (right - width, below)]
        places += [(right, y), (left - width, y)]
        if text == shortest:
            choices += foreheads
        choices += [(text, (column, row, width, tall)) for column, row in places]
        foreheads.append((text, (x, y, width, tall)))
    own = [face.box if choice in foreheads else None for choice in choices]
    number, place = layout.choose_place([place for _, place in choices], own)
    layout.take(place)
    return choices[number][0], place


def draw_label(frame: np.ndarray, text: str, place: Rectangle, color: tuple, size: float) -> None:
    """Write a text on a strip of a color."""
    left, top, width, tall = place
    cv2.rectangle(frame, (left, top), (left + width - 1, top + tall - 1), color, cv2.FILLED)
    luminance = np.dot(color, (0.11, 0.59, 0.3))
    inner, line = text_size([text], size, thickness(size))
    origin = (left + (width - inner) // 2, top + tall - line // 3)
    put_text(frame, text, origin, size, BLACK if luminance > 100 else WHITE, thickness(size))


def place_bars(frame: np.ndarray, layout: Layout, face: Face, emotions: list[str]) -> Rectangle:
    """Return the place beside a face's box where its bars cover least."""
    x, y, side, _ = face.box
    _, names, longest, line, gap = bar_sizes(frame, face, emotions)
    width, height = names + longest + 3 * gap, round(1.1 * line * len(emotions)) + gap
    beside = [(x + side + gap, y), (x - gap - width, y), (x, y + side + gap), (x, y - gap - height)]
    return layout.choose_place([(left, top, width, height) for left, top in beside])[1]


def bar_sizes(
    frame: np.ndarray, face: Face, emotions: list[str]
) -> tuple[float, int, int, int, int]:
    """Return font scale, width of the names and of a full bar, height of a line, and the gap."""
    size = max(MIN_SCALE, 0.7 * face_scale(frame, face))
    longest, line = text_size(["probability"], size)
    return size, text_size(emotions, size)[0], longest, line, line // 3


def draw_bars(frame: np.ndarray, place: Rectangle, face: Face, emotions: list[str]) -> None:
    """Draw a bar per emotion."""
    size, names, longest, line, gap = bar_sizes(frame, face, emotions)
    left, top = draw_lines(frame, place, emotions, size)
    for number, probability in enumerate(face.probabilities):
        color = COLORS[number % len(COLORS)]
        start = (left + names + gap, top + round(line * (1.1 * number + 0.4)))
        end = (start[0] + round(longest * float(probability)), start[1] + line // 2)
        cv2.rectangle(frame, (start[0] - 1, start[1] - 1), (end[0] + 1, end[1] + 1), BLACK)
        cv2.rectangle(frame, start, end, color, cv2.FILLED)


def draw_notes(frame: np.ndarray, lines: list[str], layout: Layout) -> None:
    """Write lines in the corner of a frame where they cover least of what is taken in `layout`."""
    if not lines:
        return
    size = max(MIN_SCALE, 0.8 * font_scale(frame))
    width, line = text_size(lines, size, thickness(size))
    width, height = width + 2 * (line // 3), round(1.1 * line * len(lines)) + line // 3
    right, bottom = frame.shape[1] - width, frame.shape[0] - height
    corners = [(0, 0), (right, 0), (0, bottom), (right, bottom)]
    _, place = layout.choose_place([(left, top, width, height) for left, top in corners])
    left, top, _, _ = place
    ground = frame[max(0, top) : top + height, max(0, left) : left + width]
    ground //= NOTE_SHADE
    draw_lines(frame, place, lines, size)


def draw_lines(
    frame: np.ndarray, place: Rectangle, lines: list[str], size: float
) -> tuple[int, int]:
    """Write white lines with a dark edge, legible on any ground; return the first one's place."""
    left, top, _, _ = place
    line, thick = text_size(lines, size)[1], thickness(size)
    left += line // 3
    for number, text in enumerate(lines, 1):
        origin = (left, top + round(1.1 * line * number) - line // 6)
        put_text(frame, text, origin, size, BLACK, thick + 3)
        put_text(frame, text, origin, size, WHITE, thick)
    return left, top
