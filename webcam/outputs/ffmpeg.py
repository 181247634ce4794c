"""Add sound to a video that OpenCV wrote, or convert it to H.264, with the ffmpeg program."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from common.console import shell_line
from common.errors import fail
from webcam.outputs.files import temporary_path

H264 = ["-c:v", "libx264", "-crf", "21", "-preset", "veryfast", "-pix_fmt", "yuv420p"]


def is_there() -> bool:
    """Return whether ffmpeg and ffprobe are on the PATH."""
    return bool(shutil.which("ffmpeg") and shutil.which("ffprobe"))


def check_h264(path: Path) -> None:
    """Raise UserError unless ffmpeg can encode H.264 and the format of `path` supports it."""
    if path.suffix.lower() not in (".mp4", ".mov", ".mkv"):
        fail(path, "--h264 only supports .mp4, .mov and .mkv", "choose another --output")
    encoders = _run(["ffmpeg", "-hide_banner", "-encoders"]).stdout if is_there() else b""
    if b"libx264" not in encoders:
        wrong = "needs ffmpeg with libx264 on the PATH"
        fail("--h264", wrong, "install it, or leave out --h264")


def probe(source: str | None) -> tuple[float | None, float | None]:
    """Return the time in a video's sound at which its pictures begin, and the pictures' duration.

    Both are in seconds. Each is None if it is unknown: without sound, source or ffprobe, or if the
    file does not say.
    """
    if source is None or not is_there():
        return None, None
    entries = "stream=codec_type,start_time,duration:stream_tags=DURATION"
    entries += ":format=format_name,start_time"
    command = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", to_input(source)]
    try:
        said = json.loads(_run(command, 30).stdout)
        streams = {stream["codec_type"]: stream for stream in reversed(said["streams"])}
        video, start = streams["video"], float(said["format"].get("start_time", 0))
        begins = max(0.0, float(video.get("start_time", 0)) - start)
        # An MPEG stream may mix time stamps from several recordings
        is_mpeg = said["format"]["format_name"].startswith("mpeg")
        seconds = None if is_mpeg else _duration(video)
        return begins if "audio" in streams else None, seconds
    except (ValueError, KeyError, subprocess.TimeoutExpired):
        return None, None


def _duration(video: dict) -> float | None:
    """Return a stream's duration in seconds, or None.

    Matroska has a tag instead of the duration, which counts from the start of the file.
    """
    if "duration" in video:
        return float(video["duration"])
    if not (tag := video.get("tags", {}).get("DURATION")):
        return None
    hours, minutes, seconds = map(float, tag.split(":"))
    return 3600 * hours + 60 * minutes + seconds - float(video.get("start_time", 0))


def sound_command(video: Path, source: str, start: float) -> str:
    """Return the ffmpeg command that adds a source's sound, from second `start` on, to a video."""
    new = str(video.with_stem(f"{video.stem}-sound"))
    since = ["-ss", f"{start:.3f}"] if start else []
    inputs = ["-i", str(video), *since, "-i", source]
    return shell_line(["ffmpeg", *inputs, "-map", "0:v", "-map", "1:a", "-c", "copy", new])


def finish(video: Path, seconds: float | None, sound: tuple[str, float] | None, h264: bool) -> str:
    """Add sound to a video, and convert it to H.264 if asked; return the names of failed parts.

    `sound` is the source and the second at which its sound starts. `seconds` is the length of the
    sound, None for all. The sound is copied if the format supports it, or else encoded again. The
    new video replaces the old one once it is complete.
    """
    finished = temporary_path(video)
    begin = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", to_input(str(video))]
    end = ["-movflags", "+faststart"] if video.suffix.lower() in (".mp4", ".mov") else []
    ways: list[tuple[str, list[str]]] = [("", [])]  # the part that is lost, and the options
    if sound:
        source, start = sound
        begin += ["-ss", f"{start:.3f}"] if start >= 0.001 else []
        begin += ["-t", f"{seconds:.3f}"] if seconds else []
        begin += ["-i", to_input(source)]
        kinds = [["-c:a", "copy"], []]
        if video.suffix.lower() == ".avi":  # no time stamps, so a late start must become silence
            kinds = [["-af", "aresample=async=1:first_pts=0", "-c:a", "pcm_s16le"]]
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
    """Return a name that ffmpeg can open. It would take the `a` of `a:b.mp4` for a protocol."""
    return name if "://" in name else f"file:{os.path.abspath(name)}"


def _run(command: list[str], timeout: float | None = None) -> subprocess.CompletedProcess:
    """Run a command in its own session, so that Ctrl-C stops the script and not ffmpeg."""
    return subprocess.run(command, timeout=timeout, start_new_session=True, capture_output=True)
