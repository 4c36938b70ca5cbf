"""What settings.MIDDLEWARE costs a request on ASGI, and the URLconfs that it chooses."""

import dis
import inspect
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from types import CodeType, FunctionType, ModuleType
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.urls import get_resolver
from django.utils.deprecation import MiddlewareMixin
from django.utils.module_loading import import_string

from django_tandem.handler.known_middleware import find_declaration
from django_tandem.inprocess.views import nested_code
from django_tandem.model import Middleware, OtherUrlconf, Route
from django_tandem.project.asgi_components import constants
from django_tandem.project.importing import trying
from django_tandem.project.inheritance import inherits
from django_tandem.project.urlconf import http_routes

# The receivers of request_started, and the close of the response with request_finished.
STOCK_HANDLER_SWITCHES = 2


def read_middleware(*, is_stock: bool) -> tuple[Middleware, ...]:
    """
    Return the cost of each of settings.MIDDLEWARE, outermost first, for a request to a view.

    No middleware is instantiated, so one that raises MiddlewareNotUsed is counted too.
    With ``is_stock`` for Django's own handler; ours switches for none of the classes it knows,
    unless they have to reach their storage.
    Raises ProjectError for one that can't be imported.
    """
    found: list[Middleware] = []
    # Django builds from the view outwards, and the mode of the inner one decides the next one's.
    inside_is_async = True
    for dotted in reversed(settings.MIDDLEWARE):
        factory = _imported(dotted)
        is_async = _runs_async(factory, inside_is_async=inside_is_async)
        is_known = not is_stock and find_declaration(factory) is not None
        costs = {
            **(_mixin_switches(factory) if is_async and not is_known else {}),
            # Consecutive synchronous ones share a thread: one switch into it, one out of it.
            **({"synchronous only": 2} if inside_is_async and not is_async else {}),
            # Django calls it from the event loop, in either mode of the middleware.
            **({} if is_known else _method(factory, "process_view")),
        }
        found.append(
            Middleware(
                dotted=dotted,
                thread_switches=sum(costs.values()),
                why=", ".join(costs),
                is_sync_only=not getattr(factory, "async_capable", False),
            )
        )
        inside_is_async = is_async
    return tuple(reversed(found))


def count_thread_switches(route: Route, middleware: Iterable[Middleware], *, is_stock: bool) -> int:
    """
    Return how often a request to ``route`` on ASGI switches between event loop and thread.

    For a synchronous view on our handler an upper bound: it may share a middleware's switch.
    """
    if not route.by_django:
        return 0
    view = 0 if route.view.is_coroutine else 1
    own = STOCK_HANDLER_SWITCHES if is_stock else 0
    return own + sum(each.thread_switches for each in middleware) + view


def _imported(dotted: str) -> Any:
    return trying(f'The middleware "{dotted}"', lambda: import_string(dotted))


def _runs_async(factory: Any, *, inside_is_async: bool) -> bool:
    # As in BaseHandler.load_middleware(): the mode changes only where it has to.
    if not inside_is_async and getattr(factory, "sync_capable", True):
        return False
    return bool(getattr(factory, "async_capable", False))


def _mixin_switches(factory: Any) -> dict[str, int]:
    # MiddlewareMixin runs its synchronous methods in a thread; the cost of others is unknown.
    if not inherits(factory, MiddlewareMixin, "__acall__"):
        return {}
    return _method(factory, "process_request") | _method(factory, "process_response")


def _method(factory: Any, name: str) -> dict[str, int]:
    method = getattr(factory, name, None)
    return {} if method is None or iscoroutinefunction(method) else {name: 1}


def read_other_urlconfs(named: Iterable[str], project_directory: str) -> tuple[OtherUrlconf, ...]:
    """
    Return the URLconfs other than ROOT_URLCONF: the ``named`` ones, and those that can be found.

    The edge can't match them, because it knows only the path, but their views may need ASGI.
    Raises ProjectError for one that can't be imported.
    """
    setters = [import_string(dotted) for dotted in urlconf_setters()]
    found = [*named, *_from_settings(), *(each for one in setters for each in _named_by(one))]
    others = dict.fromkeys(name for name in found if name != settings.ROOT_URLCONF)
    return tuple(
        OtherUrlconf(module=name, routes=http_routes(_resolver(name), project_directory))
        for name in others
    )


