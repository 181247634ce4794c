"""Copy every training face with more contrast, to train for more kinds of light.

Reads   data/split/train/<emotion>/row00010.png
Writes  data/contrast/<emotion>/row00010_contrast.png

`--factor` is that of Pillow's ImageEnhance.Contrast: 1 leaves the face as it is, 0 gives plain
gray. Only training faces are copied, so that validation stays what a camera sees. Prints the images
per emotion. Takes 5 to 10 seconds on the real data.

Examples:
    python contrast.py
    python contrast.py --factor 2 --out data/more_contrast
"""

from common.libraries import required

with required("requirements.txt"):
    from PIL import ImageEnhance

    from common.command_line import run
    from dataset.enhancement import copy_enhanced

if __name__ == "__main__":
    run(lambda: copy_enhanced("contrast", ImageEnhance.Contrast, 1.5, description=__doc__))
