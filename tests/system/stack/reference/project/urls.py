from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from graphene_django.views import GraphQLView
from strawberry.django.views import AsyncGraphQLView

from project import views
from project.schemas import strawberry_schema

urlpatterns = [
    path("", views.describe),
    path("describe/", views.describe),
    path("length/", views.length),
    path("moved/", views.moved),
    path("printed/", views.printed),
    path("later/", views.later),
    path("api/rest/", views.rest),
    path("api/async-rest/", views.async_rest),
    path("graphql/", csrf_exempt(GraphQLView.as_view())),
    path("async-graphql/", csrf_exempt(AsyncGraphQLView.as_view(schema=strawberry_schema))),
]