def urlconf_setters() -> tuple[str, ...]:
    """Return those of settings.MIDDLEWARE whose code sets ``request.urlconf``."""
    return tuple(
        dotted
        for dotted in settings.MIDDLEWARE
        if any(
            _sets_urlconf(code)
            for function in _functions(import_string(dotted))
            for code in nested_code(function.__code__)
        )
    )


def _resolver(module: str) -> Any:
    resolver = get_resolver(module)
    trying(f'The URLconf "{module}"', lambda: resolver.url_patterns)
    return resolver


def _from_settings() -> Iterator[str]:
    # django-tenants and django-subdomains name theirs in settings, django-hosts in a module.
    for name in ("PUBLIC_SCHEMA_URLCONF", "TENANT_URLCONF"):
        yield from filter(None, [getattr(settings, name, None)])
    for tenant in getattr(settings, "TENANT_TYPES", {}).values():
        yield from filter(None, [tenant.get("URLCONF")])
    yield from filter(None, getattr(settings, "SUBDOMAIN_URLCONFS", {}).values())
    if hosts := getattr(settings, "ROOT_HOSTCONF", None):
        module = trying(f'The hostconf "{hosts}"', lambda: import_module(hosts))
        for host in getattr(module, "host_patterns", ()):
            urlconf = host.urlconf
            yield urlconf if isinstance(urlconf, str) else urlconf.__name__


def _named_by(middleware: Any) -> Iterator[str]:
    """Yield the modules with URL patterns that the code of ``middleware`` names."""
    for word in _flattened(_words_of(middleware)):
        if isinstance(word, ModuleType) and hasattr(word, "urlpatterns"):
            yield word.__name__
        elif isinstance(word, str) and _is_urlconf(word):
            yield word


def _words_of(middleware: Any) -> Iterator[Any]:
    for function in _functions(middleware):
        yield from constants(function.__code__)
        yield from _globals_of(function)
        # Settings are read by their names.
        yield from (getattr(settings, name, None) for name in _names_in(function) if name.isupper())
    for cls in getattr(middleware, "__mro__", ()):
        yield from vars(cls).values()


def _flattened(words: Iterable[Any], *, levels: int = 3) -> Iterator[Any]:
    # Hosts are often the keys of a dict, or the first of two.
    for word in words:
        if not isinstance(word, dict | list | tuple):
            yield word
        elif levels:
            inside = word.values() if isinstance(word, dict) else word
            yield from _flattened(inside, levels=levels - 1)


def _globals_of(function: FunctionType) -> Iterator[Any]:
    return (function.__globals__.get(name) for name in _names_in(function))


def _names_in(function: FunctionType) -> Iterator[str]:
    return (name for code in nested_code(function.__code__) for name in code.co_names)


def _is_urlconf(word: str) -> bool:
    if not all(part.isidentifier() for part in word.split(".")):
        return False
    try:
        return find_spec(word) is not None and hasattr(import_module(word), "urlpatterns")
    except Exception:  # noqa: BLE001 - any word that is no module of the project's
        return False


def _sets_urlconf(code: CodeType) -> bool:
    if "setattr" in code.co_names and "urlconf" in code.co_consts:
        return True
    # Most code does not name it, and to disassemble all middleware takes time.
    return "urlconf" in code.co_names and any(
        each.opname == "STORE_ATTR" and each.argval == "urlconf"
        for each in dis.get_instructions(code)
    )


def _functions(middleware: Any) -> Iterator[FunctionType]:
    """Yield the functions of ``middleware``, and those outside it that they call."""
    for function in _own_functions(middleware):
        yield function
        yield from _called_beside(function)


def _own_functions(middleware: Any) -> Iterator[FunctionType]:
    if not isinstance(middleware, type):
        function = inspect.unwrap(middleware)
        yield from (function,) if isinstance(function, FunctionType) else ()
        return
    for cls in middleware.__mro__:
        if cls not in (object, MiddlewareMixin):
            yield from (each for each in vars(cls).values() if isinstance(each, FunctionType))


def _called_beside(function: FunctionType) -> Iterator[FunctionType]:
    # By its own name, or as an attribute of a module, in the same package.
    package = function.__module__.partition(".")[0]
    named = list(_globals_of(function))
    modules = [each for each in named if isinstance(each, ModuleType)]
    # Without a module's own __getattr__, which may import or warn.
    named += [vars(each).get(name) for each in modules for name in _names_in(function)]
    for each in named:
        if isinstance(each, FunctionType) and each.__module__.partition(".")[0] == package:
            yield each
