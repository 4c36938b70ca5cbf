"""Which of Django's settings names the code that can't be imported."""

import re
from collections.abc import Collection, Iterator

from django.conf import settings

# Those by whose word the project is imported, in the order in which that is done.
SETTINGS = ("INSTALLED_APPS", "ROOT_URLCONF", "ASGI_APPLICATION", "MIDDLEWARE")
_QUOTED = re.compile(r"""['"]([\w.]+)['"]""")


def setting_that_names(told: str) -> str:
    """
    Say which setting names what ``told`` quotes; nothing when none does.

    By the words of the error alone: those of Django and of Python quote a module that is not
    there, or the module and the class that it lacks.
    """
    # Where the settings themselves can't be imported, there are none to look at.
    entries = list(_entries()) if settings.configured else []
    words = set(_QUOTED.findall(told))
    setting, entry = max(entries, key=lambda each: _rank(each[1], words), default=("", ""))
    return f'Named in {setting}, as "{entry}".' if _rank(entry, words) else ""


def _entries() -> Iterator[tuple[str, str]]:
    for name in SETTINGS:
        value = getattr(settings, name, None) or ()
        for entry in (value,) if isinstance(value, str) else value:
            yield name, str(entry)


def _rank(entry: str, words: Collection[str]) -> int:
    if entry in words:
        return 3
    *above, last = entry.split(".")
    parents = {".".join(above[:number]) for number in range(1, len(above) + 1)}
    if parents.isdisjoint(words):
        return 0
    return 2 if last in words else 1
