"""The window in a browser: a server, the screen that it shows, and the browser's own camera.

Needs aiohttp beside what webcam needs (requirements-page.txt). webcam knows nothing of it.
"""
