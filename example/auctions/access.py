"""Who may bid, and how a request shows who it is from."""

from collections.abc import Callable
from functools import wraps

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import SAFE_METHODS, BasePermission

NOT_SIGNED_IN = "Sign in to bid."


class SignedInToBid(BasePermission):
    """Anyone may read; to do more, a user must sign in."""

    def has_permission(self, request, view) -> bool:
        if request.method in SAFE_METHODS or request.user.is_authenticated:
            return True
        raise NotAuthenticated(NOT_SIGNED_IN)


def bidder_of(request: HttpRequest) -> AbstractBaseUser | None:
    """Return whose token or else whose session a request came with; for views without DRF's own."""
    user, _ = TokenAuthentication().authenticate(request) or (request.user, None)
    return user if user.is_authenticated else None


def csrf_with_session(view: Callable) -> Callable:
    """
    Have Django's CSRF check made on the requests that came with a session's cookie alone.

    A page elsewhere can make a browser send that cookie, but not a token in a header: API
    clients, which have no page to read a CSRF token from, need none.
    """
    checked = csrf_protect(view)

    @wraps(view)
    def choose(request: HttpRequest, *args, **kwargs):
        chosen = checked if settings.SESSION_COOKIE_NAME in request.COOKIES else view
        return chosen(request, *args, **kwargs)

    # What it returns is then a coroutine, and Django asks before it calls.
    return csrf_exempt(markcoroutinefunction(choose) if iscoroutinefunction(view) else choose)
