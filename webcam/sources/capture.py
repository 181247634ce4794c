"""OpenCV's captures of cameras, video files and streams: how they are opened."""

import os
import ssl
import threading

import cv2

from webcam.sources.names import camera_number, utf8_name

INTERLACED = "interlaced"  # in what FFmpeg's swscale prints, see video.py
STREAM_TIMEOUT_MS = 10_000  # milliseconds that a stream has to answer in


def open_capture(name: str, size: tuple[int, int] | None = None) -> "cv2.VideoCapture":
    """Open a camera, video file or stream; the caller checks whether that worked."""
    if "://" in name:
        os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", trusting())
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC]
        options = [value for limit in limits for value in (limit, STREAM_TIMEOUT_MS)]
        return cv2.VideoCapture(utf8_name(name), cv2.CAP_FFMPEG, options)
    number = camera_number(name)
    if number is None:  # absolute, since FFmpeg takes the `a` of `a:b.mp4` for a protocol
        return cv2.VideoCapture(utf8_name(os.path.abspath(name)))
    capture = cv2.VideoCapture(number)
    if size:
        # Most webcams have the bandwidth for large frames at full rate only as JPEGs
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"MJPG"))  # type: ignore[attr-defined]
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    return capture


def trusting() -> str:
    """Return the options for FFmpeg with which it checks certificates as Python does.

    The first is OpenCV's own default, which they replace.
    """
    options = "rtsp_transport;tcp"
    authorities = ssl.get_default_verify_paths().cafile
    return f"{options}|tls_verify;1|ca_file;{authorities}" if authorities else options


def open_interruptibly(name: str, size: tuple[int, int] | None) -> "cv2.VideoCapture":
    """Open a capture; a stream in a thread, so that Ctrl-C works until it answers."""
    if "://" not in name:  # macOS asks for a camera's permission in the main thread alone
        return open_capture(name, size)
    opened = []
    utf8_name(name)  # not in the thread, where the error is lost
    thread = threading.Thread(target=lambda: opened.append(open_capture(name, size)), daemon=True)
    thread.start()
    while thread.is_alive():  # on Windows, Ctrl-C does not end a wait without a limit
        thread.join(0.1)
    return opened[0] if opened else cv2.VideoCapture()
