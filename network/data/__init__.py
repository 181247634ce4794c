"""Faces in memory: reading, targets, augmentation."""
