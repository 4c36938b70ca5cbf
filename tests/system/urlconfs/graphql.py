"""One endpoint that is written with a slash at the end, or with an optional one."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [
    path("graphql", view()),
    re_path(r"^graphql/?$", view()),
    re_path(r"^graphql/?(?P<query>\w*)", view()),
]

PATHS = ("/graphql", "/graphql/", "/graphql/x", "/graphqlx", "/GraphQL", "/graphql//")
