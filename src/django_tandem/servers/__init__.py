"""The servers that a stack can run on: one file each, and one line here."""

from django_tandem.errors import SettingError, did_you_mean
from django_tandem.model import Stack
from django_tandem.servers.daphne import DAPHNE
from django_tandem.servers.granian import GRANIAN_ASGI, GRANIAN_WSGI
from django_tandem.servers.gunicorn import GUNICORN, GUNICORN_ASGI
from django_tandem.servers.hypercorn import HYPERCORN
from django_tandem.servers.server import Launch, Server
from django_tandem.servers.uvicorn import UVICORN
from django_tandem.servers.uwsgi import UWSGI
from django_tandem.servers.waitress import WAITRESS

__all__ = ["ASGI_SERVERS", "WSGI_SERVERS", "Launch", "Server", "find"]

# The first of each is the default.
WSGI_SERVERS: tuple[Server, ...] = (GUNICORN, UWSGI, WAITRESS, GRANIAN_WSGI)
ASGI_SERVERS: tuple[Server, ...] = (UVICORN, DAPHNE, HYPERCORN, GRANIAN_ASGI, GUNICORN_ASGI)

SERVERS = {Stack.WSGI: WSGI_SERVERS, Stack.ASGI: ASGI_SERVERS}


def find(stack: Stack, name: str) -> Server:
    """Return the server of that name; raise SettingError if the stack has no such server."""
    known = {server.name: server for server in SERVERS[stack]}
    if name in known:
        return known[name]
    listed = f"Expected one of: {', '.join(known)}."
    # The name of a server of the other stack is not a typing error, however similar it is.
    is_of_other = any(name == server.name for servers in SERVERS.values() for server in servers)
    raise SettingError(
        f'TANDEM["{stack.name}"]["SERVER"] is "{name}".',
        hint=listed if is_of_other else did_you_mean(name, known, otherwise=listed),
    )
