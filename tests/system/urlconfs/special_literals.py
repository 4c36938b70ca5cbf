"""Characters that mean something to NGINX, PCRE or a shell."""

from django.urls import path, re_path

from urlconfs import view

NAMES = (
    'a"b',
    "c'd",
    "e f",
    "g;h",
    "i#j",
    "k$l",
    "m{n}o",
    "p\\q",
    "r%s",
    "t*u",
    "v(w)",
    "x[y]z",
    "~^a",
)
urlpatterns = [*(path(f"{name}/", view()) for name in NAMES), re_path(r"^re\"\;\ \#\${$", view())]

PATHS = (*(f"/{name}/" for name in NAMES), '/re";\x20#${', "/aXb/", "/kl/", "/pq/")
