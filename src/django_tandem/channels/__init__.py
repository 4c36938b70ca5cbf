"""
What a project's own code and settings use of django-tandem with Channels.

Each name is imported when it is first used: a project without Channels has nothing of it loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_tandem.channels.broadcasting import BroadcastMixin, broadcast, broadcast_sync
    from django_tandem.channels.redis_layer import RedisLayer

__all__ = ["BroadcastMixin", "RedisLayer", "broadcast", "broadcast_sync"]

# The module of each name. None of them has the name of a function: as an attribute of this
# package it would hide the function.
_MODULES = {
    "BroadcastMixin": "broadcasting",
    "RedisLayer": "redis_layer",
    "broadcast": "broadcasting",
    "broadcast_sync": "broadcasting",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
