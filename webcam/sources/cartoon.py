"""A drawn face whose expressions change gradually, for the demo."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cached_property

import cv2
import numpy as np

Points = np.ndarray  # float (n, 2): x, y in units of the drawing
Place = Sequence[float] | np.ndarray  # x, y
Color = tuple[float, ...]  # blue, green, red

WIDTH, HEIGHT = 240, 280  # units of the drawing
FINER = 3  # pixels of a unit, before the drawing is reduced
MIDDLE = 120.0  # x of the nose
SKIN, SHADE, LIGHT = (150, 178, 224), (112, 140, 190), (176, 204, 240)
FOLD, HAIR, LIPS, MOUTH = (110, 130, 170), (36, 46, 66), (96, 96, 176), (40, 30, 60)
INK, WHITE, IRIS, SHIRT = (38, 34, 40), (240, 244, 246), (90, 70, 50), (110, 84, 60)


@dataclass(frozen=True)
class Expression:
    """The positions of the parts of the face, 0 at rest."""

    brows: float = 0.0  # 1: raised
    frown: float = 0.0  # 1: inner ends of the brows drawn down; negative: drawn up
    eyes: float = 0.9  # 1.4: wide open
    smile: float = 0.0  # 1: corners of the mouth up; negative: down
    mouth: float = 0.0  # 1: open
    width: float = 1.0  # of the mouth
    cheeks: float = 0.0  # 1: raised

    def mixed(self, other: "Expression", share: float) -> "Expression":
        """Return the expression between this one and `other`, with `share` from 0 to 1."""
        pairs = zip(astuple(self), astuple(other))
        return Expression(*(one + share * (two - one) for one, two in pairs))


EXPRESSIONS = {
    "neutral": Expression(),
    "happiness": Expression(0.1, 0, 0.8, 1, 0.35, 1.2, 1),
    "surprise": Expression(1, -0.1, 1.4, 0, 0.9, 0.75, 0),
    "sadness": Expression(0.1, -0.9, 0.75, -0.8, 0, 0.9, 0),
    "anger": Expression(-0.6, 1, 0.85, -0.5, 0, 0.9, 0),
}


class Cartoon:
    """Draws the face in any expression."""

    def draw(self, expression: Expression) -> np.ndarray:
        """Return the drawing, BGR, uint8 (FINER * HEIGHT, FINER * WIDTH, 3)."""
        image = self.base.copy()
        for side in (-1, 1):
            draw_eye(image, expression, side)
            draw_brow(image, expression, side)
            draw_folds(image, expression, side)
        draw_mouth(image, expression)
        return image

    @cached_property
    def mask(self) -> np.ndarray:
        """The coverage of the drawing, uint8, 255 inside."""
        mask = np.zeros((FINER * HEIGHT, FINER * WIDTH), np.uint8)
        for shape in (shoulders(), neck(), hair(), head(), *map(ear, (-1, 1))):
            fill(mask, shape, (255,))
        return mask

    @cached_property
    def base(self) -> np.ndarray:
        """The drawing without its moving parts."""
        image = np.full((FINER * HEIGHT, FINER * WIDTH, 3), SHADE, np.uint8)
        fill(image, shoulders(), SHIRT)
        fill(image, neck(), SHADE)
        fill(image, hair(), HAIR)
        for side in (-1, 1):
            fill(image, ear(side), SHADE)
        fill(image, head(), SKIN)
        # Soft light and shade, only inside the head
        soft = image.copy()
        for side in (-1, 1):
            fill(soft, ellipse(MIDDLE + 64 * side, 150, 16, 60), SHADE)
            fill(soft, ellipse(MIDDLE + 32 * side, 116, 22, 13), SHADE)
            fill(soft, ellipse(MIDDLE + 44 * side, 156, 17, 13), LIGHT)
        fill(soft, ellipse(MIDDLE, 210, 26, 6), SHADE)
        fill(soft, ellipse(MIDDLE, 170, 13, 6), SHADE)
        fill(soft, ellipse(MIDDLE, 142, 6, 22), LIGHT)
        blend(image, cv2.GaussianBlur(soft, (0, 0), 7 * FINER), head())
        fringe = [bend((44, 112), (42, 60), (110, 62)), bend((110, 62), (180, 60), (196, 118))]
        fringe.append(bend((196, 118), (196, 30), (MIDDLE, 26)))
        fill(image, np.vstack([*fringe, [(44, 30)]]), HAIR)
        draw_nose(image)
        return image


def bend(start: Place, control: Place, end: Place) -> Points:
    """Return 24 points of a quadratic Bézier curve."""
    first, middle, last = map(np.array, (start, control, end))
    share = np.linspace(0, 1, 24)[:, None]
    return (1 - share) ** 2 * first + 2 * share * (1 - share) * middle + share**2 * last


def ellipse(x: float, y: float, across: float, down: float) -> Points:
    """Return 60 points of an ellipse with the given middle and half axes."""
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    return np.stack([x + across * np.cos(turn), y + down * np.sin(turn)], axis=1)


def head() -> Points:
    """Return the outline of the head."""
    points = ellipse(0, 0, 76, 1)
    down = points[:, 1]
    points[:, 0] *= np.where(down > 0, 1 - 0.16 * down**2, 1)  # the chin is narrower
    points[:, 1] *= np.where(down > 0, 104, 86)
    return points + np.array([MIDDLE, 134])


def hair() -> Points:
    """Return the outline of the hair."""
    return ellipse(MIDDLE, 112, 88, 104)


def ear(side: int) -> Points:
    """Return the outline of an ear: -1 for the left one in the picture, 1 for the right one."""
    return ellipse(MIDDLE + 78 * side, 136, 13, 22)


def neck() -> Points:
    """Return the outline of the neck."""
    return np.array([(90, 190), (150, 190), (156, 250), (84, 250)])


def shoulders() -> Points:
    """Return the outline of the shoulders."""
    return ellipse(MIDDLE, 300, 105, 70)


def fill(image: np.ndarray, points: Points, color: Color) -> None:
    """Fill a shape."""
    pixels = np.round(points * FINER * 16).astype(np.int32)
    cv2.fillPoly(image, [pixels], color, cv2.LINE_AA, 4)  # coordinates have 4 fractional bits


def stroke(image: np.ndarray, points: Points, color: Color, width: float) -> None:
    """Draw an open line."""
    pixels = np.round(points * FINER * 16).astype(np.int32)
    cv2.polylines(image, [pixels], False, color, max(1, round(width * FINER)), cv2.LINE_AA, 4)


def blend(image: np.ndarray, other: np.ndarray, shape: Points) -> None:
    """Replace an image by another one inside a shape."""
    left, top = (shape.min(axis=0) * FINER).astype(int)
    right, bottom = (shape.max(axis=0) * FINER).astype(int) + 2
    region, inner = image[top:bottom, left:right], other[top:bottom, left:right]
    mask = np.zeros(region.shape[:2], np.uint8)
    fill(mask, shape - np.array([left, top]) / FINER, (255,))
    share = mask[..., None] / np.float32(255)
    region[:] = region + (inner - region.astype(np.float32)) * share


def faded(amount: float, color: Color = FOLD) -> Color:
    """Return a color between the skin's (share 0) and `color` (share 1)."""
    return tuple(skin + min(1, amount) * (c - skin) for skin, c in zip(SKIN, color))


