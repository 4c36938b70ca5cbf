import os

from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application
from fastapi import FastAPI

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
application = FastAPI()


@application.get("/items/{item}")
async def item(item: int):
    return item


application.mount("/", WSGIMiddleware(get_wsgi_application()))
