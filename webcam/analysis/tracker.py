"""Following faces from frame to frame."""

import itertools
import math
from dataclasses import dataclass

import cv2
import numpy as np

from webcam.analysis.identity import changed, jumped, same_person
from webcam.analysis.smoothing import ema_weight
from webcam.detection.geometry import SAME_FACE, iou, is_nested, is_same
from webcam.detection.view import Detector, View

# Passes of the detector a second, of about 4 ms of one core each: the budget for new faces
FOLLOWING = 10  # while a face is followed
FOLLOWING_NEW = 30  # the same, until a new scene has been searched for its companions
EMPTY = 60  # while no face is followed
EMPTY_NEW = 120  # the same, until a new scene has been searched as a whole
FOLLOW_EVERY = 0.2  # seconds within which each face is searched for
AT_ONCE = 2  # faces searched for in each frame at least
NEW_AT_ONCE = 30  # the same of those without a number, at most
LARGE = 0.14  # of the frame's shorter side: a face that gets its number at once in a new scene
MIN_HITS = 3  # how often a new face has to be found before it has a number
CONFIRM_EVERY = 1.0  # seconds after which the second cascade has to find a face again
MAX_DOUBTS = 3  # how often in a row it may fail to before the face is dropped
MAX_LOST_SECONDS = 0.3  # how long a face stays in its place after it was last found
MAX_GAP = 0.6  # seconds between two frames that begin a new scene
THUMBNAIL = (32, 18)  # pixels
COARSE = (16, 9)  # pixels, in which a new scene is told from movement
# Mean difference of two frames' thumbnails, as a share of their mean, that makes a new scene. From
# frame to frame in seven videos it was 0.13 at most, at two cuts 0.99
CUT = 0.2
BOX_TIME_CONSTANT = 0.05  # seconds over which boxes are smoothed
TWIN = 0.5  # above which two tracks have run into each other


@dataclass
class Track:
    """A face that is followed. Boxes are float (x, y, side, tilt), geometry.py; times in seconds."""

    box: np.ndarray
    smoothed_box: np.ndarray
    frame: np.ndarray  # gray, uint8 (height, width), in which it was last found
    last_seen: float  # when that was
    last_confirmed: float  # when the second cascade was last asked
    last_searched: int  # the number of the frame in which it was last searched for
    track_id: int = 0  # 0 until it is sure to be a face
    found: bool = True  # when it was last searched for
    doubtful: bool = False  # whether it may be another person's since it was last found
    hits: int = 1  # how often it was found
    doubts: int = 0  # how often in a row the second cascade did not find it


class Tracker:
    """Finds faces in one frame after the other, and gives each a number as long as it is followed.

    A known face is searched for around its last box, in a tenth of the time of a search in the whole
    frame; new ones in the whole frame, pass by pass.
    """

    def __init__(self, detector: Detector):
        self.detector = detector
        self.tracks: list[Track] = []
        self.frames, self.track_ids = 0, itertools.count(1)
        self.turns = itertools.count()  # of the detector's passes
        self.searched = 0  # passes of the search of a new scene that are done
        self.is_new = True  # as long as that search is not
        self.due = 0.0  # passes for which there has been time
        self.seconds = 0.0  # of the last frame
        self.thumbnail: np.ndarray | None = None  # of the last frame

    def update(self, gray: np.ndarray, seconds: float) -> list[Track]:
        """Return the tracks of the next gray frame, uint8 (height, width), taken at `seconds`."""
        view = self.detector.view(gray, self.turns)
        new_scene = self.look_for_changes(gray, seconds)
        # 1. Follow the known faces
        lost = self.follow(view, gray, seconds, new_scene)
        # 2. Look for new ones
        for candidate in self.search(view, seconds, new_scene, lost):
            # 3. A candidate is a known face, found again where it was lost, or a new one
            known = [track for track in self.tracks if iou(track.box, candidate) > SAME_FACE]
            if not known:
                # What is small may be a part of a face that is still to be found
                at_once = self.is_new and candidate[2] > LARGE * min(gray.shape)
                self.start_track(view, candidate, gray, seconds, new_scene or at_once)
            elif not known[0].found:
                self.update_track(known[0], view.follow([candidate])[0], gray, seconds)
        # 4. Drop tracks that are long lost, no face, or on another one's face
        self.tracks = [track for track in self.tracks if self.is_kept(track, seconds)]
        self.frames, self.seconds = self.frames + 1, seconds
        return [track for track in self.tracks if track.track_id]

    def look_for_changes(self, gray: np.ndarray, seconds: float) -> bool:
        """Return whether faces may be anywhere: at the start, at a cut, after a gap.

        A track is doubtful then, and where the frame has changed around it.
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
        """Search for tracks near their last boxes; return whether one of them was lost just now.

        A new scene drops those that are lost: a later face in that place is another person's.
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
        """Ask the second cascade about a face now and then; number a new one, asking each time."""
        if track.track_id and seconds - track.last_confirmed < CONFIRM_EVERY:
            return
        track.last_confirmed = seconds
        track.doubts = 0 if view.is_face(track.box) else track.doubts + 1
        if not track.track_id and track.hits >= MIN_HITS:
            track.track_id = next(self.track_ids)

    def search(self, view: View, seconds: float, new_scene: bool, lost: bool) -> list[np.ndarray]:
        """Return candidate boxes of the passes that are due.

        A new scene is searched at once for the usual faces, and for all others in the next frames.
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
        passes = math.floor(self.due + 1e-3)  # despite rounding, all frames at 1/30 s have as many
        self.due -= passes
        if not self.is_new:
            return found + view.search_on(passes)
        found += view.search(self.searched, passes)
        self.searched += passes
        return found

    def start_track(
        self, view: View, candidate: np.ndarray, gray: np.ndarray, seconds: float, at_once: bool
    ) -> None:
        """Follow a candidate that is confirmed, unless it is a known face or a part of one.

        `at_once` gives it a number without further looks.
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
        """Move a track to where its face was found, or note that it wasn't.

        Another person's face in its place gets a number of its own.
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
        """Return whether a track goes on: not if it lies in a larger one, or on an older one."""
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
    """Return a frame reduced to THUMBNAIL, float, with a mean of 1: the same in any light."""
    step = max(1, min(gray.shape) // 90)  # some of the pixels are enough
    small = cv2.resize(gray[::step, ::step], THUMBNAIL, interpolation=cv2.INTER_AREA).astype(float)
    return small / max(1.0, small.mean())
