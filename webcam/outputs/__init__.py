"""Write the files of a run: pictures, videos, the table of faces, and collected faces."""
