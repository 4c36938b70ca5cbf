"""The consumers of Channels as they are without django-tandem."""

import sys

from channels.consumer import AsyncConsumer

from django_tandem.inprocess import consumers


def restore() -> None:
    """Undo ``consumers.install``."""
    AsyncConsumer.__call__ = consumers._stock_call
    for name in consumers.CLOSING:
        module = sys.modules.get(name)
        if getattr(module, "aclose_old_connections", None) is consumers.close_due_connections:
            module.aclose_old_connections = consumers._stock_close
