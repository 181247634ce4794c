"""Follow faces from frame to frame."""

import itertools
import math
from dataclasses import dataclass

import cv2
import numpy as np

from webcam.analysis.identity import changed, jumped, same_person
from webcam.analysis.smoothing import ema_weight
from webcam.detection.geometry import SAME_FACE, iou, is_nested, is_same
from webcam.detection.view import Detector, View

# The budget for new faces, in detector passes a second. A pass takes about 4 ms on one core
FOLLOWING = 10  # while following a face
FOLLOWING_NEW = 30  # while following a face in a new scene, until the search for others is complete
EMPTY = 60  # while following no face
EMPTY_NEW = 120  # while following no face in a new scene, until the whole frame is searched
FOLLOW_EVERY = 0.2  # seconds; search for each known face at least this often
AT_ONCE = 2  # known faces to search for in each frame, at least
NEW_AT_ONCE = 30  # faces without a number to search for in each frame, at most
LARGE = 0.14  # share of the frame's shorter side; larger faces in a new scene get a number at once
MIN_HITS = 3  # how often a new face must be found to get a number
CONFIRM_EVERY = 1.0  # seconds between two checks of a face by the second cascade
MAX_DOUBTS = 3  # failed checks in a row after which a face is dropped
MAX_LOST_SECONDS = 0.3  # how long a lost face stays where it was last found
MAX_GAP = 0.6  # seconds; a longer pause between two frames starts a new scene
THUMBNAIL = (32, 18)  # pixels
COARSE = (16, 9)  # pixels; a smaller thumbnail that tells a cut from movement
# A new scene starts if the mean difference of two thumbnails exceeds this share of their mean. In
# seven videos it was at most 0.13 from frame to frame, and 0.99 at two cuts
CUT = 0.2
BOX_TIME_CONSTANT = 0.05  # seconds over which boxes are smoothed
TWIN = 0.5  # two tracks follow the same face if their IoU is above this


@dataclass
class Track:
    """A face being followed. Boxes are float (x, y, side, tilt) (geometry.py), times in seconds."""

    box: np.ndarray
    smoothed_box: np.ndarray
    frame: np.ndarray  # the last frame in which it was found, gray, uint8 (height, width)
    last_seen: float  # time of that frame
    last_confirmed: float  # time of the last check by the second cascade
    last_searched: int  # number of the frame of the last search for it
    track_id: int = 0  # 0 until it is certainly a face
    found: bool = True  # whether the last search found it
    doubtful: bool = False  # whether it may have become another person since it was last found
    hits: int = 1  # how often it was found
    doubts: int = 0  # checks by the second cascade that failed in a row


