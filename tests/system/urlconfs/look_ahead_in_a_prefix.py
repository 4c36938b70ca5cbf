"""A look-ahead sees beyond its own pattern."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^(?=.*/end$)a/", include([path("<path:p>", view())])),
    re_path(r"^a/(?!b)", include([path("b/", view()), path("<str:s>/", view())])),
    re_path(r"^(?!.*\.(?:js|css)$)", include([re_path(r"", view())])),
]

PATHS = ("/a/x/end", "/a/b/", "/a/c/", "/a/b/end", "/x.js", "/x.jsx", "/x", "/x.css\n")
