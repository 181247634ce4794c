"""Copy every training face with more contrast, to train for different lighting.

Reads   data/split/train/<emotion>/row00010.png
Writes  data/contrast/<emotion>/row00010_contrast.png

`--factor` is the factor of Pillow's ImageEnhance.Contrast: 1 keeps the face unchanged, 0 gives
plain gray. Only training faces are copied, so that the validation faces stay as a camera sees them.
Prints the images per emotion. Takes 5 to 10 seconds on the real data.

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
