"""What realtime.py is made of, from a frame to the names of the faces in it.

Needs NumPy and OpenCV alone. Modules: frame, camera, demo, sources (where frames come from);
detector, tracker, classifier, smoothing, analyzer (what is in them); overlay, recorder, writers,
summary (where it goes); window, viewer (what is shown).
"""

from webcam.analyzer import Face, FaceAnalyzer

__all__ = ["Face", "FaceAnalyzer"]
