"""What the ffmpeg program adds to a video that OpenCV has written: sound, and H.264."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from common.errors import fail

H264 = ["-c:v", "libx264", "-crf", "21", "-preset", "veryfast", "-pix_fmt", "yuv420p"]


def is_there() -> bool:
    """Return whether ffmpeg is on the PATH, and ffprobe, which comes with it."""
    return bool(shutil.which("ffmpeg") and shutil.which("ffprobe"))


def check_h264(path: Path) -> None:
    """Raise UserError unless ffmpeg is there, can make H.264, and `path` can hold it."""
    if path.suffix.lower() not in (".mp4", ".mov", ".mkv"):
        fail(f"{path}: --h264 is for .mp4, .mov and .mkv; choose another --output")
    encoders = _run(["ffmpeg", "-hide_banner", "-encoders"]).stdout if is_there() else ""
    if "libx264" not in encoders:
        what = "an ffmpeg with libx264 on the PATH"
        fail(f"--h264: needs {what}; install that, or leave out --h264")


def find_sound(source: str) -> float | None:
    """Return at which second of its sound a video begins, None where it has none or no ffmpeg is there."""
    if not is_there():
        return None
    show = ["-show_entries", "stream=codec_type,start_time:format=start_time", "-of", "json"]
    try:
        said = json.loads(_run(["ffprobe", "-v", "error", *show, to_input(source)]).stdout)
        streams = {stream["codec_type"]: stream for stream in reversed(said["streams"])}
        starts = [streams["video"].get("start_time", 0), said["format"].get("start_time", 0)]
        return max(0.0, float(starts[0]) - float(starts[1])) if "audio" in streams else None
    except (ValueError, KeyError):
        return None


def finish(
    video: Path, finished: Path, seconds: float, sound: tuple[str, float] | None, h264: bool
) -> bool:
    """Make `finished` of a video of so many seconds; return whether that worked.

    `sound` is where that comes from and from which second on, None for none. It is copied where the
    file can hold it as it is, else encoded.
    """
    begin = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", to_input(str(video))]
    pictures = ["-map", "0:v", *(H264 if h264 else ["-c:v", "copy"])]
    if finished.suffix.lower() in (".mp4", ".mov"):
        pictures += ["-movflags", "+faststart"]  # a browser plays it before it has all of it
    ways = [[]]
    if sound:
        source, start = sound
        begin += ["-ss", f"{start:.3f}", "-t", f"{seconds:.3f}", "-i", to_input(source)]
        ways = [["-map", "1:a:0", "-c:a", "copy"], ["-map", "1:a:0"]]
    for way in ways:
        if _run([*begin, *pictures, *way, to_input(str(finished))]).returncode == 0:
            return True
        finished.unlink(missing_ok=True)
    return False


def to_input(name: str) -> str:
    """Return a name as ffmpeg takes it: a path that holds a colon is no protocol to it."""
    return name if "://" in name else f"file:{os.path.abspath(name)}"


def _run(command: list[str]) -> subprocess.CompletedProcess:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
    )
