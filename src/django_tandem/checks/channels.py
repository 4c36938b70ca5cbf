"""Checks of what sends between processes, and of the sites that may open a WebSocket."""

import inspect
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import (
    CheckMessage,
    Error,
    Info,
    Warning,  # noqa: A004 - Django's own name
)
from django.utils.module_loading import import_string
from packaging.version import Version

from django_tandem.checks.facts import Facts, Layer, WrongMailbox
from django_tandem.errors import ProjectError, did_you_mean
from django_tandem.model import Stack
from django_tandem.model.connections import SlowClient
from django_tandem.model.roles import listed_roles
from django_tandem.project.importing import trying
from django_tandem.project.loading import IN_MEMORY_LAYER

_EVENT_CARRIERS = ("EVENTSTREAM_REDIS", "GRIP_URL", "GRIP_PROXIES")

_HOST = '{"address": os.environ["REDIS_URL"], "socket_timeout": None}'
_REDIS = f'Use "channels_redis.core.RedisChannelLayer" with {{"hosts": [{_HOST}]}}. '
_EMBEDDED = (
    '`tandem up` sets REDIS_URL when it is not set and "django-tandem[bundled]" is installed.'
)
_SHARED = "Set REDIS_URL to the URL of a Redis or Valkey server that all hosts reach."
_OFFERED = (
    "`tandem up` sets REDIS_URL, which is not set here: read it in CHANNEL_LAYERS. "
    "Settings that read it already need no change."
)

_MAILBOX_HINTS = {
    "tandem_mailbox": "Expected an integer of at least 1.",
    "tandem_slow_client": 'Expected "close", "drop_oldest" or "latest".',
}

# The argument of redis-py: how long its client waits for an answer.
TIMEOUT = "socket_timeout"

_REDIS_LAYERS = (
    "django_tandem.channels.RedisLayer",
    "django_tandem.channels.redis_layer.RedisLayer",
)

# What these layers do for each member of a group, and RedisLayer once in a process.
_PER_MEMBER = {
    "channels_redis.core.RedisChannelLayer": "lists each member of a group in each message to it",
    "channels_redis.pubsub.RedisPubSubChannelLayer": (
        "decodes each message to a group once for each of its members"
    ),
}


def layer_is_shared(facts: Facts) -> Iterator[CheckMessage]:
    """Find channel layers in memory, where messages have to reach another process."""
    if not facts.application.has_websocket and not facts.channel_workers:
        return
    for layer in facts.layers:
        if layer.backend == IN_MEMORY_LAYER:
            yield _in_memory(layer, facts)


def _in_memory(layer: Layer, facts: Facts) -> CheckMessage:
    setting = f'CHANNEL_LAYERS["{layer.alias}"]["BACKEND"] is "{layer.backend}"'
    lost, instead = _lost(facts)
    if not lost:
        return Warning(
            f"{setting}, which keeps messages in one process, so `tandem up` starts only one "
            "ASGI process.",
            hint=f"Views on WSGI can't send to it, and a reload separates old sockets from new. "
            f"{_by_redis(facts)}",
            obj="CHANNEL_LAYERS",
            id="tandem.W010",
        )
    if facts.offers_redis:
        return Warning(
            f"{setting}, which `tandem up` refuses to start with (tandem.E003).",
            hint=_OFFERED,
            obj="CHANNEL_LAYERS",
            id="tandem.W001",
        )
    return Error(
        f"{setting}, which keeps messages in one process: {lost}.",
        hint=f"{_by_redis(facts)}{instead}",
        obj="CHANNEL_LAYERS",
        id="tandem.E003",
    )


def _by_redis(facts: Facts) -> str:
    # The embedded server is of one host.
    return _REDIS + (_SHARED if facts.spans_hosts else _EMBEDDED)


def _lost(facts: Facts) -> tuple[str, str]:
    """Return which messages are lost, and what else than Redis helps; empty when none are."""
    if facts.spans_hosts:
        roles = listed_roles(facts.plan.roles)
        return f'messages never reach another host, and the roles are "{roles}"', ""
    if facts.channel_workers:
        return "messages never reach the Channels worker", ""
    if facts.senders and facts.serves_http_on_wsgi:
        senders = ", ".join(facts.senders)
        return f"messages that {senders} sends on WSGI never reach a WebSocket", ""
    processes = facts.processes_on(Stack.ASGI)
    if processes > 1:
        instead = ' Or set TANDEM["ASGI"]["WORKERS"] to 1.'
        return f"a message reaches only the sockets of one of {processes} ASGI processes", instead
    return "", ""


