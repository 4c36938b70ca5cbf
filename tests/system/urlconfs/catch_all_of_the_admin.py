"""The admin's own way: an include of regexes and paths, and a view for the rest."""

from django.urls import include, path, re_path

from urlconfs import view

model = [
    path("", view()),
    path("add/", view()),
    path("<path:object_id>/history/", view()),
    path("<path:object_id>/change/", view()),
    path("<path:object_id>/", view()),
]
admin = [
    path("", view()),
    path("login/", view()),
    path("auth/user/", include(model)),
    re_path(r"^(?P<app_label>auth|sites)/$", view()),
    re_path(r"(?P<url>.*)$", view()),
]
urlpatterns = [path("admin/", include((admin, "admin"))), path("<path:rest>", view())]

PATHS = (
    "/admin/",
    "/admin/login/",
    "/admin/auth/user/1/change/",
    "/admin/auth/user/a/b/history/",
    "/admin/auth/user/1/",
    "/admin/auth/",
    "/admin/nobody/",
    "/admin",
)
