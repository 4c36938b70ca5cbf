"""Written anew by each deploy."""

VERSION = 0
