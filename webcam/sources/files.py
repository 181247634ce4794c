"""List the pictures or videos that --source names, as files, folders or patterns."""

import glob
from pathlib import Path

import cv2

from common.console import quiet
from common.errors import fail
from webcam.sources.names import codec_name, without_secrets

WRITTEN = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}  # --output can write these
# Endings of pictures, including formats that OpenCV can't read, so that errors call them pictures
PICTURE_SUFFIXES = WRITTEN.union(
    ".jpe .jfif .dib .gif .avif .jp2 .pbm .pgm .ppm .pnm .heic .heif .jxl .svg .psd .ico "  # noqa: SIM905
    ".dng .cr2 .cr3 .nef .arw .orf .rw2 .raf".split()
)
# Endings of videos in a folder. A video given by its own name may have any ending
VIDEO_SUFFIXES = set(
    ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .mts .m2ts .vob .wmv .asf .flv .3gp .ogv "  # noqa: SIM905
    ".mjpg .mjpeg".split()
)


def is_picture(file: Path) -> bool:
    """Return whether a file is a picture, by its first bytes or its ending."""
    if not file.is_file() or file.suffix.lower() in (".mjpg", ".mjpeg"):  # videos made of JPEGs
        return False
    with quiet():
        return cv2.haveImageReader(codec_name(file)) or file.suffix.lower() in PICTURE_SUFFIXES


def is_video(file: Path) -> bool:
    """Return whether a file is a video, by its ending."""
    return file.is_file() and file.suffix.lower() in VIDEO_SUFFIXES


def list_files(names: list[str], option: str = "--source") -> tuple[list[Path], list[str]]:
    """Return the files that an option's `names` stand for, and notes on skipped entries.

    A name is a file, a pattern, or a folder. A folder stands for its pictures, or for its videos if
    it has no pictures. Raises UserError if a name matches no file.
    """
    files, notes = [], []
    for name in names:
        path = Path(name)
        if name and path.exists():
            found, note = list_folder(path, option) if path.is_dir() else ([path], "")
            notes += [note] if note else []
        else:
            found = sorted(map(Path, glob.glob(name)))
        if not found:
            other = "a camera number, a video, a stream URL or " if option == "--source" else ""
            fail(without_secrets(name), "no such file", f"set {option} to {other}pictures")
        files += found
    return files, notes


def list_folder(folder: Path, option: str) -> tuple[list[Path], str]:
    """Return the pictures in a folder, or else its videos, and a note on skipped entries.

    The note does not mention hidden files. Raises UserError if there are no pictures or videos.
    """
    files = [file for file in sorted(folder.iterdir()) if not file.name.startswith(".")]
    for kind, belongs in (("pictures", is_picture), ("videos", is_video)):
        chosen = [file for file in files if belongs(file)]
        others = sorted(set(files) - set(chosen))
        if chosen and others:
            names = ", ".join(
                f"{file.name}/" if file.is_dir() else file.name for file in others[:3]
            )
            names += ", …" if len(others) > 3 else ""
            return chosen, f"{folder}: skipped {len(others)} that are not {kind} ({names})"
        if chosen:
            return chosen, ""
    fail(folder, *why_nothing(folder, option))


def why_nothing(folder: Path, option: str) -> tuple[str, str]:
    """Return the problem of a folder without pictures and videos, and the remedy."""
    for pattern in ("*/*", "*/*/*"):  # a deeper search may take minutes
        files = (file for file in sorted(folder.glob(pattern)) if not file.name.startswith("."))
        inner = next((file for file in files if is_picture(file) or is_video(file)), None)
        if inner:
            mend = f"set {option} to one of them, or to '{folder / pattern}{inner.suffix}'"
            return "only its subfolders contain pictures or videos", mend
    other = ", a camera number or a stream URL" if option == "--source" else ""
    return "contains no pictures or videos", f"set {option} to another folder{other}"
