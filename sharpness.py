"""Copy every training face sharpened, to train for more kinds of lens.

Reads   data/split/train/<emotion>/row00010.png
Writes  data/sharpness/<emotion>/row00010_sharpness.png

`--factor` is that of Pillow's ImageEnhance.Sharpness: 1 leaves the face as it is, 0 blurs it. Only
training faces are copied, so that validation stays what a camera sees. Prints the images per
emotion. Takes 5 to 10 seconds on the real data.

Examples:
    python sharpness.py
    python sharpness.py --factor 2 --out data/more_sharpness
"""

from common.libraries import required

with required("requirements.txt"):
    from PIL import ImageEnhance

    from common.command_line import run
    from dataset.enhancement import copy_enhanced

if __name__ == "__main__":
    run(lambda: copy_enhanced("sharpness", ImageEnhance.Sharpness, 1.75, description=__doc__))
