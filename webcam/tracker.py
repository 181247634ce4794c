"""Following faces from frame to frame."""

from dataclasses import dataclass

import numpy as np

from webcam.detector import MIN_NEIGHBORS, SAME_FACE, SCALE_BANDS, DetectionView, FaceDetector
from webcam.geometry import iou
from webcam.smoothing import ema_weight

SEARCH_EVERY = 0.15  # seconds between two bands while a face is followed; else each frame has one
FOLLOW_NEIGHBORS = 3  # of a face that is known to be there
AT_ONCE = 2  # tracks searched for in one frame; of more, those that have waited longest
MAX_LOST_SECONDS = 0.3  # a face stays where it was for so long after it was last found
BOX_TIME_CONSTANT = 0.05  # seconds over which boxes are smoothed
TWIN = 0.5  # above which two tracks have run into each other


@dataclass
class Track:
    """A face that is followed.

    `box` and `smoothed_box` are float (x, y, side) in pixels of the frame.
    """

    track_id: int
    box: np.ndarray
    smoothed_box: np.ndarray
    last_seen: float  # seconds at which it was last found
    last_searched: int  # the number of the frame in which it was last searched for
    found: bool = True  # when it was last searched for
    hits: int = 1


class Tracker:
    """Finds faces in one frame after the other, and gives each a number as long as it is followed.

    A known face is searched for around its last box, which takes a tenth of the time of a search in
    the whole frame; new ones in the whole frame, one band of sizes at a time. A face that can't be
    found stays where it was for MAX_LOST_SECONDS.
    """

    def __init__(self, detector: FaceDetector):
        self.detector = detector
        self.tracks: list[Track] = []
        self.frames = self.track_ids = 0
        self.band, self.next_search = 0, 0.0

    def update(self, gray: np.ndarray, seconds: float) -> list[Track]:
        """Return the tracks of the next gray frame, uint8 (height, width), taken at `seconds`."""
        view = self.detector.view(gray)
        # 1. Follow the known faces; where one is lost, the whole frame is searched at once: it may
        # have jumped
        lost = self.follow(view, seconds)
        # 2. Look for new ones, in the first frame in all sizes
        for candidate in self.detect_new(view, seconds, full_scan=lost or not self.frames):
            # 3. A candidate is a known face, found again where it was lost, or a new one
            known = [track for track in self.tracks if iou(track.box, candidate) > SAME_FACE]
            if not known:
                self.start_track(view.detect_near(candidate, MIN_NEIGHBORS), seconds)
            elif not known[0].found:
                self.update_track(known[0], candidate, seconds)
        # 4. Drop what has been lost for long, and of two that have run into each other the younger
        self.tracks = [
            track for number, track in enumerate(self.tracks) if self.is_kept(number, seconds)
        ]
        self.frames += 1
        return self.tracks

    def follow(self, view: DetectionView, seconds: float) -> bool:
        """Search for tracks near their last boxes; return whether one of them was lost just now."""
        lost = False
        for track in sorted(self.tracks, key=lambda track: track.last_searched)[:AT_ONCE]:
            known, track.last_searched = track.found, self.frames
            self.update_track(track, view.detect_near(track.box, FOLLOW_NEIGHBORS), seconds)
            lost = lost or (known and not track.found)
        return lost

    def detect_new(self, view: DetectionView, seconds: float, full_scan: bool) -> list[np.ndarray]:
        """Return candidate boxes from one band of sizes, or from all when `full_scan`."""
        following = any(track.found for track in self.tracks)
        if following and seconds < self.next_search and not full_scan:
            return []  # it is not time yet
        self.next_search = seconds + SEARCH_EVERY
        bands = SCALE_BANDS if full_scan else [SCALE_BANDS[self.band]]
        self.band = (self.band + 1) % len(SCALE_BANDS)
        return view.detect_candidates(bands)

    def start_track(self, box: np.ndarray | None, seconds: float) -> None:
        """Give a confirmed face a number, unless it is one that has a number."""
        if box is not None and all(iou(track.box, box) < SAME_FACE for track in self.tracks):
            self.track_ids += 1
            self.tracks.append(Track(self.track_ids, box, box, seconds, self.frames))

    def update_track(self, track: Track, box: np.ndarray | None, seconds: float) -> None:
        """Move a track to where its face was found, or note that it wasn't."""
        track.found = box is not None
        if track.found:
            track.box = box
            weight = ema_weight(seconds - track.last_seen, BOX_TIME_CONSTANT)
            track.smoothed_box = track.smoothed_box + weight * (box - track.smoothed_box)
            track.last_seen = seconds
            track.hits += 1

    def is_kept(self, number: int, seconds: float) -> bool:
        """Return whether the track at index `number` goes on.

        It does when it was found, or may come back, and does not lie on an older track.
        """
        track = self.tracks[number]
        may_come_back = track.hits > 2 and seconds - track.last_seen < MAX_LOST_SECONDS
        twin = any(iou(track.box, older.box) > TWIN for older in self.tracks[:number])
        return (track.found or may_come_back) and not twin
