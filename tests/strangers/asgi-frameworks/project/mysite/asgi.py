import os
from pathlib import Path

from blacknoise import BlackNoise
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
django = get_asgi_application()

from fastapi import APIRouter, FastAPI
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from servestatic import ServeStaticASGI
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Route, Router

from mysite.consumers import Echo

FILES = Path(__file__).parents[1] / "files"
items = APIRouter(prefix="/items")


@items.get("/{item}")
async def item(item: int):
    return item


async def of_host(request):
    return PlainTextResponse("the API's host")


api = FastAPI()
api.include_router(items, prefix="/v1")
api.router.routes.append(Host("api.example.com", Router(routes=[Route("/only", of_host)])))
api.mount("/site", django)
api.mount("/", django)
websockets = URLRouter(Echo.routes())
noise = BlackNoise(ServeStaticASGI(api, root=FILES, prefix="served"))
noise.add(FILES, "/noise")
noise.add(FILES, "/static")
application = SentryAsgiMiddleware(ProtocolTypeRouter({"http": noise, "websocket": websockets}))
