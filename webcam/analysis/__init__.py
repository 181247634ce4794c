"""Track, classify and smooth the faces of a frame."""
