"""The parts of realtime.py, from a frame to the names of the faces in it.

Needs NumPy and OpenCV alone. Rooms: sources (where frames come from), detection (where faces are),
analysis (who they are and what they show), outputs (files), display (the window).
"""

from webcam.analysis.analyzer import Face, FaceAnalyzer
from webcam.display.overlay import draw_faces

__all__ = ["Face", "FaceAnalyzer", "draw_faces"]
