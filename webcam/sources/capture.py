"""OpenCV's captures of cameras, video files and streams: how they are opened."""

import os
import re

import cv2

from common.errors import utf8_name

INTERLACED = "interlaced"  # in what FFmpeg's swscale prints, see video.py
STREAM_TIMEOUT_MS = 10_000  # milliseconds that a stream has to answer in


def open_capture(name: str, size: tuple[int, int] | None = None) -> "cv2.VideoCapture":
    """Open a camera, video file or stream; whether that worked is for the caller to ask."""
    if "://" in name:
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC]
        options = [value for limit in limits for value in (limit, STREAM_TIMEOUT_MS)]
        return cv2.VideoCapture(utf8_name(name), cv2.CAP_FFMPEG, options)
    if not is_camera(name):
        return cv2.VideoCapture(
            utf8_name(os.path.abspath(name))
        )  # FFmpeg takes `a:b.mp4` for a protocol
    capture = cv2.VideoCapture(camera_number(name))
    if size:
        # Most webcams have the bandwidth for large frames at full rate only as JPEGs
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    return capture


def is_camera(name: str) -> bool:
    """Return whether a source's name is the number of a camera, or its device file."""
    return camera_number(name) is not None


def camera_number(name: str) -> int | None:
    """Return the number of a camera: 1 for `1`, for `/dev/video1`, and for a link to that."""
    if name.startswith("/dev/"):
        name = os.path.realpath(name).removeprefix("/dev/video")
    number = re.fullmatch("[0-9]{1,3}", name)
    return int(number[0]) if number else None
