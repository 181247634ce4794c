"""Copy every training face with more sharpness, to train for different lenses.

Reads   data/split/train/<emotion>/row00010.png
Writes  data/sharpness/<emotion>/row00010_sharpness.png

`--factor` is the factor of Pillow's ImageEnhance.Sharpness: 1 keeps the face unchanged, 0 blurs it.
Only training faces are copied, so that the validation faces stay as a camera sees them. Prints the
images per emotion. Takes 5 to 10 seconds on the real data.

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
