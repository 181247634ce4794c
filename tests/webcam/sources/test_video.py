"""Videos as people have them. A video that OpenCV reads wrongly is refused. Time is the source's."""

import os
import re
import shlex
import shutil
import subprocess

import cv2
import numpy as np
import pytest
from support.files import frames_of, make_video, rows_of
from support.scripts import PICTURE, fails, needs_ffmpeg, run, slow

pytestmark = needs_ffmpeg
STILL = ["-loop", "1", "-i", PICTURE]


def ffmpeg(*words, cwd):
    command = ["ffmpeg", "-v", "error", "-y", *map(str, words)]
    subprocess.run(command, cwd=cwd, check=True, timeout=120)


def probe(path):
    """Return {"video": codec, "audio": codec} of a video, and the seconds of its audio."""
    show = ["-show_entries", "stream=codec_type,codec_name,duration", "-of", "csv=p=0"]
    command = ["ffprobe", "-v", "error", *show, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {kind: name for name, kind, *_ in (line.split(",") for line in said.split())}


def annotate(folder, source, output, *more, **options):
    arguments = ["--source", source, "--headless", "--output", output, *more]
    return run("realtime.py", *arguments, cwd=folder, **options).stdout


def seconds_shown(video, seconds):
    """Return the time of each frame in a copy of `draw_clock`, read from its bar."""
    for frame in frames_of(video):
        yield (frame[100:140].mean(axis=(0, 2)) > 160).sum() / frame.shape[1] * seconds


def draw_clock(folder, name, seconds, keep, mode):
    """Write a video whose white bar grows with time. `keep` chooses its frames."""
    color = f"color=c=gray:s=320x240:r=30:d={seconds}"
    grow = f"geq=lum='if(lt(X,320*T/{seconds}),235,16)':cb=128:cr=128,select='{keep}'"
    ffmpeg("-f", "lavfi", "-i", color, "-vf", grow, "-fps_mode", mode, name, cwd=folder)


# Videos that OpenCV reads wrongly

INTERLACED = {
    "mpeg4.avi": ["-c:v", "mpeg4", "-flags", "+ildct+ilme"],
    "h264.mp4": ["-c:v", "libx264", "-flags", "+ildct+ilme"],
    "mpeg2.ts": ["-c:v", "mpeg2video", "-flags", "+ildct+ilme"],
}


@pytest.mark.parametrize("name", INTERLACED)
def test_interlaced_video_is_read_right_or_refused_with_what_mends_it(tmp_path, name):
    """OpenCV 4.12 reads it. 4.13 and 4.14 give black frames."""
    fields = "fps=50,interlace,format=yuv420p"
    ffmpeg(*STILL, "-t", "0.5", "-vf", fields, *INTERLACED[name], name, cwd=tmp_path)
    arguments = ["--source", name, "--headless", "--output", "out.mp4"]
    done = run("realtime.py", *arguments, cwd=tmp_path, check=False)
    if done.returncode:
        assert done.stderr.startswith(f"error: {name}: interlaced, which OpenCV")
        assert done.stderr.count("\n") == 1 and not (tmp_path / "out.mp4").exists()
        mend = re.search("`(.*)`", done.stderr)[1]
        subprocess.run(shlex.split(mend), cwd=tmp_path, check=True, capture_output=True)
        new = shlex.split(mend)[-1]
        done = run("realtime.py", "--source", new, "--headless", cwd=tmp_path)
    frames = len(frames_of(tmp_path / name))
    assert f"{frames} frames, {frames} faces" in done.stdout


def test_a_video_that_becomes_interlaced_is_named_once_the_rest_is_done(tmp_path):
    for name, how in (("a.ts", "fps=25"), ("b.ts", "fps=50,interlace")):
        flags = ["-flags", "+ildct+ilme"] if name == "b.ts" else []
        video = ["-vf", f"{how},format=yuv420p", "-c:v", "mpeg2video", *flags]
        ffmpeg(*STILL, "-t", "0.4", *video, name, cwd=tmp_path)
    parts = [(tmp_path / name).read_bytes() for name in ("a.ts", "b.ts")]
    (tmp_path / "in.ts").write_bytes(b"".join(parts))
    arguments = ["--source", "in.ts", "--headless", "--output", "out.mp4", "--csv", "out.csv"]
    done = run("realtime.py", *arguments, cwd=tmp_path, check=False)
    if done.returncode:
        assert re.match(r"error: in\.ts: interlaced from 0\.\d seconds on", done.stderr)
    frames = len(frames_of(tmp_path / "out.mp4"))
    assert frames == len(rows_of(tmp_path / "out.csv")) >= (10 if done.returncode else 20)


# Time and size are the source's


@pytest.mark.parametrize(
    "name, seconds, keep, mode",
    [
        ("talk.mp4", 8, "lt(t,2)+gt(t,6)+not(mod(n,30))", "vfr"),  # 30 frames/s, 1, then 30
        slow("slow.mp4", 6, "gt(t,3)+not(mod(n,15))", "vfr"),  # 2 frames/s, then 30
        ("gap.mkv", 12, "lt(t,1)+gt(t,11)", "passthrough"),  # nothing for ten seconds
        ("even.mkv", 2, "1", "cfr"),
    ],
)
def test_the_copy_lasts_as_long_and_each_picture_comes_at_its_time(
    tmp_path, name, seconds, keep, mode
):
    draw_clock(tmp_path, name, seconds, keep, mode)
    annotate(tmp_path, name, "out.mp4")
    rate = cv2.VideoCapture(str(tmp_path / "out.mp4")).get(cv2.CAP_PROP_FPS)
    shown = np.array(list(seconds_shown(tmp_path / "out.mp4", seconds)))
    assert len(shown) / rate == pytest.approx(seconds, abs=0.15)
    capture, taken = cv2.VideoCapture(str(tmp_path / name)), []
    while capture.grab():
        taken.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    # At each frame's time, the source shows the last picture until then
    moments = np.arange(len(shown)) / rate
    wanted = np.array(taken)[np.searchsorted(taken, moments + 0.001) - 1]
    late = np.abs(shown - wanted) > 0.1
    near_a_change = [np.abs(np.array(taken) - moment).min() < 0.1 for moment in moments]
    assert not (late & ~np.array(near_a_change)).any()
    if name == "even.mkv":
        assert len(shown) == 60 and rate == 30


def test_the_last_picture_of_matroska_is_shown_as_long_as_the_file_says(tmp_path):
    ffmpeg("-f", "lavfi", "-i", "testsrc=r=30:d=1", "-c:v", "mpeg4", "one.mp4", cwd=tmp_path)
    longer = r"setts=duration=if(eq(N\,29)\,31*DURATION\,DURATION)"
    ffmpeg("-i", "one.mp4", "-c", "copy", "-bsf:v", longer, "in.mkv", cwd=tmp_path)
    annotate(tmp_path, "in.mkv", "out.mp4")
    assert len(frames_of(tmp_path / "out.mp4")) == pytest.approx(60, abs=1)


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    squeeze = "scale=640:480,scale=320:480,setsar=2,format=yuv420p"
    ffmpeg(*STILL, "-t", "0.4", "-vf", squeeze, "-c:v", "libx264", "in.mp4", cwd=tmp_path)
    assert "10 frames, 10 faces" in annotate(tmp_path, "in.mp4", "out.mp4", "--csv", "out.csv")
    assert frames_of(tmp_path / "out.mp4")[0].shape == (480, 640, 3)
    x, y, width, height = (
        int(rows_of(tmp_path / "out.csv")[0][name]) for name in ("x", "y", "width", "height")
    )
    assert x < 280 < x + width and y < 111 < y + height and width == height


def test_odd_sizes_lose_no_row_and_no_column(tmp_path):
    picture = np.zeros((241, 321, 3), np.uint8)
    picture[-4:], picture[:, -4:] = 255, 255
    cv2.imwrite(str(tmp_path / "in.png"), picture)
    odd = ["-vf", "format=yuv444p", "-c:v", "libx264"]
    ffmpeg("-loop", "1", "-i", "in.png", "-t", "0.2", *odd, "in.mp4", cwd=tmp_path)
    assert frames_of(tmp_path / "in.mp4")[0].shape == (241, 321, 3)
    for name in ("out.mp4", "out.avi", "out.webm"):
        annotate(tmp_path, "in.mp4", name)
        frame = frames_of(tmp_path / name)[0]
        assert frame.shape == (242, 322, 3)
        assert frame[-5:, 20:].mean() > 200 > 30 > frame[20:200, 20:300].mean()
        assert frame[20:, -5:].mean() > 200


# Sound and codecs


@pytest.fixture
def clip(tmp_path):
    """Make a folder with in.mp4: two seconds of a picture, with a tone in AAC."""
    tone = ["-f", "lavfi", "-i", "sine=440:duration=2"]
    codecs = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-c:a", "aac"]
    ffmpeg(*STILL, *tone, "-r", "10", "-t", "2", *codecs, "in.mp4", cwd=tmp_path)
    return tmp_path


def without_ffmpeg(folder):
    """Return an environment whose PATH has no ffmpeg."""
    (folder / "bin").mkdir()
    return {**os.environ, "PATH": str(folder / "bin")}


@pytest.mark.parametrize(
    "name, audio", [("out.mp4", "aac"), ("out.mkv", "aac"), ("out.webm", "opus")]
)
def test_the_sound_is_kept(clip, name, audio):
    said = annotate(clip, "in.mp4", name)
    video = {"out.webm": "vp8"}.get(name, "mpeg4")
    assert probe(clip / name) == {"video": video, "audio": audio}
    assert "20 frames, 20 faces" in said and "sound" not in said
    assert len(frames_of(clip / name)) == 20 and len(os.listdir(clip)) == 2


def test_the_sound_starts_where_the_pictures_do(tmp_path):
    """Half a second of the sound is before the first picture."""
    tone = ["-f", "lavfi", "-i", "sine=440:duration=3"]
    late = ["-itsoffset", "0.5", *STILL, "-map", "1:v", "-map", "0:a", "-t", "2.5", "-r", "10"]
    ffmpeg(*tone, *late, "-c:v", "mpeg4", "-c:a", "pcm_s16le", "in.mkv", cwd=tmp_path)
    annotate(tmp_path, "in.mkv", "out.mkv")
    ffmpeg("-i", "out.mkv", "-map", "0:a", "out.wav", cwd=tmp_path)
    seconds = (os.path.getsize(tmp_path / "out.wav") - 78) / 44100 / 2
    assert seconds == pytest.approx(len(frames_of(tmp_path / "out.mkv")) / 10, abs=0.06)


def test_without_ffmpeg_one_line_says_how_to_bring_the_sound_in(clip):
    said = annotate(clip, "in.mp4", "out.mp4", env=without_ffmpeg(clip))
    assert probe(clip / "out.mp4") == {"video": "mpeg4"}
    (line,) = [line for line in said.splitlines() if "sound" in line]
    mend = shlex.split(re.search("`(.*)`", line)[1])
    subprocess.run(mend, cwd=clip, check=True, capture_output=True)
    assert probe(clip / mend[-1]) == {"video": "mpeg4", "audio": "aac"}


def test_h264_plays_in_browsers_and_is_smaller(clip):
    annotate(clip, "in.mp4", "plain.mp4")
    annotate(clip, "in.mp4", "out.mp4", "--h264")
    assert probe(clip / "out.mp4") == {"video": "h264", "audio": "aac"}
    assert (clip / "out.mp4").stat().st_size < (clip / "plain.mp4").stat().st_size
    plain, small = (frames_of(clip / name) for name in ("plain.mp4", "out.mp4"))
    assert len(plain) == len(small) == 20
    assert np.abs(plain[5].astype(int) - small[5]).mean() < 5
    make_video(clip / "silent.avi", frames=5)
    annotate(clip, "silent.avi", "silent.mp4", "--h264")
    assert probe(clip / "silent.mp4") == {"video": "h264"}


def test_h264_that_can_not_be_had_is_refused_at_once(clip):
    given = ["--source", "in.mp4", "--headless", "--h264", "--output"]
    env = without_ffmpeg(clip)
    fails("realtime.py", *given, "out.mp4", cwd=clip, env=env, says=["--h264", "ffmpeg"])
    fails("realtime.py", *given, "out.webm", cwd=clip, says=["out.webm", "--h264", ".mp4"])
    shutil.copy(PICTURE, clip / "me.jpg")
    given[1] = "me.jpg"
    fails("realtime.py", *given, "out.png", cwd=clip, says="--h264: only applies to videos")
    assert not list(clip.glob("out.*"))


# Other features of people's files


def test_two_recordings_in_one_file_are_two_recordings(tmp_path):
    """DVRs join MPEG streams. The time stamps then jump by an hour, forward or back."""
    for name, start in (("a.ts", "0"), ("b.ts", "3600")):
        video = ["-r", "25", "-t", "1", "-output_ts_offset", start, "-c:v", "mpeg2video"]
        ffmpeg(*STILL, *video, name, cwd=tmp_path)
    for first, second in (("a.ts", "b.ts"), ("b.ts", "a.ts")):
        parts = [(tmp_path / name).read_bytes() for name in (first, second)]
        (tmp_path / "in.ts").write_bytes(b"".join(parts))
        annotate(tmp_path, "in.ts", "out.mp4", "--csv", "out.csv")
        times = [float(row["time"]) for row in rows_of(tmp_path / "out.csv")]
        assert np.diff(times) == pytest.approx(0.04, abs=0.002) and len(times) > 45
        assert len(frames_of(tmp_path / "out.mp4")) == len(times)


def test_a_turned_video_with_pixels_that_are_not_square_is_turned_and_stretched(tmp_path):
    squeeze = ["-t", "0.2", "-vf", "scale=320:480,setsar=2,format=yuv420p", "-c:v", "libx264"]
    ffmpeg(*STILL, *squeeze, "flat.mp4", cwd=tmp_path)
    turn = ["-metadata:s:v", "rotate=90", "-c", "copy"]
    ffmpeg("-i", "flat.mp4", *turn, "in.mp4", cwd=tmp_path)
    capture = cv2.VideoCapture(str(tmp_path / "in.mp4"))
    if not capture.get(cv2.CAP_PROP_ORIENTATION_META):
        pytest.skip("this ffmpeg writes a rotation in another way")
    annotate(tmp_path, "in.mp4", "out.avi")
    assert frames_of(tmp_path / "out.avi")[0].shape == (640, 480, 3)


def test_a_video_whose_sound_is_longer_is_not_damaged(tmp_path):
    tone = ["-f", "lavfi", "-i", "sine=440:duration=3"]
    short = ["-filter_complex", "[0:v]fps=10,trim=duration=1,format=yuv420p[v]"]
    maps = ["-map", "[v]", "-map", "1:a", "-c:v", "libx264", "-c:a", "aac"]
    ffmpeg(*STILL, *tone, *short, *maps, "in.mkv", cwd=tmp_path)
    assert "10 frames, 10 faces" in annotate(tmp_path, "in.mkv", "out.mp4")
    whole = (tmp_path / "in.mkv").read_bytes()
    ffmpeg(*STILL, "-t", "3", "-c:v", "mjpeg", "long.mkv", cwd=tmp_path)
    whole = (tmp_path / "long.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    arguments = ["--source", "cut.mkv", "--headless"]
    fails("realtime.py", *arguments, cwd=tmp_path, says=["cut.mkv", "damaged", "of 3.0 seconds"])


@pytest.mark.parametrize("name", ["notes.txt", "readme.nfo"])
def test_text_is_no_video(tmp_path, name):
    """FFmpeg takes a text for the picture of a terminal."""
    (tmp_path / name).write_text("no video\n" * 50)
    fails("realtime.py", "--source", name, "--headless", cwd=tmp_path, says=[name, "text"])


def test_raw_jpegs_one_after_the_other_are_a_video(tmp_path):
    data = PICTURE.read_bytes()
    (tmp_path / "in.mjpeg").write_bytes(5 * data)
    said = run("realtime.py", "--source", "in.mjpeg", "--headless", cwd=tmp_path).stdout
    assert said.startswith("5 frames, 5 faces")


def test_every_frame_of_a_named_pipe_is_read(tmp_path):
    make_video(tmp_path / "in.avi", 20)
    os.mkfifo(tmp_path / "pipe.avi")
    writer = subprocess.Popen("cat in.avi > pipe.avi", shell=True, cwd=tmp_path)
    arguments = ["--source", "pipe.avi", "--headless", "--csv", "out.csv"]
    said = run("realtime.py", *arguments, cwd=tmp_path).stdout
    writer.wait()
    assert said.startswith("20 frames, 20 faces")
