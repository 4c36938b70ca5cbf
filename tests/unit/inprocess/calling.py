"""Calls an ASGI application without a server."""

import asyncio


def call(application, scope, *received):
    """Run the application on the scope and the messages; return what it sent."""
    queue = list(received)
    sent = []

    async def receive():
        return queue.pop(0)

    async def send(message):
        sent.append(message)

    asyncio.run(application(scope, receive, send))
    return sent


def http(**changes):
    return {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "client": None,
        "server": ("/run/asgi.sock", None),
        **changes,
    }


def websocket(**changes):
    return http(type="websocket", scheme="ws", **changes)
