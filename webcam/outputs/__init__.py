"""The files that a run writes: pictures, videos, the table of faces, collected faces."""
