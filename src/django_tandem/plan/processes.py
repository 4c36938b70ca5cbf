"""The processes to supervise: servers, Channels workers, Valkey, the edge, the monitor."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from urllib.parse import urlencode

from django_tandem import environment, servers
from django_tandem.errors import SettingError
from django_tandem.handler.pools import auto_threads
from django_tandem.inprocess import prometheus_files
from django_tandem.model import (
    ConnectionLimits,
    DrainMode,
    Host,
    LogFormat,
    Process,
    Project,
    Role,
    Roles,
    Stack,
    StopTimes,
    WorkerKind,
    programs,
)
from django_tandem.model.roles import EVERY_ROLE, listed_roles
from django_tandem.model.stop import DEFAULT_STOP_S, exit_s
from django_tandem.plan.background_workers import AUTO, auto_worker
from django_tandem.plan.capacity import (
    SERVER_MARGIN_S,
    is_shared,
    nice,
    niceness,
    recycle,
    with_limits,
    worker_count,
)
from django_tandem.plan.connections import connection_limits
from django_tandem.plan.peers import served_here, stack_bind, stack_tls
from django_tandem.servers import Launch, Server, shared_master
from django_tandem.servers.server import listeners, tls_environment
from django_tandem.settings import AsgiSettings, ProgramSettings, Settings, WsgiSettings

# That of an entry of PROGRAMS which names none.
DEFAULT_STOP_SIGNAL = "TERM"

# It only has to write the minute that has begun.
MONITOR_STOP_S = 2

ENTRY_POINTS = {
    Stack.WSGI: "django_tandem.inprocess.wsgi_application:application",
    Stack.ASGI: "django_tandem.inprocess.asgi_application:application",
}


# What breakpoint() calls below `tandem up --debug`.
DEBUGGER = "django_tandem.inprocess.debugger.set_trace"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContext:
    """
    The input that every process is planned from.

    ``has_both`` is true if the project needs both stacks, on this host or on others; ``is_direct``
    if a gateway routes requests to them, without our edge.
    """

    project: Project
    settings: Settings
    host: Host
    run_dir: str
    generation: int
    has_both: bool
    is_debugged: bool = False
    roles: Roles = EVERY_ROLE
    is_direct: bool = False

    def path(self, name: str) -> str:
        """Return the path of a file in the run directory."""
        return str(PurePath(self.run_dir, name))


def is_supervised(context: PlanContext) -> bool:
    """Return whether supervisord runs the processes; a role that is one process needs none."""
    if context.is_debugged or len(context.roles) > 1:
        return True
    (role,) = context.roles
    if role is Role.EDGE:
        return False
    if role is Role.WORKERS:
        # As process 1, a program that does not handle SIGTERM could not be stopped, and one that
        # leaves orphans would keep them as zombies.
        return bool(context.settings.programs) or not _channel_names(context)
    server = _chosen(context, Stack(role)).server
    return not (context.settings.shared_master and shared_master.can_run_alone(Stack(role), server))


def processes(context: PlanContext, stacks: tuple[Stack, ...]) -> tuple[Process, ...]:
    """
    Return the processes of this host's roles, in the order of their start.

    ``stacks`` are those that the project needs.
    """
    has_workers = Role.WORKERS in context.roles
    if not is_supervised(context):
        return _one_process(context, served_here(stacks, context.roles))
    return (
        *_monitor(context),
        *_valkey(context),
        *_servers(context, served_here(stacks, context.roles)),
        *(_programs(context) if has_workers else ()),
        *([_nginx(context)] if Role.EDGE in context.roles else []),
    )


def _one_process(context: PlanContext, stacks: tuple[Stack, ...]) -> tuple[Process, ...]:
    """Return the process of the only role; none where the project does not need it."""
    if stacks:
        settings = context.settings
        stop = StopTimes(stop_s=settings.stop_s, delay_s=settings.stop_delay_s)
        return (_master(context, stacks, stop),)
    if Role.EDGE in context.roles:
        return (_nginx(context),)
    return tuple(_channel_workers(context)) if Role.WORKERS in context.roles else ()


def require_work(context: PlanContext, planned: tuple[Process, ...]) -> None:
    """Raise SettingError for roles of which this project needs none: nothing would run."""
    if any(process.name != programs.MONITOR for process in planned):
        return
    if Role.ASGI in context.roles:
        what = "nothing in this project needs ASGI"
        hint = 'Pin a route to it, or set TANDEM["ASGI"]["ALWAYS"] to True.'
    else:
        what = "this project has neither Channels workers nor PROGRAMS"
        hint = 'Name some in TANDEM["CHANNEL_WORKERS"] or TANDEM["PROGRAMS"].'
    raise SettingError(f'The roles are "{listed_roles(context.roles)}", and {what}.', hint=hint)


def _monitor(context: PlanContext) -> Iterator[Process]:
    if context.settings.monitor:
        yield Process(
            name=programs.MONITOR,
            argv=(context.host.python, "-P", "-m", "django_tandem.monitor", context.run_dir),
            description="counts requests, for metrics and `tandem top`",
            directory=context.run_dir,
            priority=5,
            stop_s=MONITOR_STOP_S,
        )


def _valkey(context: PlanContext) -> Iterator[Process]:
    # Its socket reaches no other host.
    is_alone = context.roles == EVERY_ROLE
    if not (is_alone and context.project.needs_redis and context.host.valkey):
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


def _servers(context: PlanContext, stacks: tuple[Stack, ...]) -> Iterator[Process]:
    """Yield the servers and the Channels worker: under one master, or a process each."""
    if stacks and is_shared(context.settings, has_both=len(stacks) > 1, roles=context.roles):
        yield _master(context, stacks)
        return
    for stack in stacks:
        yield _server(context, stack)
    yield from _channel_workers(context)


def _master(
    context: PlanContext, stacks: tuple[Stack, ...], stop: StopTimes | None = None
) -> Process:
    """Return the master of ``stacks``; with ``stop`` nothing supervises it."""
    settings = context.settings
    launches = {stack: _launch(context, stack) for stack in stacks}
    channels = _channel_names(context)
    launch = shared_master.MasterLaunch(
        wsgi=launches.get(Stack.WSGI),
        asgi=launches.get(Stack.ASGI),
        channels=channels,
        wsgi_niceness=niceness(settings.wsgi),
        preload="auto" if settings.preload is None else settings.preload,
        recycle=recycle(settings),
        drain_s=settings.drain_s,
        stop=stop,
    )
    kinds = (
        *(_kind(context, stack, each) for stack, each in launches.items()),
        *([_channels_kind(channels)] if channels else []),
    )
    names = [kind.name for kind in kinds]
    is_one = len(names) == 1
    unsupervised = ((environment.UNSUPERVISED, "1"),) if stop else ()
    return Process(
        name=names[0] if is_one else programs.MASTER,
        generation=context.generation,
        argv=shared_master.argv(launch),
        description=kinds[0].description
        if is_one
        else f"one master of {', '.join(names[:-1])} and {names[-1]}",
        directory=context.project.directory,
        priority=20,
        kinds=kinds,
        environment=(*_server_environment(context, *stacks), *unsupervised),
        stop_s=context.settings.stop_s + 1,
    )


def _server(context: PlanContext, stack: Stack) -> Process:
    chosen, server = _chosen(context, stack), _known(context, stack)
    launch = _launch(context, stack)
    kind = _separate_kind(context, stack, launch)
    niced = nice(niceness(chosen)) if isinstance(chosen, WsgiSettings) else ()
    return Process(
        name=kind.name,
        generation=context.generation,
        argv=(*niced, *server.argv(launch)),
        description=kind.description,
        directory=context.project.directory,
        priority=20,
        kinds=(kind,),
        environment=_server_environment(context, stack),
        stop_signal=server.stop_signal,
        stop_s=context.settings.stop_s + 1,
    )


def _launch(context: PlanContext, stack: Stack) -> Launch:
    chosen, server = _chosen(context, stack), _known(context, stack)
    launch = Launch(
        python=context.host.python,
        application=ENTRY_POINTS[stack],
        socket=context.path(f"{programs.numbered(stack, context.generation)}.sock"),
        workers=worker_count(server, chosen, context.host, context.project),
        timeout_s=context.settings.wsgi.timeout_s + SERVER_MARGIN_S,
        grace_s=context.settings.stop_s,
        args=chosen.args,
        bind=stack_bind(context.settings, context.roles, stack, is_direct=context.is_direct),
        tls=stack_tls(context.settings, context.project.directory),
    )
    return with_limits(launch, chosen, server) if isinstance(chosen, WsgiSettings) else launch


def asgi_connections(context: PlanContext) -> ConnectionLimits:
    """Return how many WebSockets and event streams each process of the ASGI server takes."""
    asgi, server = context.settings.asgi, _known(context, Stack.ASGI)
    workers = worker_count(server, asgi, context.host, context.project)
    return connection_limits(asgi, context.host, workers)


def _kind(context: PlanContext, stack: Stack, launch: Launch) -> WorkerKind:
    server = _known(context, stack)
    return WorkerKind(
        name=stack.value,
        description=f"{server.name}, {server.counted(launch.workers)}",
        stack=stack,
        socket=launch.socket,
        workers=launch.workers,
        bind=launch.bind,
    )


def _separate_kind(context: PlanContext, stack: Stack, launch: Launch) -> WorkerKind:
    """Return the kind of a server that is a program: it may have its address alone."""
    server = _known(context, stack)
    socket, bind = listeners(server, launch)
    if socket is None and Role.EDGE in context.roles:
        raise SettingError(
            f'TANDEM["{stack.upper()}"]["BIND"] is "{bind}", and {server.name} listens there or on '
            "the socket of this host's edge.",
            hint="Remove it, choose another server, or run the edge on another host.",
        )
    return replace(_kind(context, stack, launch), socket=socket)


def _chosen(context: PlanContext, stack: Stack) -> WsgiSettings | AsgiSettings:
    return context.settings.wsgi if stack is Stack.WSGI else context.settings.asgi


def _known(context: PlanContext, stack: Stack) -> Server:
    return servers.find(stack, _chosen(context, stack).server)


def _channel_names(context: PlanContext) -> tuple[str, ...]:
    if Role.WORKERS not in context.roles:
        return ()
    names = context.settings.channel_workers
    return context.project.channel_names if names is None else names


def _channels_kind(names: tuple[str, ...]) -> WorkerKind:
    description = f"Channels worker for {', '.join(names)}"
    return WorkerKind(name=programs.CHANNELS, description=description)


def _channel_workers(context: PlanContext) -> Iterator[Process]:
    names = _channel_names(context)
    if names:
        kind = _channels_kind(names)
        yield Process(
            name=kind.name,
            generation=context.generation,
            argv=(context.host.python, "-m", "django_tandem.inprocess.channels_worker", *names),
            description=kind.description,
            directory=context.project.directory,
            priority=30,
            kinds=(kind,),
            environment=tuple(sorted((*_environment(context), *_metrics_environment(context)))),
            stop_s=_work_s(context),
        )


def _work_s(context: PlanContext) -> int:
    """Return how long work outside of requests may take to finish: a reload leaves it more time."""
    return max(context.settings.stop_s, context.settings.drain_s)


def _programs(context: PlanContext) -> Iterator[Process]:
    for name, program in context.settings.programs:
        numbers = range(1, program.replicas + 1) if program.replicas > 1 else (None,)
        yield from (_program(context, name, program, number) for number in numbers)


def _program(
    context: PlanContext, name: str, program: ProgramSettings, replica: int | None
) -> Process:
    argv, stop_signal = _command_of(context, name, program)
    of = "" if replica is None else f", {replica} of {program.replicas}"
    return Process(
        name=name,
        replica=replica,
        generation=context.generation,
        exclusive=True,
        argv=(*nice(program.nice), *argv),
        description=f'from TANDEM["PROGRAMS"]{of}',
        directory=context.project.directory,
        priority=40,
        environment=tuple(sorted({**dict(_environment(context)), **dict(program.env)}.items())),
        stop_signal=stop_signal,
        stop_s=program.stop_s or _work_s(context),
    )


def _command_of(
    context: PlanContext, name: str, program: ProgramSettings
) -> tuple[tuple[str, ...], str]:
    """Return the command line of a program, and the signal that stops it."""
    if program.command != AUTO:
        first, *arguments = program.command
        return (_program_path(first, context), *arguments), program.stop_signal
    worker = auto_worker(name, context.project.background_workers)
    is_default = program.stop_signal == DEFAULT_STOP_SIGNAL
    signal = worker.stop_signal if is_default else program.stop_signal
    return (context.host.python, *worker.arguments), signal


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
        # It has no variable for the time in UTC.
        environment=(("TZ", "UTC"),) if _log_format(context.settings) else (),
        stop_signal="QUIT",
        stop_s=context.settings.stop_s + 1,
    )


def _log_format(settings: Settings) -> str | None:
    return settings.log_format if settings.log_format is not LogFormat.TEXT else None


def _exit_s(settings: Settings) -> str | None:
    """Return how long a server has to end, where it is not the default."""
    found = exit_s(settings.stop_s, settings.stop_delay_s)
    return None if found == exit_s(DEFAULT_STOP_S) else f"{found:g}"


def _server_environment(context: PlanContext, *stacks: Stack) -> tuple[tuple[str, str], ...]:
    own = [each for stack in stacks for each in _known(context, stack).environment]
    if Stack.ASGI in stacks:
        own.append((environment.CONNECTIONS, asgi_connections(context).as_text()))
    secret = context.settings.peers.secret
    # A gateway has no secret: whoever may read its routes would read it there.
    if secret and not context.is_direct:
        own.append((environment.PEER_SECRET, secret))
    if tls := stack_tls(context.settings, context.project.directory):
        own += tls_environment(tls)
    return tuple(sorted((*_environment(context), *_metrics_environment(context), *own)))


def _metrics_environment(context: PlanContext) -> tuple[tuple[str, str], ...]:
    """Return where the workers keep the project's own Prometheus metrics, if it has some."""
    # Without the monitor, the files of workers that have ended would stay for ever.
    if not (context.project.uses_prometheus and context.settings.monitor):
        return ()
    directory = prometheus_files.DIRECTORIES.path(Path(context.run_dir), context.generation)
    return ((prometheus_files.VARIABLE, str(directory)),)