def draw_nose(image: np.ndarray) -> None:
    """Draw the nose."""
    tip = [bend((-17, 160), (-16, 170), (-6, 168)), bend((-6, 168), (0, 173), (6, 168))]
    tip.append(bend((6, 168), (16, 170), (17, 160)))
    stroke(image, bend((112, 112), (105, 150), (104, 160)), SHADE, 1.6)
    stroke(image, np.vstack(tip) + np.array([MIDDLE, 0]), (84, 104, 150), 2.2)
    for side in (-1, 1):
        fill(image, ellipse(MIDDLE + 8 * side, 168, 4, 2), (70, 84, 120))


def draw_eye(image: np.ndarray, face: Expression, side: int) -> None:
    """Draw an eye: -1 for the left one in the picture, 1 for the right one."""
    x, y = MIDDLE + 32 * side, 125
    lower_lid = max(1.5, 6 * face.eyes - 3 * face.cheeks)
    upper = bend((x - 19, y), (x, y + 3 - 22 * face.eyes), (x + 19, y))
    lower = bend((x + 19, y), (x, y + 2 * lower_lid), (x - 19, y))
    shape = np.vstack([upper, lower])
    fill(image, shape, WHITE)
    pupil = image.copy()
    for across, color in ((9.5, IRIS), (4.8, INK)):
        fill(pupil, ellipse(x, y - 2, across, across), color)
    fill(pupil, ellipse(x + 3, y - 5, 2.2, 2.2), WHITE)
    blend(image, pupil, shape)
    stroke(image, upper, INK, 3)
    stroke(image, lower, SHADE, 1.5)
    stroke(image, upper - np.array([0, 6]), SHADE, 1.6)