class Tracker:
    """Follows faces from frame to frame; each keeps its number while it is followed.

    The tracker searches for known faces around their last boxes, which takes a tenth of the time of
    a full search. It searches for new faces in the whole frame, a few passes at a time.
    """

    def __init__(self, detector: Detector):
        self.detector = detector
        self.tracks: list[Track] = []
        self.frames, self.track_ids = 0, itertools.count(1)
        self.turns = itertools.count()  # counts the detector's passes
        self.searched = 0  # completed passes of the search of a new scene
        self.is_new = True  # until that search is complete
        self.due = 0.0  # passes that the budget allows now
        self.seconds = 0.0  # time of the last frame
        self.thumbnail: np.ndarray | None = None  # thumbnail of the last frame

    def update(self, gray: np.ndarray, seconds: float) -> list[Track]:
        """Return the numbered tracks of a gray frame, uint8 (height, width), taken at `seconds`."""
        view = self.detector.view(gray, self.turns)
        new_scene = self.look_for_changes(gray, seconds)
        # 1. Follow the known faces
        lost = self.follow(view, gray, seconds, new_scene)
        # 2. Look for new faces
        for candidate in self.search(view, seconds, new_scene, lost):
            # 3. Match each candidate: it is a known face, a lost face found again, or a new face
            known = [track for track in self.tracks if iou(track.box, candidate) > SAME_FACE]
            if not known:
                # A small candidate may be part of a face that a later pass finds
                at_once = self.is_new and candidate[2] > LARGE * min(gray.shape)
                self.start_track(view, candidate, gray, seconds, new_scene or at_once)
            elif not known[0].found:
                self.update_track(known[0], view.follow([candidate])[0], gray, seconds)
        # 4. Drop tracks that have been lost too long, are not a face, or duplicate another track
        self.tracks = [track for track in self.tracks if self.is_kept(track, seconds)]
        self.frames, self.seconds = self.frames + 1, seconds
        return [track for track in self.tracks if track.track_id]

    def look_for_changes(self, gray: np.ndarray, seconds: float) -> bool:
        """Return whether a new scene starts: at the first frame, at a cut, or after a gap.

        Marks tracks as doubtful in a new scene, and if the frame changed around them.
        """
        before, self.thumbnail = self.thumbnail, reduce_to_thumbnail(gray)
        if before is None:
            return True
        gap = seconds - self.seconds > MAX_GAP
        change = self.thumbnail - before
        coarse = cv2.resize(change, COARSE, interpolation=cv2.INTER_AREA)
        new_scene = gap or bool(np.abs(coarse).mean() > CUT)
        for track in self.tracks:
            if new_scene or changed(change, track.box, gray.shape):
                track.doubtful = True
        return new_scene

    def follow(self, view: View, gray: np.ndarray, seconds: float, new_scene: bool) -> bool:
        """Search for tracks near their last boxes; return whether one was lost in this frame.

        In a new scene, drop lost tracks: a later face in that place is another person's.
        """
        lost = False
        waiting = sorted(self.tracks, key=lambda track: (bool(track.track_id), track.last_searched))
        due = len(waiting) * (seconds - self.seconds) / FOLLOW_EVERY + 0.5
        new = sum(not track.track_id for track in waiting)
        tracks = (
            waiting if new_scene else waiting[: max(AT_ONCE, round(due), min(new, NEW_AT_ONCE))]
        )
        for track, box in zip(tracks, view.follow([track.box for track in tracks])):
            known, track.last_searched = track.found, self.frames
            self.update_track(track, box, gray, seconds)
            if track.found:
                self.confirm(track, view, seconds)
            lost = lost or (known and not track.found)
        if new_scene:
            self.tracks = [track for track in self.tracks if track.found]
        return lost

    def confirm(self, track: Track, view: View, seconds: float) -> None:
        """Check a numbered face with the second cascade every CONFIRM_EVERY seconds.

        A new face is checked each time, and gets its number after MIN_HITS.
        """
        if track.track_id and seconds - track.last_confirmed < CONFIRM_EVERY:
            return
        track.last_confirmed = seconds
        track.doubts = 0 if view.is_face(track.box) else track.doubts + 1
        if not track.track_id and track.hits >= MIN_HITS:
            track.track_id = next(self.track_ids)

    def search(self, view: View, seconds: float, new_scene: bool, lost: bool) -> list[np.ndarray]:
        """Run the passes that are due; return their candidate boxes.

        In a new scene, search for faces of the usual sizes at once, and for others in later frames.
        """
        found: list[np.ndarray] = []
        if new_scene or lost:  # a face may have jumped
            found = view.search(0, view.usual)
        if new_scene:
            self.searched = view.usual
        if any(track.found and track.track_id for track in self.tracks):
            whole, rates = view.soon, (FOLLOWING_NEW, FOLLOWING)
        else:
            whole, rates = view.passes, (EMPTY_NEW, EMPTY)
        self.is_new = self.searched < whole
        rate = rates[not self.is_new]
        elapsed = seconds - self.seconds if self.frames else 0.0
        self.due = min(self.due + rate * elapsed, view.passes)
        passes = math.floor(self.due + 1e-3)  # rounding must not vary the passes of frames at 30/s
        self.due -= passes
        if not self.is_new:
            return found + view.search_on(passes)
        found += view.search(self.searched, passes)
        self.searched += passes
        return found

    def start_track(
        self, view: View, candidate: np.ndarray, gray: np.ndarray, seconds: float, at_once: bool
    ) -> None:
        """Start to follow a candidate if it is confirmed and is not (part of) a known face.

        With `at_once` it gets its number immediately.
        """
        if any(is_nested(candidate, track.box) for track in self.tracks if track.found):
            return
        box = view.confirm(candidate)
        if box is None or any(is_same(box, track.box) for track in self.tracks):
            return
        track = Track(box, box, gray, seconds, seconds, self.frames)
        if at_once:
            track.track_id = next(self.track_ids)
        self.tracks.append(track)

    def update_track(
        self, track: Track, box: np.ndarray | None, gray: np.ndarray, seconds: float
    ) -> None:
        """Move a track to the box where its face was found, or note that it was not found.

        If another person's face is in its place, the track gets a new number.
        """
        in_doubt = track.doubtful or not track.found
        track.found = box is not None
        if box is None:
            return
        elapsed = seconds - track.last_seen
        in_doubt = in_doubt or jumped(box, track.box)
        if in_doubt and not same_person(track.frame, track.box, gray, box, elapsed):
            track.track_id, track.smoothed_box = track.track_id and next(self.track_ids), box
        weight = ema_weight(elapsed, BOX_TIME_CONSTANT)
        track.smoothed_box = track.smoothed_box + weight * (box - track.smoothed_box)
        track.box, track.frame, track.last_seen = box, gray, seconds
        track.doubtful = False
        track.hits += 1

    def is_kept(self, track: Track, seconds: float) -> bool:
        """Return whether to keep a track.

        Drop it if it failed too many checks, was lost too long, or lies inside a larger or on an
        older track.
        """
        if track.doubts >= (MAX_DOUBTS if track.track_id else 1):
            return False
        for other in self.tracks:
            if other is not track and other.found:
                longer = other.hits > track.hits and iou(track.box, other.box) > TWIN
                if longer or is_nested(track.box, other.box):
                    return False
        may_come_back = track.track_id and seconds - track.last_seen < MAX_LOST_SECONDS
        return track.found or bool(may_come_back)


def reduce_to_thumbnail(gray: np.ndarray) -> np.ndarray:
    """Return a frame reduced to THUMBNAIL, float. Its mean is 1, so that light does not matter."""
    step = max(1, min(gray.shape) // 90)  # a sample of the pixels is enough
    small = cv2.resize(gray[::step, ::step], THUMBNAIL, interpolation=cv2.INTER_AREA).astype(float)
    return small / max(1.0, small.mean())
