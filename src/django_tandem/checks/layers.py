"""The project's channel layers, and how patient their clients are."""

import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.conf import settings as django_settings
from django.utils.module_loading import import_string

from django_tandem.checks.facts import Layer
from django_tandem.errors import ProjectError
from django_tandem.project.importing import trying


def read_layers() -> Iterator[Layer]:
    """Yield each of CHANNEL_LAYERS, without a connection to any."""
    for alias, layer in (getattr(django_settings, "CHANNEL_LAYERS", None) or {}).items():
        backend = str(layer.get("BACKEND"))
        wait_s = _wait_s(backend)
        yield Layer(
            alias=alias,
            backend=backend,
            wait_s=wait_s,
            read_timeout_s=None if wait_s is None else _read_timeout_s(layer.get("CONFIG") or {}),
        )


def _wait_s(backend: str) -> float | None:
    # Only the layer of channels_redis.core waits in Redis itself, and says how long.
    try:
        waits = getattr(trying(backend, lambda: import_string(backend)), "brpop_timeout", None)
    except ProjectError:
        # Channels says what is wrong with it, as soon as it is used.
        return None
    return waits if isinstance(waits, int | float) else None


def _read_timeout_s(config: dict[str, Any]) -> float | None:
    try:
        found = trying("CHANNEL_LAYERS", lambda: list(_timeouts_s(config.get("hosts"))))
    except ProjectError:
        return None
    return min((one for one in found if one is not None), default=None)


def _timeouts_s(hosts: Any) -> Iterator[float | None]:
    # The very pools that the layer would make: an address may say it in its query too.
    utils = import_module("channels_redis.utils")
    connection = import_module("redis.asyncio.connection").AbstractConnection
    default = inspect.signature(connection).parameters["socket_timeout"].default
    for host in utils.decode_hosts(hosts):
        yield utils.create_pool(host).connection_kwargs.get("socket_timeout", default)
