"""Open the output for an annotated source: a video, a picture, or a folder of pictures."""

from pathlib import Path

from common.errors import fail
from webcam.outputs.files import check_writable, fail_on_doubles, stamped
from webcam.outputs.images import ImageWriter
from webcam.outputs.sink import Annotate
from webcam.outputs.video import CODECS, VideoRecorder, partial_path
from webcam.sources.frame import Source
from webcam.sources.images import ImageSource


def choose_output(
    path: Path | None, asked: bool, source: Source, why: str, h264: bool
) -> Path | None:
    """Return the file to write instead of opening a window; print a line with the reason `why`.

    The file is `path`. If the user `asked` for no output, it gets a generated name.
    """
    if not asked:
        # Browsers and notebooks play both formats
        path = stamped("recording", ".mp4" if h264 else ".webm")
        if isinstance(source, ImageSource):
            path = stamped("snapshots", "") if source.many else stamped("snapshot", ".png")
    where = f"writing {path} instead" if path else "continuing without a window"
    print(f"can't open a window ({why}): {where}; use --page to watch in a browser")
    return path


def name_copies(videos: list[Path], folder: Path | None, option: str) -> list[Path | None]:
    """Return the path in `folder` for each video's output; `option` is --output or --csv.

    Creates the folder. Raises UserError if that is impossible, or if a path can't be written.
    """
    if folder is None:
        return [None for _ in videos]
    like_a_file = folder.suffix.lower() in {*CODECS, ".csv"} and not folder.is_dir()
    if like_a_file or (folder.exists() and not folder.is_dir()):
        fail(folder, f"one file for {len(videos)} videos", f"set {option} to a folder")
    if not folder.parent.is_dir():
        fail(folder.parent, "no such folder", f"create it, or choose another {option}")
    names = []
    for video in videos:
        kept = option == "--output" and video.suffix.lower() in CODECS
        other = ".mp4" if option == "--output" else ".csv"
        names.append(video.name if kept else video.stem + other)
    places = [folder / name for name in names]
    unfinished = [partial_path(place).name for place in places] if option == "--output" else []
    fail_on_doubles([*names, *unfinished], folder, "videos")
    folder.mkdir(exist_ok=True)
    for place in places:
        check_writable(place, videos, option)
    return list(places)


def open_output(
    path: Path | None, source: Source, annotate: Annotate, h264: bool
) -> VideoRecorder | ImageWriter | None:
    """Return the sink for a source's annotated frames, or None for pictures without a path."""
    if not isinstance(source, ImageSource):
        return VideoRecorder(path, source, annotate, h264)
    if h264:
        fail("--h264", "only applies to videos", "leave it out")
    return ImageWriter(path, source, annotate) if path else None
