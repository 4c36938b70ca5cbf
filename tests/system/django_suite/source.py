"""The source distribution of the installed Django: it has the tests that the wheel leaves out."""

from pathlib import Path

import django

from harness import sdist


def unpacked() -> Path:
    """Return the unpacked source distribution, fetched from the package index the first time."""
    return sdist.unpacked("Django", django.get_version(), "django-suite")
