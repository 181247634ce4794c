"""Places for labels and panels: inside the frame, off the faces, and off one another."""

from collections.abc import Iterable, Sequence

import numpy as np

Rectangle = tuple[int, int, int, int]  # left, top, width, height, in pixels
CLEARLY = 0.6  # a better corner covers at most this share of the present one's pixels
OTHERS = 10  # a pixel of another person's face counts this many times


class Layout:
    """The taken places of a frame, (height, width): the boxes of its faces, then labels and panels."""

    def __init__(self, shape: tuple[int, int], boxes: Iterable[Rectangle]):
        self.height, self.width = shape
        self.taken = [(x, y, x + width, y + height) for x, y, width, height in boxes]

    def enlarged(self, times: int) -> "Layout":
        """Return the layout of the same frame, `times` as large."""
        larger = Layout((self.height * times, self.width * times), [])
        larger.taken = [
            (times * x1, times * y1, times * x2, times * y2) for x1, y1, x2, y2 in self.taken
        ]
        return larger

    def move_inside(self, place: Rectangle) -> Rectangle:
        """Return a rectangle, moved into the frame if it fits."""
        left, top, width, height = place
        left = max(0, min(left, self.width - width))
        return left, max(0, min(top, self.height - height)), width, height

    def covers(self, place: Rectangle, own: Rectangle | None = None) -> int:
        """Return how many taken pixels a rectangle covers, except those of `own`."""
        if not self.taken:
            return 0
        left, top, width, height = place
        x1, y1, x2, y2 = np.array(self.taken).T
        across = np.minimum(x2, left + width) - np.maximum(x1, left)
        down = np.minimum(y2, top + height) - np.maximum(y1, top)
        covered = int((across.clip(0) * down.clip(0)).sum())
        return covered if own is None else covered - Layout((0, 0), [own]).covers(place)

    def choose_place(
        self, places: list[Rectangle], own: Sequence[Rectangle | None] = ()
    ) -> tuple[int, Rectangle]:
        """Return the number and the rectangle of the first place that covers nothing.

        If every place covers something, return the one that covers least. `own` may name, for each
        place, a face that it may cover.
        """
        best, least = (0, places[0]), float("inf")
        for number, place in enumerate(places):
            place = self.move_inside(place)
            covered = self.covers(place, own[number] if own else None)
            covered += max(0, place[2] - self.width) * place[3]  # beyond the frame
            if covered < least:
                best, least = (number, place), covered
            if not covered:
                break
        return best

    def choose_corner(
        self,
        size: tuple[int, int],
        margin: int,
        before: int | None = None,
        own: Rectangle | None = None,
    ) -> tuple[int, Rectangle]:
        """Return the number and the rectangle of a corner for a rectangle, (width, height).

        Keep the corner `before` until another one covers clearly fewer taken pixels. Cover the face
        `own` rather than another face.
        """
        width, height = size
        right, bottom = self.width - width - margin, self.height - height - margin
        corners = [(right, margin), (margin, margin), (right, bottom), (margin, bottom)]
        places = [self.move_inside((left, top, width, height)) for left, top in corners]
        covered = [self.covers(place) + OTHERS * self.covers(place, own) for place in places]
        best = min(range(len(places)), key=lambda number: covered[number])
        if before is not None and CLEARLY * covered[before] <= covered[best]:
            best = before
        return best, places[best]

    def take(self, place: Rectangle) -> None:
        """Mark a place as taken."""
        left, top, width, height = place
        self.taken.append((left, top, left + width, top + height))