def layer_options_are_known(facts: Facts) -> Iterator[CheckMessage]:
    """Find options of our layer that do not exist, with which its first use would fail."""
    for layer in facts.layers:
        for option in layer.unknown_options:
            known = ", ".join(layer.options)
            hint = did_you_mean(option, layer.options, otherwise=f"The options are {known}.")
            yield Error(
                f'CHANNEL_LAYERS["{layer.alias}"]["CONFIG"]["{option}"] is not an option of '
                f'"{layer.backend}", so each use of the layer would fail.',
                hint=hint,
                obj="CHANNEL_LAYERS",
                id="tandem.E019",
            )


def client_waits_long_enough(facts: Facts) -> Iterator[CheckMessage]:
    """Find channel layers whose client times out while it waits in Redis for a message."""
    if not facts.application.has_websocket and not facts.channel_workers:
        return
    for layer in facts.layers:
        wait_s, timeout_s = layer.wait_s, layer.read_timeout_s
        if wait_s is None or timeout_s is None or timeout_s > wait_s:
            continue
        yield Warning(
            f'CHANNEL_LAYERS["{layer.alias}"] times out after {timeout_s:g} s without an answer '
            f"from Redis, and waits {wait_s:g} s for a message: an idle WebSocket or Channels "
            "worker ends with a TimeoutError.",
            hint=f"Write its host as {_HOST}: redis-py 8 has a timeout by default.",
            obj="CHANNEL_LAYERS",
            id="tandem.W007",
        )


def layer_works_once_a_process(facts: Facts) -> Iterator[CheckMessage]:
    """Find channel layers that take more CPU time for each member of a group than ours."""
    if not facts.application.has_websocket:
        return
    for layer in facts.layers:
        if layer.backend in _PER_MEMBER:
            yield Info(
                f'CHANNEL_LAYERS["{layer.alias}"]["BACKEND"] is "{layer.backend}", which '
                f"{_PER_MEMBER[layer.backend]}.",
                hint='"django_tandem.channels.RedisLayer" has one subscription for all members in '
                "a process, and decodes a message once there. CONFIG stays unchanged.",
                obj="CHANNEL_LAYERS",
                id="tandem.I003",
            )


def worker_has_a_layer(facts: Facts) -> Iterator[CheckMessage]:
    """Find a Channels worker that can't start without a channel layer."""
    if facts.layers or not facts.channel_workers:
        return
    yield Error(
        "CHANNEL_LAYERS is not set, and the Channels worker for "
        f"{', '.join(facts.channel_workers)} can't start without it.",
        hint=f'{_by_redis(facts)} Or set TANDEM["CHANNEL_WORKERS"] to [].',
        obj="CHANNEL_LAYERS",
        id="tandem.E004",
    )


def senders_have_a_layer(facts: Facts) -> Iterator[CheckMessage]:
    """Find code that sends to WebSockets without a channel layer."""
    if facts.layers or not facts.senders or not facts.application.has_websocket:
        return
    yield Warning(
        f"CHANNEL_LAYERS is not set, so get_channel_layer() is None in {', '.join(facts.senders)}.",
        hint=_by_redis(facts),
        obj="CHANNEL_LAYERS",
        id="tandem.W002",
    )


def origin_is_checked(facts: Facts) -> Iterator[CheckMessage]:
    """Find WebSockets that a page of any site may open with the user's cookies."""
    if not facts.application.has_websocket or facts.application.checks_origin:
        return
    yield Warning(
        f'"{facts.asgi}" accepts WebSockets from pages of any site: not all of them are '
        "behind an OriginValidator.",
        hint='Wrap the application under "websocket" in AllowedHostsOriginValidator, from '
        "channels.security.websocket.",
        obj=facts.asgi,
        id="tandem.W005",
    )


def mailboxes_have_limits(facts: Facts) -> Iterator[CheckMessage]:
    """Find consumer classes that each handshake would fail on."""
    for wrong in facts.wrong_mailboxes:
        yield Error(
            f"{wrong.consumer}.{wrong.attribute} is {wrong.value}.",
            hint=f"{_MAILBOX_HINTS[wrong.attribute]} Each of its WebSockets would fail.",
            obj=wrong.consumer,
            id="tandem.E018",
        )


def events_are_shared(facts: Facts) -> Iterator[CheckMessage]:
    """Find event streams by django-eventstream whose events stay in the sending process."""
    lost = _lost_events(facts) if facts.events_in_process else ""
    if not lost:
        return
    of = f" of {', '.join(facts.event_senders)}" if facts.event_senders else ""
    yield Error(
        f"EVENTSTREAM_REDIS is not set, so send_event(){of} reaches only the clients of its "
        f"own process: {lost}.",
        hint='Set it, for example to {"host": "127.0.0.1"}, to a Redis or Valkey server.',
        obj="EVENTSTREAM_REDIS",
        id="tandem.E010",
    )


