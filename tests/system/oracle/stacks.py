"""Both real stacks, serving every URLconf, as `tandem up` would start them."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oracle.edges import Sockets

from django_tandem.servers import ASGI_SERVERS, WSGI_SERVERS
from harness.server import SOURCE, serving

TESTS = Path(__file__).parents[1]
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "oracle.settings",
    "PYTHONPATH": f"{SOURCE}:{TESTS}",
    "TANDEM_ASGI_APPLICATION": "",
    "TANDEM_HANDOVER": "1",
}


@contextmanager
def stacks(settings: dict[str, Any], **changes: str) -> Iterator[Sockets]:
    """Run Gunicorn and Uvicorn on the project, with these settings of Django's."""
    environment = {**ENVIRONMENT, "ORACLE_SETTINGS": json.dumps(settings), **changes}
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        one, other = Path(path, "wsgi"), Path(path, "asgi")
        one.mkdir()
        other.mkdir()
        with (
            serving(WSGI_SERVERS[0], one, environment=environment) as wsgi,
            serving(ASGI_SERVERS[0], other, environment=environment) as asgi,
        ):
            yield Sockets(wsgi=wsgi.socket, asgi=asgi.socket)
