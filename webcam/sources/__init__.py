"""Read frames from cameras, streams, videos, pictures, or the demo."""
