"""Lines as the edge writes them."""


def line(**changes: str) -> str:
    """A request for /shop/ that a WSGI worker answered in 12 ms."""
    given = {
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
    queue, cpu, route = (given.pop(name) for name in ("queue", "cpu", "route"))
    # A stack names a route of the URLconf, and the edge any other.
    is_of_stack = given["by"] != "edge" and route.startswith("/")
    answered = " ".join(each for each in (queue, cpu, route if is_of_stack else "") if each)
    fields = list(given.values())
    return "\t".join([*fields[:4], answered, "" if is_of_stack else route, *fields[4:]])