def _lost_events(facts: Facts) -> str:
    if facts.serves_http_on_wsgi:
        return "what a view on WSGI sends never reaches an event stream on ASGI"
    processes = facts.processes_on(Stack.ASGI)
    if processes > 1:
        return f"an event sent in one of {processes} ASGI processes misses the streams of the rest"
    return ""


def lacks_event_carrier() -> bool:
    """Return whether django-eventstream is installed with nothing to carry events."""
    if "django_eventstream" not in django_settings.INSTALLED_APPS:
        return False
    # A GRIP proxy, such as Pushpin, holds the streams itself. Settings often read these from
    # the environment, so that they are there and None.
    return not any(getattr(django_settings, name, None) for name in _EVENT_CARRIERS)


def read_layers() -> Iterator[Layer]:
    """Yield each of CHANNEL_LAYERS, without a connection to any."""
    for alias, layer in (getattr(django_settings, "CHANNEL_LAYERS", None) or {}).items():
        backend, config = str(layer.get("BACKEND")), layer.get("CONFIG") or {}
        # Both import the client of Redis, a tenth of a reload's CPU time: only where it matters.
        wait_s = _wait_s(backend) if _may_time_out(config) else None
        options = _options_of(backend) if config.keys() - {"hosts"} else ()
        yield Layer(
            alias=alias,
            backend=backend,
            wait_s=wait_s,
            read_timeout_s=None if wait_s is None else _read_timeout_s(config),
            options=options,
            unknown_options=tuple(name for name in config if options and name not in options),
        )


def read_wrong_mailboxes() -> Iterator[WrongMailbox]:
    """Yield each attribute of a loaded consumer class that does not limit a mailbox."""
    module = sys.modules.get("channels.consumer")
    waiting = list(module.AsyncConsumer.__subclasses__()) if module is not None else []
    seen: set[type] = set()
    while waiting:
        consumer = waiting.pop()
        if consumer not in seen:
            seen.add(consumer)
            waiting += consumer.__subclasses__()
            yield from _wrong_limits_of(consumer)


def _wrong_limits_of(consumer: type) -> Iterator[WrongMailbox]:
    messages = getattr(consumer, "tandem_mailbox", 1)
    slow_client = getattr(consumer, "tandem_slow_client", "close")
    is_limit = type(messages) is int and messages >= 1
    is_policy = slow_client in list(SlowClient)
    for attribute, value, is_right in (
        ("tandem_mailbox", messages, is_limit),
        ("tandem_slow_client", slow_client, is_policy),
    ):
        if not is_right:
            yield WrongMailbox(
                consumer=f"{consumer.__module__}.{consumer.__qualname__}",
                attribute=attribute,
                value=repr(value),
            )


def _options_of(backend: str) -> tuple[str, ...]:
    # Of our layer alone: another one may take any option by its own rules.
    if backend not in _REDIS_LAYERS:
        return ()
    try:
        found = trying(backend, lambda: inspect.signature(import_string(backend)))
    except ProjectError:
        return ()
    return tuple(found.parameters)


def _may_time_out(config: Mapping[str, Any]) -> bool:
    """Return whether the layer's client may have a timeout: from redis-py 8 on, by default."""
    try:
        has_default = Version(version("redis")) >= Version("8")
    except PackageNotFoundError:
        return False
    hosts = config.get("hosts")
    if not hosts or not isinstance(hosts, list | tuple):
        return has_default
    return any(_host_may_time_out(host, has_default=has_default) for host in hosts)


def _host_may_time_out(host: Any, *, has_default: bool) -> bool:
    if isinstance(host, dict) and TIMEOUT in host:
        # The query of its address takes precedence over the keys next to it.
        return host[TIMEOUT] is not None or TIMEOUT in repr(host.get("address"))
    return has_default or TIMEOUT in repr(host)


def _wait_s(backend: str) -> float | None:
    # Only the layer of channels_redis.core waits in Redis, for its brpop_timeout.
    try:
        waits = getattr(trying(backend, lambda: import_string(backend)), "brpop_timeout", None)
    except ProjectError:
        # Channels reports it as soon as the layer is used.
        return None
    return waits if isinstance(waits, int | float) else None


def _read_timeout_s(config: dict[str, Any]) -> float | None:
    try:
        found = trying("CHANNEL_LAYERS", lambda: list(_timeouts_s(config.get("hosts"))))
    except ProjectError:
        return None
    return min((one for one in found if one is not None), default=None)


def _timeouts_s(hosts: Any) -> Iterator[float | None]:
    # The pools that the layer would make: an address may have the timeout in its query too.
    utils = import_module("channels_redis.utils")
    connection = import_module("redis.asyncio.connection").AbstractConnection
    default = inspect.signature(connection).parameters[TIMEOUT].default
    for host in utils.decode_hosts(hosts):
        yield utils.create_pool(host).connection_kwargs.get(TIMEOUT, default)
