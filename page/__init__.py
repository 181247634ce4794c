"""The window in a browser: a server, the screen behind it, and the browser's own camera.

The package needs aiohttp (requirements-page.txt) and the libraries of webcam. webcam does not
import it.
"""
