"""The user's own arguments win over those of the plan."""

import pytest

from django_tandem.servers import ASGI_SERVERS, WSGI_SERVERS
from harness.client import wait_for
from harness.server import process_ids, serving
from servers.conftest import title

MORE_WORKERS = {
    "gunicorn": "--workers=2",
    "uwsgi": "--processes=2",
    "uvicorn": "--workers=2",
    "hypercorn": "--workers=2",
    "granian": "--workers=2",
}
MULTIPLE = [each for each in (*WSGI_SERVERS, *ASGI_SERVERS) if not each.one_process]


@pytest.mark.parametrize("server", MULTIPLE, ids=title)
def test_the_users_arguments_win(server, directory):
    """One worker is planned, and the arguments name two."""
    with serving(server, directory, workers=1, args=(MORE_WORKERS[server.name],)) as running:
        seen = set()

        assert wait_for(lambda: seen.update(process_ids(running)) or len(seen) == 2)
