"""Faces in memory: reading them, their targets, and their augmentation."""
