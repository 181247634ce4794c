"""What realtime.py is made of, from a frame to the names of the faces in it.

Needs NumPy and OpenCV alone.
"""

from webcam.analyzer import Face, FaceAnalyzer

__all__ = ["Face", "FaceAnalyzer"]
