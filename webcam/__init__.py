"""What realtime.py is made of, from a frame to the names of the faces in it; NumPy and OpenCV alone."""
