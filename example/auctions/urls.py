"""The app's URLs."""

from django.conf import settings
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from graphene_django.views import GraphQLView
from strawberry.django.views import AsyncGraphQLView

from auctions import api, live_schema, shipping, streams, views

# Nobody signs in to bid, so a visitor's cookies give a forged request no power over GraphQL.
# Once they do, take csrf_exempt away.
graphene_view = csrf_exempt(GraphQLView.as_view(graphiql=settings.DEBUG))
strawberry_view = csrf_exempt(
    AsyncGraphQLView.as_view(
        schema=live_schema.schema, graphql_ide="graphiql" if settings.DEBUG else None
    )
)

urlpatterns = [
    path("", views.home, name="home"),
    path("api/lots/", api.LotList.as_view(), name="lot-list"),
    path("api/lots/<int:pk>/", api.LotDetail.as_view(), name="lot-detail"),
    path("api/lots/<int:pk>/bids/", api.LotBids.as_view(), name="lot-bids"),
    path("api/shipping/<int:pk>/", shipping.ShippingQuote.as_view(), name="shipping"),
    path("events/bids/", streams.bids, name="bid-events"),
    path("graphql/", graphene_view, name="graphql"),
    path("strawberry/", strawberry_view, name="strawberry"),
]
