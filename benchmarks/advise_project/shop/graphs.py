"""The GraphQL APIs: two on Graphene, and one on Strawberry."""

# ruff: noqa: N805 - Graphene calls resolvers without self.

from typing import Any

import graphene
import strawberry
from graphene_django.views import GraphQLView
from strawberry.django.views import AsyncGraphQLView

from shop.clients import ask_supplier, ask_supplier_async
from shop.work import compute


class Parcels(graphene.ObjectType):
    price = graphene.String(required=True)

    def resolve_price(root: Any, info: Any) -> str:
        return str(ask_supplier("parcels", 200)["price"])


class Statistics(graphene.ObjectType):
    visits = graphene.Int(required=True)

    def resolve_visits(root: Any, info: Any) -> int:
        return compute(50) % 1000


@strawberry.type
class Live:
    @strawberry.field
    async def price(self) -> str:
        return str((await ask_supplier_async("parcels", 180))["price"])


parcels = GraphQLView.as_view(schema=graphene.Schema(query=Parcels), graphiql=False)
statistics = GraphQLView.as_view(schema=graphene.Schema(query=Statistics), graphiql=False)
live = AsyncGraphQLView.as_view(schema=strawberry.Schema(query=Live), graphql_ide=None)
