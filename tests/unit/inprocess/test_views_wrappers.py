"""A synchronous wrapper that hides an async view is found, with its place."""

import asyncio
import functools
import inspect
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import login_required
from django.views.decorators.cache import cache_page
from django.views.generic import View
from rest_framework.viewsets import ViewSet

from django_tandem.inprocess.views import view_of

HERE = str(Path(__file__).parent)


def plain(request): ...


async def waits(request): ...


def hidden(view):
    @functools.wraps(view)
    def inner(*arguments):
        return asyncio.run(view(*arguments))

    return inner


class Hiding:
    def __init__(self, view):
        functools.update_wrapper(self, view)
        self.view = view

    def __call__(self, request):
        return asyncio.run(self.view(request))


def silent(view):
    def inner(request):
        return asyncio.run(view(request))

    return inner


class Page(View):
    @hidden
    async def get(self, request): ...


class AsyncPage(View):
    async def get(self, request): ...


class Things(ViewSet):
    @hidden
    async def list(self, request): ...


def _line(part: str) -> str:
    lines = Path(__file__).read_text().splitlines()
    return f"{Path(__file__).name}:{lines.index(part) + 1}"


INNER = _line("    @functools.wraps(view)")


@pytest.mark.parametrize(
    ("view", "place"),
    [
        (hidden(waits), INNER),
        (hidden(login_required(waits)), INNER),
        (login_required(hidden(waits)), INNER),
        (login_required(hidden(hidden(waits))), INNER),
        (functools.partial(hidden(waits)), INNER),
        (Page.as_view(), INNER),
        (Things.as_view({"get": "list"}), INNER),
        (Hiding(waits), _line("class Hiding:")),
        (async_to_sync(waits), _line("async def waits(request): ...")),
        (login_required(async_to_sync(waits)), _line("async def waits(request): ...")),
    ],
)
def test_the_wrapper_right_above_the_coroutine_is_named(view, place) -> None:
    """That is what has to become async; async_to_sync has no line but the view's own."""
    found = view_of(view, HERE)

    assert (found.is_coroutine, found.wrapper) == (False, place)


@pytest.mark.parametrize(
    "view",
    [
        plain,
        waits,
        hidden(plain),
        login_required(waits),
        cache_page(60)(waits),
        functools.partial(waits),
        AsyncPage.as_view(),
        View.as_view(),
    ],
)
def test_nothing_is_found_where_nothing_is_hidden(view) -> None:
    """A synchronous view, and an async one that Django awaits behind what wraps it."""
    assert view_of(view, HERE).wrapper is None


def test_a_wrapper_that_does_not_say_what_it_wraps_is_not_guessed_at() -> None:
    """What a closure holds may be anything."""
    assert view_of(silent(waits), HERE).wrapper is None


def test_what_async_to_sync_wraps_is_the_view() -> None:
    """Its name and place are the coroutine's."""
    found = view_of(async_to_sync(waits), HERE)

    assert found.dotted == f"{__name__}.waits"
    assert found.source == f"{Path(__file__).name}:{inspect.getsourcelines(waits)[1]}"
