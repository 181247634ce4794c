"""Open a source: pictures, a video, a camera, a stream, or the demo."""

import os
import tempfile
from pathlib import Path

import cv2

from common.errors import UserError, fail, printable
from webcam.sources.animation import AnimationSource
from webcam.sources.camera import CameraSource
from webcam.sources.capture import open_interruptibly
from webcam.sources.demo import DemoSource
from webcam.sources.files import is_picture, list_files
from webcam.sources.frame import Source
from webcam.sources.images import (
    ImageSource,
    count_pictures,
    fits_in_memory,
    is_animation,
)
from webcam.sources.names import camera_number, is_camera, to_path, without_secrets
from webcam.sources.overheard import Overheard
from webcam.sources.video import VideoSource
from webcam.sources.web import fetch, look_up


def open_source(
    names: list[str],
    size: tuple[int, int] | None,
    overheard: Overheard | None = None,
    loops: bool = False,
) -> Source:
    """Open the source that --source names.

    `size` is the width and height to ask a camera for. The demo starts over at its end if `loops`
    is set. `overheard` must be open while frames are read, or else interlaced video goes unnoticed.
    Raises UserError if the source does not exist or can't be read.
    """
    names = [to_path(name) for name in names]
    name = names[0]
    if size and not is_camera(name):
        fail(without_secrets(name), "--size only applies to cameras", "leave it out")
    if names == ["demo"]:  # a file or folder with this name is `./demo`
        return DemoSource(loops)
    if are_files(names):
        source = open_files(names)
        if not isinstance(source, Path):
            return source
        name = str(source)
    return open_video(name, size, overheard or Overheard())


def are_files(names: list[str]) -> bool:
    """Return whether `names` are files or folders.

    Raises UserError if a camera, an address or the demo is one of several names.
    """
    for name in names:
        one = "camera" if is_camera(name) else "address" if "://" in name else ""
        if not one and name != "demo":
            continue
        if len(names) > 1:
            wrong = f"only one {one} per run" if one else "can't be combined with other sources"
            fail(without_secrets(name), wrong, "make it the only --source")
        return False
    return names != ["browser"]


def list_videos(names: list[str]) -> list[Path]:
    """Return the videos that --source names, if there are several or they are in a folder.

    Return [] for any other source. Print a note on skipped files.
    """
    names = [to_path(name) for name in names]
    if not are_files(names):
        return []
    paths, notes = list_files(names)
    alone = len(paths) == 1 and not Path(names[0]).is_dir()
    if alone or any(map(is_picture, paths)):
        return []
    for note in notes:
        print(printable(note))
    return paths


def open_first_camera(overheard: Overheard, loops: bool = False) -> Source:
    """Return the first camera, or the demo if there is none or it gives no picture."""
    try:
        camera = open_source(["0"], None, overheard)
        assert isinstance(camera, CameraSource)
        camera.wait_for_frame()
        return camera
    except UserError as error:
        print(f"showing the demo: camera {error}")
        return DemoSource(loops)


def open_video(name: str, size: tuple[int, int] | None, overheard: Overheard) -> Source:
    """Open a camera, a stream, a video, or the picture at an http address."""
    there = look_up(name)
    if there.is_picture and (picture := open_web_picture(name)):
        return picture
    capture = open_interruptibly(name, size)
    if not capture.isOpened():
        fail(without_secrets(name), *why_not_opened(name, overheard.take()))
    unlimited = capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0 and not there.ends
    if is_camera(name) or ("://" in name and unlimited):
        return CameraSource(name, size, capture, overheard)
    return VideoSource(name, capture, overheard)


def open_files(names: list[str]) -> Source | Path:
    """Return the source for some pictures, or the path of the only file if it is a video."""
    paths, notes = list_files(names)
    for note in notes:
        print(printable(note))
    strange = [path for path in paths if not is_picture(path)]
    if len(paths) > 1 and strange:
        wrong = "not a picture, but several sources must be all pictures or all videos"
        fail(strange[0], wrong, "make it the only --source")
    if strange and is_text(paths[0]):
        fail(paths[0], "a text file, not a video or picture", "choose another --source")
    if strange:
        return paths[0]
    count = count_pictures(paths[0]) if len(paths) == 1 else len(paths)
    if len(paths) == 1 and is_animation(paths[0], count):
        return open_animation(paths[0], count) or paths[0]
    return ImageSource(paths, many=count > 1 or paths != [Path(names[0])])


def open_animation(path: Path, count: int, name: str | None = None) -> AnimationSource | None:
    """Return the source for an animation, or None for a GIF that is too large.

    FFmpeg can read the GIF as a video. Raises UserError if another format is too large. Error
    messages call the animation `name`.
    """
    if fits_in_memory(path, count):
        return AnimationSource(path, name)
    if path.suffix.lower() != ".gif":
        fail(name or path, "an animation too large for OpenCV", "convert it to MP4")
    return None


def open_web_picture(address: str) -> Source | None:
    """Return the source for the picture at an http address, or None for a GIF that is too large."""
    folder = tempfile.TemporaryDirectory()
    path, name = fetch(address, Path(folder.name)), without_secrets(address)
    count = count_pictures(path)
    if is_animation(path, count):
        return open_animation(path, count, name)
    return ImageSource([path], count > 1, [name], folder)


def is_text(file: Path) -> bool:
    """Return whether a file is plain text, which FFmpeg would draw. A playlist does not count."""
    if not file.is_file():  # reading a named pipe would block
        return False
    with file.open("rb") as opened:
        start = opened.read(1024)
    if not start or start.startswith((b"#EXTM3U", b"v=0", b"ffconcat", b"<")):
        return False
    return all(byte >= 32 or byte in b"\t\n\r\f\x1b" for byte in start)


def why_not_opened(name: str, said: str) -> tuple[str, str]:
    """Return the problem of a source that OpenCV did not open, and the remedy.

    `said` is the text that OpenCV and FFmpeg printed.
    """
    if is_camera(name):
        device = f"/dev/video{camera_number(name)}"
        if os.path.exists(device) and not os.access(device, os.R_OK | os.W_OK):
            mend = "run `sudo usermod -aG video $USER`, then log in again"
            return f"no permission to read {device}", mend
        if "not authorized" in said or "access has been denied" in said:  # by macOS
            mend = "allow it for your terminal in System Settings > Privacy & Security > Camera"
            return "no permission to use the camera", f"{mend}, then restart the terminal"
        others = "--source 1, a video or picture such as samples/astronaut.jpg, or --source demo"
        return "no such camera, or another program is using it", f"try {others}"
    if "://" in name:
        return "no stream or video found there", "check the address and the network"
    return "not a video that OpenCV can read", "convert it to MP4"
