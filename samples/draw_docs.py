"""Draw two pictures for docs/: the training copies of a face, and faces that are hard to find.

Reads   samples/astronaut.jpg, pretrained/
Writes  copies.png   the sample face as the network sees it, and its copies with more contrast and
                     with more sharpness
        found.jpg    the sample picture tilted, cut off by the frame and far away, annotated like
                     the output of realtime.py

Examples:
    python samples/draw_docs.py --out data/pictures
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common.libraries import required

with required("requirements.txt"):
    import cv2
    import matplotlib
    import numpy as np
    from matplotlib.figure import Figure
    from PIL import Image, ImageEnhance

    from common.command_line import Parser, run
    from common.faces import FACE_SIZE
    from webcam import FaceAnalyzer
    from webcam.analysis.classifier import crop_face
    from webcam.display.overlay import draw_faces

ROOT = Path(__file__).resolve().parents[1]
CONTRAST, SHARPNESS = 1.5, 1.75  # the defaults of contrast.py and sharpness.py
SCENE = (480, 480)  # pixels of each scene in found.jpg


def draw_copies(photo: np.ndarray, analyzer: FaceAnalyzer, path: Path) -> None:
    """Write the face in `photo`, BGR: the original, one with more contrast, and a sharper one."""
    (face,) = analyzer.analyze_image(photo)
    gray = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    plain = Image.fromarray(crop_face(gray, face.square, (FACE_SIZE, FACE_SIZE)))
    copies = {
        "as it is": plain,
        f"contrast.py, {CONTRAST}": ImageEnhance.Contrast(plain).enhance(CONTRAST),
        f"sharpness.py, {SHARPNESS}": ImageEnhance.Sharpness(plain).enhance(SHARPNESS),
    }
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for axes, (title, image) in zip(figure.subplots(1, len(copies)), copies.items()):
        axes.imshow(image, cmap="gray", vmin=0, vmax=255)
        axes.set_title(title)
        axes.axis("off")
    figure.savefig(path, dpi=100)


def scenes(photo: np.ndarray) -> list[np.ndarray]:
    """Return the picture tilted both ways, cut off at the top and at the left, and far away."""
    middle = (224, 120)  # center of the face

    def placed(
        angle: float = 0, scale: float = 1, to: tuple[float, float] = (240, 240)
    ) -> np.ndarray:
        turn = cv2.getRotationMatrix2D(middle, angle, scale)
        turn[:, 2] += np.subtract(to, middle)
        gray = (110, 112, 105)
        return cv2.warpAffine(photo, turn, SCENE, borderValue=gray)

    return [
        placed(30, 1.2),
        placed(-30, 1.2),
        placed(to=(240, 45), scale=1.4),
        placed(to=(60, 200), scale=1.4),
        placed(scale=0.3, to=(240, 160)),
    ]


def draw_found(photo: np.ndarray, analyzer: FaceAnalyzer, path: Path) -> None:
    """Write the annotated scenes side by side."""
    shown = []
    for scene in scenes(photo):
        faces = analyzer.analyze_image(scene)
        draw_faces(scene, faces, analyzer.emotions)
        shown.append(cv2.copyMakeBorder(scene, *[6] * 4, cv2.BORDER_CONSTANT, value=(255,) * 3))
    row = cv2.resize(np.hstack(shown), None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), row, [cv2.IMWRITE_JPEG_QUALITY, 85])


def main() -> None:
    parser = Parser(__doc__)
    parser.add_path("--out", "docs", "folder for the pictures")
    args = parser.parse_args()
    matplotlib.use("agg")
    args.out.mkdir(parents=True, exist_ok=True)
    photo = cv2.imread(str(ROOT / "samples/astronaut.jpg"))
    analyzer = FaceAnalyzer.load(ROOT / "pretrained")
    draw_copies(photo, analyzer, args.out / "copies.png")
    draw_found(photo, analyzer, args.out / "found.jpg")


if __name__ == "__main__":
    run(main)
