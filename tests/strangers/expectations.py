"""The expectations of a project, as expect.toml has them: every key is checked, none is ignored."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request and its response."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    status: int = 200
    contains: tuple[str, ...] = ()
    header: dict[str, str] = field(default_factory=dict)
    within_s: float = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A response of which ``first`` arrives within ``within_s``, in at least ``parts`` parts."""

    path: str
    first: str
    headers: dict[str, str] = field(default_factory=dict)
    within_s: float = 2
    parts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocket:
    """A WebSocket that opens; ``receive`` is its first message after ``send``."""

    path: str
    headers: dict[str, str] = field(default_factory=dict)
    send: str | None = None
    receive: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A tandem subcommand while the project runs."""

    run: tuple[str, ...]
    code: int = 0
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """How a project is started, and what its clients get."""

    name: str
    title: str
    prepare: tuple[tuple[str, ...], ...] = ()
    command: tuple[str, ...] = ("-m", "django_tandem", "up")
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    output: tuple[str, ...] = ()
    output_lacks: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()
    streams: tuple[Stream, ...] = ()
    websockets: tuple[WebSocket, ...] = ()
    commands: tuple[Command, ...] = ()

    @property
    def files(self) -> Path:
        """The directory whose files are copied over a fresh project."""
        return HERE / self.name / "project"


def read(name: str) -> Expectations:
    """Read a project's expectations; a key that does not exist is a TypeError."""
    given = tomllib.loads((HERE / name / "expect.toml").read_text())
    lists = {"requests": Request, "streams": Stream, "websockets": WebSocket, "commands": Command}
    parsed = {
        key: tuple(kind(**_frozen(each)) for each in given.pop(key, ()))
        for key, kind in lists.items()
    }
    return Expectations(name=name, **_frozen(given), **parsed)


def names() -> list[str]:
    """Return the names of all projects."""
    return sorted(path.parent.name for path in HERE.glob("*/expect.toml"))


def _frozen(given: dict[str, Any]) -> dict[str, Any]:
    return {key: _tuple(value) for key, value in given.items()}


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value
