"""What scripts and packages share: options, errors, progress bars, labels.txt.

Standard library alone; tqdm, late.
"""
