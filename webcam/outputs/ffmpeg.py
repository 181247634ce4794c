"""What the ffmpeg program adds to a video that OpenCV has written: sound, and H.264."""

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from common.errors import fail
from webcam.outputs.files import temporary_path

H264 = ["-c:v", "libx264", "-crf", "21", "-preset", "veryfast", "-pix_fmt", "yuv420p"]


def is_there() -> bool:
    """Return whether ffmpeg is on the PATH, and ffprobe, which comes with it."""
    return bool(shutil.which("ffmpeg") and shutil.which("ffprobe"))


def check_h264(path: Path) -> None:
    """Raise UserError unless ffmpeg is there, can make H.264, and `path` can hold it."""
    if path.suffix.lower() not in (".mp4", ".mov", ".mkv"):
        fail(path, "--h264 is for .mp4, .mov and .mkv", "choose another --output")
    encoders = _run(["ffmpeg", "-hide_banner", "-encoders"]).stdout if is_there() else ""
    if "libx264" not in encoders:
        wrong = "needs an ffmpeg with libx264 on the PATH"
        fail("--h264", wrong, "install that, or leave out --h264")


@dataclass(frozen=True)
class Streams:
    """What ffprobe tells of a video."""

    sound_start: float | None  # the second of the sound at which the video begins; None: no sound
    seconds: float | None  # how long the video is, None where the file does not tell


def probe(source: str | None) -> Streams:
    """Return what ffprobe tells of a video; nothing of None, or where it is not there."""
    if source is None or not is_there():
        return Streams(None, None)
    entries = (
        "stream=codec_type,start_time,duration:stream_tags=DURATION:format=format_name,start_time"
    )
    command = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", to_input(source)]
    try:
        said = json.loads(_run(command, 30).stdout)
        streams = {stream["codec_type"]: stream for stream in reversed(said["streams"])}
        video, start = streams["video"], float(said["format"].get("start_time", 0))
        begins = max(0.0, float(video.get("start_time", 0)) - start)
        # The time stamps of an MPEG stream may be those of several recordings
        is_mpeg = said["format"]["format_name"].startswith("mpeg")
        seconds = None if is_mpeg else _duration(video)
        return Streams(begins if "audio" in streams else None, seconds)
    except (ValueError, KeyError, subprocess.TimeoutExpired):
        return Streams(None, None)


def _duration(video: dict) -> float | None:
    """Return the seconds of a stream: its duration, or that which Matroska has in its tags."""
    if "duration" in video:
        return float(video["duration"])
    tag = re.match(r"(\d+):(\d+):(\d+\.\d+)", video.get("tags", {}).get("DURATION", ""))
    if not tag:
        return None
    hours, minutes, seconds = map(float, tag.groups())
    # It counts from the file's start
    return 3600 * hours + 60 * minutes + seconds - float(video.get("start_time", 0))


def sound_command(video: Path, source: str, start: float) -> str:
    """Return what a user types to bring the sound of a source, from `start` on, into a video."""
    new = str(video.with_stem(f"{video.stem}-sound"))
    since = ["-ss", f"{start:.3f}"] if start else []
    inputs = ["-i", str(video), *since, "-i", source]
    return shlex.join(["ffmpeg", *inputs, "-map", "0:v", "-map", "1:a", "-c", "copy", new])


def finish(video: Path, seconds: float | None, sound: tuple[str, float] | None, h264: bool) -> str:
    """Bring sound and H.264 into a video; return what could not be had.

    `sound` is where that comes from and from which second on, None for none; `seconds` is how much
    of it, None for all. It is copied where the file can hold it as it is, else encoded. The video
    is replaced once the new one is whole.
    """
    finished = temporary_path(video)
    begin = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", to_input(str(video))]
    end = ["-movflags", "+faststart"] if video.suffix.lower() in (".mp4", ".mov") else []
    ways: list[tuple[str, list[str]]] = [("", [])]  # what is lost, and the options
    if sound:
        source, start = sound
        begin += ["-ss", f"{start:.3f}"] if start >= 0.001 else []
        begin += ["-t", f"{seconds:.3f}"] if seconds else []
        begin += ["-i", to_input(source)]
        # AVI has no time stamps: what starts later is filled up with silence
        filled = ["-af", "aresample=async=1:first_pts=0", "-c:a", "pcm_s16le"]
        is_avi = video.suffix.lower() == ".avi"
        kinds = [filled] if is_avi else [["-c:a", "copy"], []]
        ways = [("", ["-map", "1:a", *kind]) for kind in kinds]
        ways += [("sound", [])] if h264 else []
    pictures = ["-map", "0:v", *(H264 if h264 else ["-c:v", "copy"])]
    try:
        for lost, way in ways:
            command = [*begin, *pictures, *way, *end, to_input(str(finished))]
            if _run(command).returncode == 0:
                os.replace(finished, video)
                return lost
        wanted = {"sound": sound, "H.264": h264}
        return " and no ".join(name for name, asked in wanted.items() if asked)
    finally:
        finished.unlink(missing_ok=True)


def to_input(name: str) -> str:
    """Return a name as ffmpeg takes it: a path that holds a colon is no protocol to it."""
    return name if "://" in name else f"file:{os.path.abspath(name)}"


def _run(command: list[str], timeout: float | None = None) -> subprocess.CompletedProcess:
    """Run a command in a session of its own: Ctrl-C is for the script, not for ffmpeg."""
    return subprocess.run(
        command,
        timeout=timeout,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
    )
