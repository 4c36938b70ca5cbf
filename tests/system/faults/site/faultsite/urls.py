"""The example's URLs, and the harness's own beside them."""

from django.urls import include, path

from faultsite import views
from faultsite.routes import ADDED

urlpatterns = [
    path("faults/version/", views.version),
    path("faults/async-version/", views.async_version),
    path("faults/slow/", views.slow),
    path("faults/async-slow/", views.async_slow),
    path("faults/mark/", views.mark),
    path("faults/async-mark/", views.async_mark),
    path("faults/counted/", views.counted),
    path("faults/announce/", views.announce),
    *(path(f"faults/added-{number}/", views.async_version) for number in range(ADDED)),
    path("", include("config.urls")),
]
