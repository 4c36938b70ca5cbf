import graphene
import strawberry


class Query(graphene.ObjectType):
    served_by = graphene.String()

    def resolve_served_by(self, info):
        return type(info.context).__name__


graphene_schema = graphene.Schema(query=Query)


@strawberry.type
class AsyncQuery:
    @strawberry.field
    async def served_by(self, info: strawberry.Info) -> str:
        return type(info.context.request).__name__


strawberry_schema = strawberry.Schema(query=AsyncQuery)