def draw_brow(image: np.ndarray, face: Expression, side: int) -> None:
    """Draw the brow above an eye."""
    x, y = MIDDLE + 32 * side, 101 - 12 * face.brows
    inner = np.array((x - 20 * side, y + 10 * face.frown))
    outer = np.array((x + 24 * side, y + 4 - 3 * face.frown))
    top = np.array((x + 4 * side, y - 10 - 4 * max(0, face.brows)))
    edge = [bend(inner, top, outer), bend(outer, top + np.array([0, 9]), inner + np.array([0, 8]))]
    fill(image, np.vstack(edge), HAIR)


def draw_folds(image: np.ndarray, face: Expression, side: int) -> None:
    """Draw the folds of one side: from nose to mouth, and between the brows."""
    if face.cheeks > 0:  # from the nose past the corner of the mouth
        points = bend((20, 160), (40, 172), (40 + 8 * face.width, 190)) * np.array(
            [side, 1]
        ) + np.array([MIDDLE, 0])
        stroke(image, points, faded(face.cheeks), 2.2)
    if face.frown > 0:  # between the brows
        stroke(
            image,
            np.array([(5, 108), (6, 96)]) * np.array([side, 1]) + np.array([MIDDLE, 0]),
            faded(face.frown),
            2,
        )


def draw_mouth(image: np.ndarray, face: Expression) -> None:
    """Draw the mouth."""
    y, half, lift, gap = 192 + 5 * face.mouth, 30 * face.width, 14 * face.smile, 26 * face.mouth
    across = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 32))  # from corner to corner

    def lip(down: float) -> Points:
        # A closed mouth is a parabola, a wide open one half an ellipse
        arch = (1 - across**2) ** (1 - 0.5 * face.mouth) * (down + 0.8 * lift) / 2
        return np.stack([MIDDLE + half * across, y - 0.8 * lift + arch], axis=1)

    upper, lower = lip(0.9 * lift - 0.35 * gap), lip(0.9 * lift + 1.5 * gap)
    if face.mouth > 0.03:
        opening = np.vstack([upper, lower[::-1]])
        fill(image, opening, MOUTH)
        inside = image.copy()
        fill(inside, np.vstack([upper, upper[::-1] + np.array([0, min(0.8 * gap, 9)])]), WHITE)
        tongue = ellipse(MIDDLE, y + 0.5 * lift + gap, 0.5 * half, 0.35 * gap)
        fill(inside, tongue, (90, 80, 170))
        blend(image, inside, opening)
    fill(image, np.vstack([lip(0.5 * lift - 7 - 0.25 * gap), upper[::-1]]), LIPS)
    fill(image, np.vstack([lower, lip(lift + 10 + 1.6 * gap)[::-1]]), LIPS)
    stroke(image, upper, (60, 56, 110), 2 if face.mouth < 0.03 else 1.2)
