"""Lines as the edge writes them."""


def line(**changes: str) -> str:
    """A request for /shop/ that a WSGI worker answered in 12 ms."""
    fields = {
        "at": "1800000000.250",
        "status": "200",
        "method": "GET",
        "by": "wsgi",
        "route": "/shop/",
        "duration": "0.012",
        "upstream": "0.010",
        "queue": "0.002",
        "cpu": "0.004",
        "sent": "512",
        "content_type": "text/html",
        "request_id": "f00d",
        "path": "/shop/",
        **changes,
    }
    return "\t".join(fields.values())
