"""Where frames come from: cameras, streams, videos, pictures, the demo."""
