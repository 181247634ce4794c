"""The parts of realtime.py: find, follow and classify the faces in a frame.

This package needs only NumPy and OpenCV. Its subpackages:

    sources    read frames
    detection  find faces
    analysis   follow and classify faces
    outputs    write files
    display    draw and show frames
"""

from webcam.analysis.analyzer import Face, FaceAnalyzer
from webcam.display.overlay import draw_faces

__all__ = ["Face", "FaceAnalyzer", "draw_faces"]
