"""The Redis servers that the settings name, and whether the settings take the embedded one."""

import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.conf import global_settings
from django.conf import settings as django_settings

from django_tandem.errors import ProjectError
from django_tandem.model.peers import bracketed
from django_tandem.project.child import call_in_child
from django_tandem.project.location import Location, load_settings

REDIS_VARIABLE = "REDIS_URL"
LAYERS, CACHES = "CHANNEL_LAYERS", "CACHES"
DEFAULTS = vars(global_settings)
CACHE_BACKENDS = {"django.core.cache.backends.redis.RedisCache", "django_redis.cache.RedisCache"}
CONNECT_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The value of REDIS_URL for this project, None for none, and a note that says why."""

    url: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """
    One import of the settings.

    ``takers`` are the settings that contain the URL, ``caches`` the backends by alias,
    ``reaches_redis`` is true when a channel layer's Redis accepts a connection. ``error`` is the
    exception when the import failed.
    """

    takers: list[str]
    caches: dict[str, str]
    reaches_redis: bool
    error: str = ""


def offer(location: Location, url: str) -> Offer:
    """
    Decide whether the settings get ``url`` as REDIS_URL, by two imports in child processes.

    Raises ProjectError when the settings need REDIS_URL and can't have this one.
    """
    if django_settings.configured or find_spec("channels_redis") is None:
        return Offer()
    return decide_offer(location, url, _trial(location, None, url), _trial(location, url, url))


def decide_offer(location: Location, url: str, without: Trial, given: Trial) -> Offer:
    """
    Return the offer, from an import ``without`` REDIS_URL and one that was ``given`` it.

    A channel layer gets it when nothing else changes: a cache must not be switched on, and a
    task queue may not understand the URL.
    """
    if without.reaches_redis or given.error or not given.takers:
        return Offer()
    others = sorted(_unsuitable(without, given))
    if LAYERS in given.takers and not others:
        note = f"{REDIS_VARIABLE} is not set, so `tandem up` starts a Valkey for {LAYERS}."
        return Offer(url=url, note=note)
    names = ", ".join(others or given.takers)
    if REDIS_VARIABLE in without.error:
        raise ProjectError(
            f'{REDIS_VARIABLE} is not set, and "{location.settings_module}" needs it.',
            hint=f"Set it to the URL of a Redis server. The Valkey of `tandem up` serves only "
            f"{LAYERS}, and {names} would use it.",
        )
    return Offer(
        note=f"{REDIS_VARIABLE} is not set, and `tandem up` starts no Valkey: its own serves only "
        f"{LAYERS}, and {names} would use it."
    )


def _unsuitable(without: Trial, given: Trial) -> Iterator[str]:
    """Yield the settings that take the URL and must not."""
    for name in given.takers:
        is_cache = name == CACHES and (without.error or without.caches == given.caches)
        if name not in (REDIS_VARIABLE, LAYERS) and not is_cache:
            yield name


def _trial(location: Location, value: str | None, url: str) -> Trial:
    """Import the settings in a child process that has ``value`` as REDIS_URL."""

    def imported() -> dict[str, Any]:
        if value is not None:
            os.environ[REDIS_VARIABLE] = value
        return _imported(location, url)

    result = call_in_child(imported)
    if not result:
        return Trial(takers=[], caches={}, reaches_redis=False, error="no result")
    return Trial(**result)


def _imported(location: Location, url: str) -> dict[str, Any]:
    try:
        load_settings(location)
        takers = [name for name, value in _own_settings() if _has(value, url)]
        caches = {alias: each["BACKEND"] for alias, each in django_settings.CACHES.items()}
    except BaseException as error:  # noqa: BLE001 - a settings module may raise anything
        message = f"{error} {error.__cause__ or ''}"
        return {"takers": [], "caches": {}, "reaches_redis": False, "error": message}
    layers = getattr(django_settings, LAYERS, None) or {}
    reaches = any(_accepts(host) for layer in layers.values() for host in _hosts(layer))
    return {"takers": takers, "caches": caches, "reaches_redis": reaches, "error": ""}


def _own_settings() -> Iterator[tuple[str, Any]]:
    # Without Django's defaults: none has an address, and Django warns for deprecated ones.
    for name in filter(str.isupper, dir(django_settings)):
        # The settings object of Dynaconf denies for each name that it is overridden.
        if name == CACHES or name not in DEFAULTS or django_settings.is_overridden(name):
            yield name, getattr(django_settings, name)


def _has(value: Any, url: str) -> bool:
    """Return whether the value of a setting has the URL somewhere in it."""
    try:
        return url in repr(value)
    except Exception:  # noqa: BLE001 - of any object
        # A lazy translation, as in LANGUAGES, can't be read before the applications are loaded.
        parts = value.values() if isinstance(value, Mapping) else value
        is_container = isinstance(value, (Mapping, list, tuple, set))
        return is_container and any(_has(each, url) for each in parts)


def _hosts(layer: Mapping[str, Any]) -> list[Any]:
    """Return the ``hosts`` of a layer as its setting has them."""
    return list((layer.get("CONFIG") or {}).get("hosts") or [])


def _accepts(host: Any) -> bool:
    """Return whether a Redis of a layer's hosts accepts a connection."""
    address = read_address(host)
    if address is None:
        return False
    try:
        address.connect(CONNECT_S).close()
    except OSError:
        return False
    return True


