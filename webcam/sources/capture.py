"""Open cameras, video files and streams with OpenCV."""

import os
import ssl

import cv2

from common.stopping import start_thread
from webcam.sources.names import camera_number, utf8_name

INTERLACED = "interlaced"  # FFmpeg's swscale prints this word (video.py)
STREAM_TIMEOUT_MS = 10_000  # milliseconds in which a stream must answer


def open_capture(name: str, size: tuple[int, int] | None = None) -> "cv2.VideoCapture":
    """Open a camera, video file or stream. The caller must check whether it is open."""
    if "://" in name:
        os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", trusting())
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC]
        options = [value for limit in limits for value in (limit, STREAM_TIMEOUT_MS)]
        return cv2.VideoCapture(utf8_name(name), cv2.CAP_FFMPEG, options)
    number = camera_number(name)
    if number is None:  # make it absolute: FFmpeg takes the `a` of `a:b.mp4` for a protocol
        return cv2.VideoCapture(utf8_name(os.path.abspath(name)))
    capture = cv2.VideoCapture(number)
    if size:
        # Most webcams can send large frames at the full rate only as JPEGs
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"MJPG"))  # type: ignore[attr-defined]
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    return capture


def trusting() -> str:
    """Return the FFmpeg options that make it check certificates like Python.

    They replace OpenCV's default, so the first one repeats it.
    """
    options = "rtsp_transport;tcp"
    authorities = ssl.get_default_verify_paths().cafile
    return f"{options}|tls_verify;1|ca_file;{authorities}" if authorities else options


def open_interruptibly(name: str, size: tuple[int, int] | None) -> "cv2.VideoCapture":
    """Open a capture. A stream opens in a thread, so that Ctrl-C works while it connects."""
    if "://" not in name:  # macOS asks for camera permission only in the main thread
        return open_capture(name, size)
    opened = []
    utf8_name(name)  # check here, because the thread would lose the error
    thread = start_thread(lambda: opened.append(open_capture(name, size)))
    while thread.is_alive():  # on Windows, Ctrl-C can't interrupt a wait without a timeout
        thread.join(0.1)
    return opened[0] if opened else cv2.VideoCapture()