def _has_handover(context: PlanContext) -> bool:
    return context.settings.handover and context.has_both and not context.is_direct


def _environment(context: PlanContext) -> tuple[tuple[str, str], ...]:
    project, settings = context.project, context.settings
    any_inexact = any(route.match.why_inexact for route in project.routes)
    pins = urlencode([(pin.target, pin.stack.value) for pin in settings.routes])
    # Without one that waits, each connection has a moment of the window.
    has_wait = any(rule.mode is DrainMode.WAIT for rule in settings.drain)
    waits = [(rule.prefix, rule.mode.value) for rule in settings.drain if has_wait]
    known = {
        "DJANGO_SETTINGS_MODULE": project.settings_module,
        "PYTHONPATH": ":".join(project.python_path),
        # Gunicorn imports the project from there. That of a shell may be a link to the live
        # release, and lead to another one by the time a worker imports a module.
        "PWD": project.directory,
        "PYTHONBREAKPOINT": DEBUGGER if context.is_debugged else None,
        "PYTHONUNBUFFERED": "1",
        environment.ASGI_APPLICATION: project.asgi,
        environment.ENV_FILE: ":".join(project.env_files),
        environment.GENERATION: str(context.generation),
        environment.LOG_FORMAT: _log_format(settings),
        environment.MANAGE_PY: project.manage_py,
        environment.MANAGE_PY_SETS: ",".join(project.manage_py_sets),
        environment.EXIT_S: _exit_s(settings),
        environment.MONITOR: "1" if settings.monitor else None,
        environment.SLOW_S: None if settings.slow_s is None else f"{settings.slow_s:g}",
        environment.GATEWAY: environment.DIRECT if context.is_direct else None,
        environment.HANDOVER: "1" if _has_handover(context) else None,
        environment.DRAIN: urlencode(waits),
        environment.PINS: pins,
        environment.RESOLVE_FIRST: "1" if any_inexact and context.has_both else None,
        environment.RUN_DIR: context.run_dir,
        environment.HANDLER: settings.asgi.handler if settings.asgi.handler != "auto" else None,
        environment.THREADS: str(settings.asgi.threads or auto_threads(context.host.cpus)),
        environment.PRELOAD: None if settings.preload is None else str(int(settings.preload)),
        environment.STATIC: "1" if project.static_in_debug else None,
        environment.WSGI_APPLICATION: project.wsgi,
        "REDIS_URL": f"unix://{context.path('valkey.sock')}" if project.needs_redis else None,
    }
    return tuple((name, value) for name, value in sorted(known.items()) if value)
