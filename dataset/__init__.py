"""Folders of faces: list, open and copy them, and replace a stage's output folder as a whole."""
