"""The processes of a host: servers, Channels workers, programs, Valkey, the edge, the monitor."""

from collections.abc import Iterator
from pathlib import PurePath

from django_tandem.errors import SettingError
from django_tandem.model import Process, Role, Stack, StopTimes, WorkerKind, programs
from django_tandem.model.roles import EVERY_ROLE, listed_roles
from django_tandem.plan.background_workers import AUTO, auto_worker
from django_tandem.plan.capacity import nice
from django_tandem.plan.context import PlanContext
from django_tandem.plan.peers import served_here
from django_tandem.plan.process_environment import log_format, process_environment
from django_tandem.plan.stack_servers import (
    channel_names,
    channel_workers,
    master,
    server_settings,
    stack_servers,
)
from django_tandem.servers import shared_master
from django_tandem.settings import ProgramSettings

# That of an entry of PROGRAMS which names none.
DEFAULT_STOP_SIGNAL = "TERM"

# It only has to write the minute that has begun.
MONITOR_STOP_S = 2


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
        return bool(context.settings.programs) or not channel_names(context)
    server = server_settings(context, Stack(role)).server
    return not (context.settings.shared_master and shared_master.can_run_alone(Stack(role), server))


def processes(context: PlanContext, stacks: tuple[Stack, ...]) -> tuple[Process, ...]:
    """
    Return the processes of this host's roles, in the order of their start.

    ``stacks`` are those that the project needs.
    """
    has_workers = Role.WORKERS in context.roles
    if not is_supervised(context):
        return _unsupervised(context, served_here(stacks, context.roles))
    return (
        *_monitor(context),
        *_valkey(context),
        *stack_servers(context, served_here(stacks, context.roles)),
        *(_programs(context) if has_workers else ()),
        *([_nginx(context)] if Role.EDGE in context.roles else []),
    )


def _unsupervised(context: PlanContext, stacks: tuple[Stack, ...]) -> tuple[Process, ...]:
    """Return the process of the only role; none where the project does not need it."""
    if stacks:
        settings = context.settings
        stop = StopTimes(stop_s=settings.stop_s, delay_s=settings.stop_delay_s)
        return (master(context, stacks, stop),)
    if Role.EDGE in context.roles:
        return (_nginx(context),)
    return tuple(channel_workers(context)) if Role.WORKERS in context.roles else ()


def require_work(context: PlanContext, planned: tuple[Process, ...]) -> None:
    """Raise SettingError when this project needs none of the roles: nothing would run."""
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
    path = context.path(programs.VALKEY_SOCKET)
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
        environment=tuple(
            sorted({**dict(process_environment(context)), **dict(program.env)}.items())
        ),
        stop_signal=stop_signal,
        stop_s=program.stop_s or context.work_s,
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
        environment=(("TZ", "UTC"),) if log_format(context.settings) else (),
        stop_signal="QUIT",
        stop_s=context.settings.stop_s + 1,
    )
