"""Where the annotated copy of a source goes: a video, a picture, or a folder of pictures."""

from pathlib import Path

from common.errors import fail
from webcam.outputs.files import stamped
from webcam.outputs.images import ImageWriter
from webcam.outputs.sink import Annotate
from webcam.outputs.video import VideoRecorder
from webcam.sources.frame import Source
from webcam.sources.images import ImageSource


def name_output(source: Source) -> Path:
    """Return where the annotated copy goes when nothing was asked for and no window can open."""
    if not isinstance(source, ImageSource):
        return stamped("recording", ".webm")
    return stamped("snapshots", "") if source.many else stamped("snapshot", ".png")


def open_output(
    path: Path | None, source: Source, annotate: Annotate, h264: bool
) -> VideoRecorder | ImageWriter | None:
    """Return where the annotated frames of a source go, None for pictures without a path."""
    if not isinstance(source, ImageSource):
        return VideoRecorder(path, source, annotate, h264)
    if h264:
        fail("--h264", "these are pictures", "leave it out")
    return ImageWriter(path, source, annotate) if path else None
