"""The redirect to HTTPS that the edge answers a request by plain HTTP with."""

import re

from django_tandem.model import Edge
from django_tandem.runtime.dry_run import EdgeRequest

HTTP_PORT, HTTPS_PORT = 80, 443
HOST = re.compile(r"(?P<bare>\[[^\]]*\]|[^:\[\]]+)(?P<port>:[0-9]*)?")
# As redirect.conf.j2 has it: these are answered by plain HTTP.
ANSWERED = re.compile(r"/\.well-known/acme-challenge/|/\.tandem/ready\Z")


def https_location(request: EdgeRequest, edge: Edge) -> str | None:
    """Return where the edge redirects ``request`` to, if its URL is one of plain HTTP."""
    host = HOST.fullmatch(request.host)
    if not (edge.redirects and request.is_plain_http and host):
        return None
    if ANSWERED.match(request.target.partition("?")[0]):
        return None
    # Without a port in the URL, the client has connected to port 80, which may be published.
    is_published = not host["port"] and all(bind.port != HTTP_PORT for bind in edge.redirects)
    has_port = edge.https_port != HTTPS_PORT and not is_published
    return f"https://{host['bare']}{f':{edge.https_port}' if has_port else ''}{request.target}"
