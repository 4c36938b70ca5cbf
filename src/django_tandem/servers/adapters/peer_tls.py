"""
Mutual TLS on the addresses of a server, beside a Unix socket without TLS.

Gunicorn and Uvicorn have one setting for all of their sockets, and the health checks of this host
go to the Unix socket.
"""

import os
import ssl
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from django_tandem import environment
from django_tandem.servers.adapters.refusing import is_tcp


@cache
def context() -> ssl.SSLContext | None:
    """
    Return the context of the environment's files, None where it names none.

    A client needs a certificate that the CA has signed.
    """
    files = dict(parse_qsl(os.environ.get(environment.PEER_TLS, "")))
    if not files:
        return None
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files["ca"])
    made.load_cert_chain(files["certificate"], files["key"])
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def encrypt(listeners: Iterable[Any]) -> None:
    """Have Gunicorn's listeners on addresses accept TLS alone."""
    with_tls = context()
    if with_tls is None:
        return
    for listener in filter(is_tcp, listeners):
        # At its first read: in accept(), a slow client would occupy a worker without its timeout.
        listener.sock = with_tls.wrap_socket(
            listener.sock, server_side=True, do_handshake_on_connect=False
        )


def encrypted(create_server: Callable[..., Any]) -> Callable[..., Any]:
    """Return an event loop's ``create_server`` that has TLS on addresses alone."""
    with_tls = context()

    def create_server_with_tls(*arguments: Any, sock: Any, **options: Any) -> Any:
        tls = with_tls if is_tcp(sock) else None
        return create_server(*arguments, sock=sock, **{**options, "ssl": tls})

    return create_server if with_tls is None else create_server_with_tls
