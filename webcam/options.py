"""The options of realtime.py."""

import argparse
import re
from pathlib import Path

from common.command_line import Parser, number, seconds
from common.errors import fail
from webcam.analysis.analyzer import SMOOTHING
from webcam.outputs.collector import DEFAULT, MOST_KEYS, is_folder_name
from webcam.sources.frame import TURNS


def frame_size(text: str) -> tuple[int, int]:
    """Return width and height in pixels from text such as `1280x720`."""
    if not re.fullmatch("[1-9][0-9]{0,4}x[1-9][0-9]{0,4}", text.lower()):
        wanted = "give width and height in pixels, such as 1280x720"
        raise argparse.ArgumentTypeError(f"{text}: {wanted}")
    width, height = text.lower().split("x")
    return int(width), int(height)


port = number(int, lambda value: 0 < value < 2**16, "a port from 1 to 65535")


def emotion(text: str) -> str:
    """Return the name of an emotion. It must also be a valid folder name."""
    if not is_folder_name(text):
        raise argparse.ArgumentTypeError(f"{text}: not a valid folder name; give another")
    return text


def parse_arguments(description: str) -> argparse.Namespace:
    """Return the options. Raises UserError if some don't go together."""
    parser = Parser(description)
    add = parser.add_argument
    parser.begin_group("source")
    source = "camera number, stream URL, videos, pictures (files, folders, 'patterns*'), demo, or"
    source = f"{source} browser with --page"
    add("--source", nargs="+", help=f"{source} (0, or demo if there is no camera)")
    size = "frame size to ask the camera for, such as 1280x720 (the camera's own)"
    add("--size", type=frame_size, metavar="WIDTHxHEIGHT", help=size)
    mirror = "mirror the frames (on for a camera, off for other sources)"
    add("--mirror", action=argparse.BooleanOptionalAction, help=mirror)
    rotate = "degrees to turn frames clockwise, for a camera on its side or upside down (0)"
    add("--rotate", type=int, choices=[0, *TURNS], default=0, metavar="90|180|270", help=rotate)
    parser.begin_group("faces and expressions")
    add("--model", type=Path, help="model folder (data/model, or else pretrained/)")
    detector = "haar for Haar cascades, or the ONNX file of a YuNet model; auto uses the YuNet in"
    detector = f"{detector} data/ or beside the network, or else haar (%(default)s)"
    add("--detector", default="auto", metavar="auto|haar|FILE", help=detector)
    smoothing = "seconds over which to average a face's probabilities, 0 for none (%(default)s)"
    add("--smoothing", type=seconds, default=SMOOTHING, metavar="SECONDS", help=smoothing)
    neutral = "compare each face with its own resting face, learned from the video (auto) or from"
    neutral = f"{neutral} pictures (auto for a camera in a window, else off)"
    add("--neutral", nargs="+", metavar="auto|off|PICTURE", help=neutral)
    parser.begin_group("window and files")
    add("--headless", action="store_true", help="no window")
    page = "show the video in a browser instead of a window (port 8000, or a free one)"
    add("--page", type=port, nargs="?", const=0, metavar="PORT", help=page)
    host = "address to serve the page at; 0.0.0.0 also serves other machines (%(default)s)"
    add("--host", default="127.0.0.1", help=host)
    add("--bars", action="store_true", help="draw the probabilities of all emotions")
    add("--output", type=Path, help="annotated video or picture; a folder for several")
    add("--csv", type=Path, help="table of faces; a folder of tables for several videos")
    h264 = "convert the annotated video to H.264, which browsers play (needs ffmpeg)"
    add("--h264", action="store_true", help=h264)
    parser.begin_group("faces for training your own network")
    collect = f"folder where the keys 1 to {MOST_KEYS} save faces by emotion ({DEFAULT}); without a"
    collect = f"{collect} window, two faces a second are saved under the one name in --emotions"
    add("--collect", type=Path, metavar="FOLDER", help=collect)
    emotions = "names of the emotions for the keys, in order (the network's emotions)"
    add("--emotions", type=emotion, nargs="+", metavar="NAME", help=emotions)
    args = parser.parse_args()
    if args.page is None:
        if args.source == ["browser"]:
            fail("--source browser", "uses the camera of the page", "add --page")
        if args.host != parser.get_default("host"):
            fail("--host", "only applies to the page", "add --page")
    elif args.headless:
        fail("--page", "can't be combined with --headless", "leave one of them out")
    elif args.size and args.source == ["browser"]:
        fail("--size", "only applies to a camera of this machine", "leave it out")
    if args.emotions:
        if not args.collect:
            fail("--emotions", "needs --collect", "give both, or neither")
        if len(args.emotions) > MOST_KEYS:
            fail("--emotions", f"{len(args.emotions)} names for {MOST_KEYS} keys", "leave some out")
        if len({name.casefold() for name in args.emotions}) < len(args.emotions):
            fail("--emotions", "a name is repeated", "give each once")
    return args
