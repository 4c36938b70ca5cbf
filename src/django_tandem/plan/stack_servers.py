"""The servers of the stacks and the Channels worker: under one master, or a process each."""

from collections.abc import Iterator
from dataclasses import replace

from django_tandem import environment, servers
from django_tandem.errors import SettingError
from django_tandem.model import (
    ConnectionLimits,
    Process,
    Role,
    Stack,
    StopTimes,
    WorkerKind,
    programs,
)
from django_tandem.plan.capacity import (
    SERVER_MARGIN_S,
    connection_limits,
    is_shared,
    nice,
    niceness,
    recycle,
    with_limits,
    worker_count,
)
from django_tandem.plan.context import PlanContext
from django_tandem.plan.peers import stack_bind, stack_tls
from django_tandem.plan.process_environment import metrics_environment, process_environment
from django_tandem.servers import Launch, Server, shared_master
from django_tandem.servers.server import socket_and_address, tls_environment
from django_tandem.settings import AsgiSettings, WsgiSettings

# Compressing costs more than all else that our layer does for a message.
OWN_LAYER = "django_tandem.channels.RedisLayer"
# What a server imports instead of the project's own application.
ENTRY_POINTS = {
    Stack.WSGI: "django_tandem.inprocess.wsgi_application:application",
    Stack.ASGI: "django_tandem.inprocess.asgi_application:application",
}


def stack_servers(context: PlanContext, stacks: tuple[Stack, ...]) -> Iterator[Process]:
    """Yield the servers and the Channels worker: under one master, or a process each."""
    if stacks and is_shared(context.settings, has_both=len(stacks) > 1, roles=context.roles):
        yield master(context, stacks)
        return
    for stack in stacks:
        yield _server(context, stack)
    yield from channel_workers(context)


def master(
    context: PlanContext, stacks: tuple[Stack, ...], stop: StopTimes | None = None
) -> Process:
    """Return the master of ``stacks``; with ``stop`` nothing supervises it."""
    settings = context.settings
    launches = {stack: _launch(context, stack) for stack in stacks}
    channels = channel_names(context)
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
    chosen, server = server_settings(context, stack), _known(context, stack)
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


def asgi_connections(context: PlanContext) -> ConnectionLimits:
    """Return how many WebSockets and event streams each process of the ASGI server takes."""
    asgi, server = context.settings.asgi, _known(context, Stack.ASGI)
    workers = worker_count(server, asgi, context.host, context.project)
    return connection_limits(asgi, context.host, workers)


def _launch(context: PlanContext, stack: Stack) -> Launch:
    chosen, server = server_settings(context, stack), _known(context, stack)
    launch = Launch(
        python=context.host.python,
        application=ENTRY_POINTS[stack],
        socket=context.path(f"{programs.numbered(stack, context.generation)}.sock"),
        workers=worker_count(server, chosen, context.host, context.project),
        timeout_s=context.settings.wsgi.timeout_s + SERVER_MARGIN_S,
        grace_s=context.settings.stop_s,
        args=chosen.args,
        bind=stack_bind(
            context.settings,
            context.roles,
            stack,
            # A stack trusts nothing that a gateway sends.
            requires_trust=context.requires_trust and not context.is_direct,
        ),
        tls=stack_tls(context.settings, context.project.directory),
        compression=_compresses(context),
    )
    return with_limits(launch, chosen, server) if isinstance(chosen, WsgiSettings) else launch


def _compresses(context: PlanContext) -> bool:
    """Return whether the messages of WebSockets may be compressed."""
    chosen, layers = context.settings.channels.compression, context.project.channel_layers
    return set(layers) != {OWN_LAYER} if chosen is None else chosen


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
    socket, bind = socket_and_address(server, launch)
    if socket is None and Role.EDGE in context.roles:
        raise SettingError(
            f'TANDEM["{stack.upper()}"]["BIND"] is "{bind}", and {server.name} listens there or on '
            "the socket of this host's edge.",
            hint="Remove it, choose another server, or run the edge on another host.",
        )
    return replace(_kind(context, stack, launch), socket=socket)


def server_settings(context: PlanContext, stack: Stack) -> WsgiSettings | AsgiSettings:
    """Return the settings of a stack's server."""
    return context.settings.wsgi if stack is Stack.WSGI else context.settings.asgi


def _known(context: PlanContext, stack: Stack) -> Server:
    return servers.find(stack, server_settings(context, stack).server)


def _server_environment(context: PlanContext, *stacks: Stack) -> tuple[tuple[str, str], ...]:
    own = [each for stack in stacks for each in _known(context, stack).environment]
    if Stack.ASGI in stacks:
        own.append((environment.CONNECTIONS, asgi_connections(context).as_text()))
    secret = context.settings.peers.secret
    # A gateway has no secret: each user who may read its routes would read it there.
    if secret and not context.is_direct:
        own.append((environment.PEER_SECRET, secret))
    if tls := stack_tls(context.settings, context.project.directory):
        own += tls_environment(tls)
    return tuple(sorted((*process_environment(context), *metrics_environment(context), *own)))


def channel_workers(context: PlanContext) -> Iterator[Process]:
    """Yield the Channels worker as a separate process, if there is one."""
    names = channel_names(context)
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
            environment=tuple(
                sorted((*process_environment(context), *metrics_environment(context)))
            ),
            stop_s=context.work_s,
        )


def channel_names(context: PlanContext) -> tuple[str, ...]:
    """Return the channels of the Channels worker, none where this host has none."""
    if Role.WORKERS not in context.roles:
        return ()
    names = context.settings.channel_workers
    return context.project.channel_names if names is None else names


def _channels_kind(names: tuple[str, ...]) -> WorkerKind:
    description = f"Channels worker for {', '.join(names)}"
    return WorkerKind(name=programs.CHANNELS, description=description)
