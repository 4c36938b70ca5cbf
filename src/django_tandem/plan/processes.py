"""The programs to supervise: servers, Channels workers, the embedded Valkey, the edge."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlencode

from django_tandem import environment, servers
from django_tandem.errors import SettingError
from django_tandem.model import Host, Process, Project, Stack
from django_tandem.plan.queue import SERVER_MARGIN_S, bounded
from django_tandem.plan.workers import auto_asgi, auto_wsgi, nice
from django_tandem.settings import AsgiSettings, Settings, WsgiSettings

# `docker stop` kills after 10 s: a stack that stops on its own must be done before.
GRACE_S = 8

ENTRY_POINTS = {
    Stack.WSGI: "django_tandem.inprocess.wsgi_application:application",
    Stack.ASGI: "django_tandem.inprocess.asgi_application:application",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every process is planned from."""

    project: Project
    settings: Settings
    host: Host
    run_dir: str
    generation: int
    has_both: bool

    def path(self, name: str) -> str:
        """Return the path of a file in the run directory."""
        return str(PurePath(self.run_dir, name))


def processes(ground: Ground, stacks: tuple[Stack, ...]) -> tuple[Process, ...]:
    """Return every program to supervise, in the order of their start."""
    return (
        *_valkey(ground),
        *(_server(ground, stack) for stack in stacks),
        *_channel_workers(ground),
        *_programs(ground),
        _nginx(ground),
    )


def _valkey(ground: Ground) -> Iterator[Process]:
    if not (ground.project.needs_redis and ground.host.valkey):
        return
    path = ground.path("valkey.sock")
    # Nothing is kept on disk: a channel layer's messages are worth nothing after a restart.
    listen = ("--port", "0", "--unixsocket", path, "--unixsocketperm", "700")
    unsaved = ("--save", "", "--appendonly", "no", "--dir", ground.run_dir)
    quiet = ("--loglevel", "warning")
    yield Process(
        name="valkey",
        argv=(ground.host.valkey, *listen, *unsaved, *quiet),
        role="the channel layer",
        directory=ground.run_dir,
        order=10,
        socket=path,
    )


def _server(ground: Ground, stack: Stack) -> Process:
    chosen = ground.settings.wsgi if stack is Stack.WSGI else ground.settings.asgi
    server = servers.find(stack, chosen.server)
    workers = _workers(server, chosen, ground.host)
    path = ground.path(f"{stack}-{ground.generation}.sock")
    launch = servers.Launch(
        python=ground.host.python,
        application=ENTRY_POINTS[stack],
        socket=path,
        workers=workers,
        timeout_s=ground.settings.wsgi.timeout_s + SERVER_MARGIN_S,
        grace_s=GRACE_S,
        args=chosen.args,
    )
    gives_way: tuple[str, ...] = ()
    if isinstance(chosen, WsgiSettings):
        launch = bounded(launch, chosen, server)
        gives_way = nice(chosen)
    return Process(
        name=stack.value,
        generation=ground.generation,
        argv=(*gives_way, *server.argv(launch)),
        role=f"{server.name}, {server.counted(workers)}",
        directory=ground.project.directory,
        order=20,
        stack=stack,
        environment=_environment(ground),
        socket=path,
        workers=workers,
        stop_signal=server.stop_signal,
        stop_s=GRACE_S + 1,
    )


def _workers(server: servers.Server, chosen: WsgiSettings | AsgiSettings, host: Host) -> int:
    alone = server.one_process and server.stack is Stack.ASGI
    if chosen.workers is None:
        auto = auto_wsgi(host) if server.stack is Stack.WSGI else auto_asgi(host)
        return 1 if alone else auto
    if alone and chosen.workers > 1:
        raise SettingError(
            f'TANDEM["ASGI"]["WORKERS"] is {chosen.workers}, and {server.name} runs one process.',
            hint='Take "auto" or 1, or another server for more processes.',
        )
    return chosen.workers


def _channel_workers(ground: Ground) -> Iterator[Process]:
    names = ground.settings.channel_workers
    names = ground.project.channel_names if names is None else names
    if names:
        yield Process(
            name="channels",
            generation=ground.generation,
            argv=(ground.host.python, "-m", "django_tandem.inprocess.channels_worker", *names),
            role=f"Channels worker for {', '.join(names)}",
            directory=ground.project.directory,
            order=30,
            environment=_environment(ground),
            stop_s=GRACE_S + 1,
        )


def _programs(ground: Ground) -> Iterator[Process]:
    for name, argv in ground.settings.programs:
        yield Process(
            name=name,
            generation=ground.generation,
            alone=True,
            argv=argv,
            role='from TANDEM["PROGRAMS"]',
            directory=ground.project.directory,
            order=40,
            environment=_environment(ground),
            stop_s=GRACE_S + 1,
        )


def _nginx(ground: Ground) -> Process:
    nginx = ground.host.nginx
    # The paths in its file are relative to the run directory, and so is where it runs.
    return Process(
        name="nginx",
        argv=(nginx.program, "-p", f"{ground.run_dir}/", "-c", "nginx.conf", "-e", "stderr"),
        role="NGINX " + ".".join(map(str, nginx.version)),
        directory=ground.run_dir,
        order=50,
        stop_signal="QUIT",
        stop_s=GRACE_S + 1,
    )


def _environment(ground: Ground) -> tuple[tuple[str, str], ...]:
    project, settings = ground.project, ground.settings
    pins = urlencode([(pin.target, pin.stack.value) for pin in settings.routes])
    known = {
        "DJANGO_SETTINGS_MODULE": project.settings_module,
        "PYTHONUNBUFFERED": "1",
        environment.ASGI_APPLICATION: project.asgi,
        environment.GENERATION: str(ground.generation),
        environment.HANDOVER: "1" if settings.handover and ground.has_both else None,
        environment.PINS: pins,
        environment.RUN_DIR: ground.run_dir,
        environment.THREADS: str(settings.asgi.threads or ""),
        environment.STATIC: "1" if project.static_in_debug else None,
        environment.WSGI_APPLICATION: project.wsgi,
        "REDIS_URL": f"unix://{ground.path('valkey.sock')}" if project.needs_redis else None,
    }
    return tuple((name, value) for name, value in sorted(known.items()) if value)
