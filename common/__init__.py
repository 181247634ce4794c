"""What scripts and packages share: options, errors, missing libraries, progress bars, labels.txt.

Standard library alone; tqdm, late.
"""
