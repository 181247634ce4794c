"""Folders of faces: listing, opening and copying them, and the hand-over of a stage's output."""
