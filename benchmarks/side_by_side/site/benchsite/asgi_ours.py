"""The same, with tandem's own handler for HTTP: one import is the difference."""

from benchsite.asgi import application as stock

# isort: split
from channels.routing import ProtocolTypeRouter

from django_tandem.asgi import get_asgi_application

application = ProtocolTypeRouter({**stock.application_mapping, "http": get_asgi_application()})
