"""The code that scripts and packages share: options, errors, signals, progress bars, labels.txt.

It needs only the standard library, and tqdm for progress bars.
"""

VERSION = "1.0.0"  # CHANGELOG.md lists its changes
