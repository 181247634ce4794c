"""What realtime.py is made of, from a frame to the names of the faces in it.

Needs NumPy and OpenCV alone. Modules: frame, camera, demo, sources (where frames come from);
detector, haar, passes, yunet, normalization (where faces are); tracker, classifier, smoothing,
analyzer (whose they are, and what they show); layout, overlay, recorder, writers, summary (where it
goes); window, viewer (what is shown); geometry, tflite.
"""

from webcam.analyzer import Face, FaceAnalyzer

__all__ = ["Face", "FaceAnalyzer"]
