"""A session engine that is not Django's."""

from django.contrib.sessions.backends import signed_cookies
from django.core.cache.backends.locmem import LocMemCache


class SessionStore(signed_cookies.SessionStore):
    """One that changes nothing."""


class Cache(LocMemCache):
    """One that changes nothing."""
