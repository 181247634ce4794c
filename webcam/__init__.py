"""What realtime.py is made of, from a frame to the names of the faces in it.

Needs NumPy and OpenCV alone. Modules: options; frame, camera, capture, video, images, animation,
demo, address, sources (where frames come from); detector, haar, passes, yunet, normalization (where
faces are); tracker, classifier, smoothing, analyzer (whose they are, and what they show); layout,
overlay, recorder, writers, outputs, ffmpeg, summary (where it goes); window, screen, viewer (what
is shown); cropping, collector (faces to train on); geometry, tflite.
"""

from webcam.analyzer import Face, FaceAnalyzer

__all__ = ["Face", "FaceAnalyzer"]
