"""A project that implements the lifespan."""

from pathlib import Path

from django.conf import settings
from django.core.asgi import get_asgi_application

served = get_asgi_application()


async def application(scope, receive, send):
    if scope["type"] != "lifespan":
        await served(scope, receive, send)
        return
    record = Path(settings.DATABASES["default"]["NAME"]).with_name("lifespan")
    while True:
        kind = (await receive())["type"]
        with record.open("a") as file:
            file.write(f"{kind}\n")
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
