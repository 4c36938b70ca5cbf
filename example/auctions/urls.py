"""The app's URLs."""

from django.conf import settings
from django.urls import path
from graphene_django.views import GraphQLView
from strawberry.django.views import AsyncGraphQLView

from auctions import api, live_schema, shipping, streams, views
from auctions.access import csrf_with_session

graphene_view = csrf_with_session(GraphQLView.as_view(graphiql=settings.DEBUG))
strawberry_view = csrf_with_session(
    AsyncGraphQLView.as_view(
        schema=live_schema.schema, graphql_ide="graphiql" if settings.DEBUG else None
    )
)

urlpatterns = [
    path("", views.home, name="home"),
    path("lots/<int:pk>/", views.lot, name="lot"),
    path("api/lots/", api.LotList.as_view(), name="lot-list"),
    path("api/lots/<int:pk>/", api.LotDetail.as_view(), name="lot-detail"),
    path("api/lots/<int:pk>/bids/", api.LotBids.as_view(), name="lot-bids"),
    path("api/shipping/<int:pk>/", shipping.ShippingQuote.as_view(), name="shipping"),
    path("events/bids/", streams.bids, name="bid-events"),
    path("graphql/", graphene_view, name="graphql"),
    path("strawberry/", strawberry_view, name="strawberry"),
]
