"""Marks: what @on_wsgi and @on_asgi are found on."""

import functools

from django_tandem.marks import mark_of, on_asgi, on_wsgi
from django_tandem.model import Stack


def through(view):
    @functools.wraps(view)
    def decorated(request):
        return view(request)

    return decorated


class Marked:
    """What as_view() of Django and of DRF leave behind, without either."""

    @classmethod
    def as_view(cls):
        def view(request): ...

        view.view_class = cls
        return view

    @classmethod
    def as_viewset(cls):
        def view(request): ...

        view.cls = cls
        return view


on_asgi(Marked)


def test_a_mark_leaves_the_view_as_it_is():
    """The decorator returns the very view it was given."""

    def view(request): ...

    assert on_asgi(view) is view


def test_functions_carry_their_mark():
    """A mark is found on a function, sync or async."""

    @on_wsgi
    async def waits(request): ...

    @on_asgi
    def works(request): ...

    assert mark_of(waits) is Stack.WSGI
    assert mark_of(works) is Stack.ASGI


def test_a_view_without_a_mark_has_none():
    """Nothing is found where nothing was marked."""
    assert mark_of(lambda request: None) is None
    assert mark_of(object()) is None


def test_a_mark_is_found_below_decorators_and_partials():
    """functools.wraps, partials and bound methods don't hide a mark."""

    class Site:
        @on_asgi
        def page(self, request): ...

    marked = on_asgi(lambda request: None)

    assert mark_of(through(through(marked))) is Stack.ASGI
    assert mark_of(functools.partial(marked, None)) is Stack.ASGI
    assert mark_of(Site().page) is Stack.ASGI


def test_a_mark_is_found_through_the_class_of_a_view():
    """What as_view() returns has the mark of its class, in Django and in DRF."""
    assert mark_of(Marked.as_view()) is Stack.ASGI
    assert mark_of(Marked.as_viewset()) is Stack.ASGI


def test_subclasses_inherit_a_mark_and_may_change_it():
    """A mark on a class holds for its subclasses until one has its own."""

    class Inherits(Marked): ...

    @on_wsgi
    class Differs(Marked): ...

    assert mark_of(Inherits.as_view()) is Stack.ASGI
    assert mark_of(Differs.as_view()) is Stack.WSGI
    assert mark_of(Marked.as_view()) is Stack.ASGI


def test_the_view_that_as_view_returns_can_be_marked():
    """One use of a class can be marked without marking the others."""
    marked = on_wsgi(Marked.as_view())

    assert mark_of(marked) is Stack.WSGI
    assert mark_of(Marked.as_view()) is Stack.ASGI


def test_the_outermost_mark_wins():
    """Who decorates last decides."""
    assert mark_of(on_wsgi(through(on_asgi(lambda request: None)))) is Stack.WSGI


def test_wrappers_in_a_circle_end_the_search():
    """A view that claims to wrap itself is looked at once."""

    def view(request): ...

    view.__wrapped__ = view

    assert mark_of(view) is None
