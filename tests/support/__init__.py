"""What the tests share beside fixtures: running scripts, asking their files, a camera."""
