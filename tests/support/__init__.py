"""Shared helpers of the tests: run scripts, check their files, serve a camera."""
