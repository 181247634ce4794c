"""Copy every training face sharpened, to train for more kinds of lens.

    python sharpness.py [--factor 1.75]

    data/split/train/anger/row00010.png  ->  data/sharpness/anger/row00010_sharpness.png

`--factor` is that of Pillow's ImageEnhance.Sharpness: 1 leaves the face as it is, 0 blurs it. Only
training faces are copied, so that validation stays what a camera sees. Prints the images per
emotion. Takes about 10 seconds on the real data.
"""

from common.libraries import required

with required("requirements.txt"):
    from PIL import ImageEnhance

    from common.command_line import run
    from dataset.enhancement import copy_enhanced

if __name__ == "__main__":
    run(lambda: copy_enhanced("sharpness", ImageEnhance.Sharpness, 1.75, description=__doc__))