PORT = 6379
TCP_SCHEMES = ("redis", "rediss", "valkey", "valkeys")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """Where a server listens: the ``path`` of a Unix socket, or ``host`` and ``port``."""

    host: str = ""
    port: int = PORT
    path: str = ""
    has_tls: bool = False

    def __str__(self) -> str:
        return self.path or f"{bracketed(self.host)}:{self.port}"

    def connect(self, timeout_s: float) -> socket.socket:
        """Return a connection with that timeout; raises OSError when there is none to be had."""
        if not self.path:
            return socket.create_connection((self.host, self.port), timeout=timeout_s)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(timeout_s)
            connection.connect(self.path)
        except OSError:
            connection.close()
            raise
        return connection


def read_address(given: Any) -> RedisAddress | None:
    """Return the address in a URL, a pair or a dict; None for one that this does not know."""
    try:
        return _read_address(given)
    except (TypeError, ValueError):
        return None


def _read_address(given: Any) -> RedisAddress | None:
    if isinstance(given, Mapping):
        return _of_dict(given)
    if isinstance(given, str):
        return _of_url(given)
    host, port = given
    return RedisAddress(host=host, port=int(port))


def _of_dict(given: Mapping[str, Any]) -> RedisAddress | None:
    if "address" in given:
        return _read_address(given["address"])
    # A Sentinel names the server at run time.
    if "master_name" in given:
        return None
    return RedisAddress(host=given.get("host", "localhost"), port=given.get("port", PORT))


def _of_url(url: str) -> RedisAddress | None:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return RedisAddress(path=parts.path)
    if parts.scheme not in TCP_SCHEMES:
        return None
    return RedisAddress(
        host=parts.hostname or "localhost",
        port=parts.port or PORT,
        has_tls=parts.scheme in ("rediss", "valkeys"),
    )


def named_servers() -> Iterator[tuple[str, Any]]:
    """Yield each setting that names a Redis, and the address as written there."""
    for alias, layer in (getattr(django_settings, "CHANNEL_LAYERS", None) or {}).items():
        hosts = (layer.get("CONFIG") or {}).get("hosts")
        for host in hosts if isinstance(hosts, list | tuple) else ():
            yield f'CHANNEL_LAYERS["{alias}"]', host
    for alias, cache in django_settings.CACHES.items():
        if cache.get("BACKEND") in CACHE_BACKENDS:
            location = cache.get("LOCATION") or ()
            urls = re.split("[;,]", location) if isinstance(location, str) else location
            for url in urls:
                yield f'CACHES["{alias}"]', url


def channel_layers() -> tuple[str, ...]:
    """Return the import path of each channel layer that the settings name."""
    layers = getattr(django_settings, LAYERS, None) or {}
    return tuple(str(layer.get("BACKEND", "")) for layer in layers.values())


def redis_hosts() -> tuple[str, ...]:
    """Return the host of each Redis that the settings name, brokers included."""
    given = (*(address for _, address in named_servers()), *_broker_addresses())
    found = filter(None, map(read_address, given))
    return tuple(dict.fromkeys(address.host for address in found))


def _broker_addresses() -> Iterator[Any]:
    """Yield what may be the address of a task queue's broker."""
    yield from (value for _, value in _own_settings() if isinstance(value, str))
    queues = getattr(django_settings, "RQ_QUEUES", None)
    for queue in queues.values() if isinstance(queues, Mapping) else ():
        yield queue.get("URL") or {"host": queue.get("HOST", "localhost")}
