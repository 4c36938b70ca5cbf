"""The processes to supervise: servers, Channels workers, the embedded Valkey, the edge."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlencode

from django_tandem import environment, servers
from django_tandem.model import Host, Process, Project, Stack, WorkerKind, programs
from django_tandem.plan.capacity import SERVER_MARGIN_S, nice, with_limits, worker_count
from django_tandem.settings import Settings, WsgiSettings

# `docker stop` sends SIGKILL after 10 s, and the whole stack must have stopped by then.
GRACE_S = 8

ENTRY_POINTS = {
    Stack.WSGI: "django_tandem.inprocess.wsgi_application:application",
    Stack.ASGI: "django_tandem.inprocess.asgi_application:application",
}


# What breakpoint() calls below `tandem up --debug`.
DEBUGGER = "django_tandem.inprocess.debugger.set_trace"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContext:
    """The input that every process is planned from."""

    project: Project
    settings: Settings
    host: Host
    run_dir: str
    generation: int
    has_both: bool
    is_debugged: bool = False

    def path(self, name: str) -> str:
        """Return the path of a file in the run directory."""
        return str(PurePath(self.run_dir, name))


def processes(context: PlanContext, stacks: tuple[Stack, ...]) -> tuple[Process, ...]:
    """Return every process to supervise, in the order of their start."""
    return (
        *_valkey(context),
        *(_server(context, stack) for stack in stacks),
        *_channel_workers(context),
        *_programs(context),
        _nginx(context),
    )


def _valkey(context: PlanContext) -> Iterator[Process]:
    if not (context.project.needs_redis and context.host.valkey):
        return
    path = context.path("valkey.sock")
    listen = ("--port", "0", "--unixsocket", path, "--unixsocketperm", "700")
    # A channel layer's messages are worth nothing after a restart.
    without_disk = ("--save", "", "--appendonly", "no", "--dir", context.run_dir)
    quiet = ("--loglevel", "warning", "--log-timestamp-format", "iso8601")
    kind = WorkerKind(name=programs.VALKEY, description="the channel layer", socket=path)
    yield Process(
        name=kind.name,
        argv=(context.host.valkey, *listen, *without_disk, *quiet),
        description=kind.description,
        directory=context.run_dir,
        priority=10,
        kinds=(kind,),
    )


def _server(context: PlanContext, stack: Stack) -> Process:
    chosen = context.settings.wsgi if stack is Stack.WSGI else context.settings.asgi
    server = servers.find(stack, chosen.server)
    workers = worker_count(server, chosen, context.host, context.project)
    path = context.path(f"{stack}-{context.generation}.sock")
    launch = servers.Launch(
        python=context.host.python,
        application=ENTRY_POINTS[stack],
        socket=path,
        workers=workers,
        timeout_s=context.settings.wsgi.timeout_s + SERVER_MARGIN_S,
        grace_s=GRACE_S,
        args=chosen.args,
    )
    niced: tuple[str, ...] = ()
    if isinstance(chosen, WsgiSettings):
        launch = with_limits(launch, chosen, server)
        niced = nice(chosen)
    kind = WorkerKind(
        name=stack.value,
        description=f"{server.name}, {server.counted(workers)}",
        stack=stack,
        socket=path,
        workers=workers,
    )
    return Process(
        name=kind.name,
        generation=context.generation,
        argv=(*niced, *server.argv(launch)),
        description=kind.description,
        directory=context.project.directory,
        priority=20,
        kinds=(kind,),
        environment=tuple(sorted((*_environment(context), *server.environment))),
        stop_signal=server.stop_signal,
        stop_s=GRACE_S + 1,
    )


def _channel_workers(context: PlanContext) -> Iterator[Process]:
    names = context.settings.channel_workers
    names = context.project.channel_names if names is None else names
    if names:
        yield Process(
            name=programs.CHANNELS,
            generation=context.generation,
            argv=(context.host.python, "-m", "django_tandem.inprocess.channels_worker", *names),
            description=f"Channels worker for {', '.join(names)}",
            directory=context.project.directory,
            priority=30,
            environment=_environment(context),
            stop_s=GRACE_S + 1,
        )


def _programs(context: PlanContext) -> Iterator[Process]:
    for name, argv in context.settings.programs:
        yield Process(
            name=name,
            generation=context.generation,
            exclusive=True,
            argv=(_program_path(argv[0], context), *argv[1:]),
            description='from TANDEM["PROGRAMS"]',
            directory=context.project.directory,
            priority=40,
            environment=_environment(context),
            stop_s=GRACE_S + 1,
        )


def _program_path(program: str, context: PlanContext) -> str:
    # supervisord would look for a relative path from its own directory, which a reload keeps.
    return str(PurePath(context.project.directory, program)) if "/" in program else program


def _nginx(context: PlanContext) -> Process:
    nginx = context.host.nginx
    # The paths in nginx.conf are relative to the run directory, so NGINX starts there.
    return Process(
        name=programs.NGINX,
        argv=(nginx.program, "-p", f"{context.run_dir}/", "-c", "nginx.conf", "-e", "stderr"),
        description="NGINX " + ".".join(map(str, nginx.version)),
        directory=context.run_dir,
        priority=50,
        stop_signal="QUIT",
        stop_s=GRACE_S + 1,
    )


def _environment(context: PlanContext) -> tuple[tuple[str, str], ...]:
    project, settings = context.project, context.settings
    any_inexact = any(route.match.why_inexact for route in project.routes)
    pins = urlencode([(pin.target, pin.stack.value) for pin in settings.routes])
    known = {
        "DJANGO_SETTINGS_MODULE": project.settings_module,
        "PYTHONPATH": ":".join(project.python_path),
        # Gunicorn imports the project from there. That of a shell may be a link to the live
        # release, and lead to another one by the time a worker imports a module.
        "PWD": project.directory,
        "PYTHONBREAKPOINT": DEBUGGER if context.is_debugged else None,
        "PYTHONUNBUFFERED": "1",
        environment.ASGI_APPLICATION: project.asgi,
        environment.GENERATION: str(context.generation),
        environment.MANAGE_PY: project.manage_py,
        environment.MANAGE_PY_SETS: ",".join(project.manage_py_sets),
        environment.HANDOVER: "1" if settings.handover and context.has_both else None,
        environment.PINS: pins,
        environment.RESOLVE_FIRST: "1" if any_inexact and context.has_both else None,
        environment.RUN_DIR: context.run_dir,
        environment.HANDLER: settings.asgi.handler if settings.asgi.handler != "auto" else None,
        environment.THREADS: str(settings.asgi.threads or ""),
        environment.STATIC: "1" if project.static_in_debug else None,
        environment.WSGI_APPLICATION: project.wsgi,
        "REDIS_URL": f"unix://{context.path('valkey.sock')}" if project.needs_redis else None,
    }
    return tuple((name, value) for name, value in sorted(known.items()) if value)
