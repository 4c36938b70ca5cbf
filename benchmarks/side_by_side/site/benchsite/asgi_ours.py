"""The same without tandem around it, but with its handler for HTTP: by one import."""

from benchsite.asgi import application as stock

# isort: split
from channels.routing import ProtocolTypeRouter

from django_tandem.asgi import get_asgi_application

application = ProtocolTypeRouter({**stock.application_mapping, "http": get_asgi_application()})
