"""The WebSocket URLs."""

from django.urls import path
from strawberry.channels import GraphQLWSConsumer

from auctions.consumers import LotConsumer
from auctions.live_schema import schema

websocket_urlpatterns = [
    path("ws/lots/<int:pk>/", LotConsumer.as_asgi()),
    path("ws/strawberry/", GraphQLWSConsumer.as_asgi(schema=schema)),
]
