"""The parts that scripts and packages share: options, errors, missing libraries, progress bars, labels.txt.

Standard library alone, and tqdm where a bar is drawn.
"""

VERSION = "1.0.0"  # CHANGELOG.md says what changed in it
