"""From a frame to its faces and their emotions: track, classify, smooth."""
