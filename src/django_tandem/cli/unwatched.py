"""What of a project `tandem up --watch` leaves alone."""

import sys
from pathlib import Path

from django.conf import settings as django_settings


def unwatched() -> tuple[str, ...]:
    """Return the directories of what is collected, uploaded or installed."""
    roots = (django_settings.STATIC_ROOT, django_settings.MEDIA_ROOT, sys.prefix)
    return tuple(str(Path(root).resolve()) for root in roots if root)
