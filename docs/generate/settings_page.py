"""docs/reference/settings.md, from the options that the TANDEM setting declares."""

import dataclasses
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from markdown import code, fill, table

from django_tandem.model import Stack
from django_tandem.servers import ASGI_SERVERS, WSGI_SERVERS, Server
from django_tandem.settings import ProgramSettings, Settings
from django_tandem.settings.options import REQUIRED


def page() -> str:
    """Return the whole page."""
    sections = [(path, _options(path, cls)) for path, cls in _groups("TANDEM", Settings)]
    program = 'TANDEM["PROGRAMS"]["name"]'
    sections.append((program, _options(program, ProgramSettings)))
    return fill("settings.md.j2", sections=sections, servers=_servers())


def _servers() -> str:
    columns = ("SERVER", "stack", "installed by", "shortest QUEUE", "MAX_REQUESTS")
    return table(columns, [_server(each) for each in (*WSGI_SERVERS, *ASGI_SERVERS)])


def _server(server: Server) -> tuple[str, ...]:
    is_wsgi = server.stack is Stack.WSGI
    extra = f"django-tandem[{server.extra}]" if server.extra else "django-tandem"
    recycles = ("yes" if server.recycles else "no") if is_wsgi else ""
    queue = str(server.least_queue) if is_wsgi else ""
    return code(server.name), server.stack.value, code(extra), queue, recycles


def _groups(path: str, cls: type) -> Iterator[tuple[str, type]]:
    yield path, cls
    for key, inner in _inner(cls).items():
        yield from _groups(f'{path}["{key}"]', inner)


def _inner(cls: type) -> dict[str, type]:
    hints = get_type_hints(cls)
    found = {}
    for item in dataclasses.fields(cls):
        hint = hints[item.name]
        groups = [each for each in (hint, *get_args(hint)) if dataclasses.is_dataclass(each)]
        # A pin is a value of ours too, but it is not written as a dict.
        if groups and _kind(item).startswith("a dict"):
            found[item.name.upper()] = groups[0]
    return found


def _options(path: str, cls: type) -> str:
    inner = _inner(cls)
    rows = [
        (code(item.name.upper()), _default(item, path, inner), _kind(item), _meaning(item))
        for item in dataclasses.fields(cls)
    ]
    return table(("key", "default", "type", "meaning"), rows)


def _default(item: Any, path: str, inner: dict[str, type]) -> str:
    default = item.metadata["default"]
    if default is REQUIRED:
        return "must be given"
    name = item.name.upper()
    if name in inner and default is not None:
        return f"[below](#{_anchor(path, name)})"
    return code(f'"{default}"' if isinstance(default, str) else repr(default))


def _kind(item: Any) -> str:
    return str(item.metadata["reader"].expected)


def _meaning(item: Any) -> str:
    return str(item.metadata["meaning"])


def _anchor(path: str, key: str) -> str:
    kept = (letter for letter in f"{path}{key}".lower() if letter.isalnum() or letter in "-_")
    return "".join(kept)
