"""One training on several devices, and by several processes."""
