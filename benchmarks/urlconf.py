"""A project of so many routes as a large one has them, written to a scratch directory."""

from collections.abc import Iterator
from pathlib import Path

ROUTES_AN_APP = 100
NAMES = ROUTES_AN_APP // 4
# One route in a hundred is async: in each app another kind of pattern, and another place.
ASYNC_NAME = 7

SETTINGS = """
SECRET_KEY = "benchmark"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = []
"""

MANAGE = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
"""

# Each route has its own view: what is known of one is of no use for the next.
URLS = f"""
from django.urls import include, path, re_path
from django.views import View


def sync_view():
    def view(request, **kwargs): ...
    return view


def async_view():
    async def view(request, **kwargs): ...
    return view


def class_view():
    class Shown(View):
        def get(self, request, **kwargs): ...
    return Shown.as_view()


def routes(app):
    for n in range({NAMES}):
        views = [class_view(), class_view(), sync_view(), sync_view()]
        if n == {ASYNC_NAME}:
            views[app % 4] = async_view()
        yield path(f"r{{n}}/", views[0], name=f"list{{n}}")
        yield path(f"r{{n}}/<int:pk>/", views[1], name=f"detail{{n}}")
        yield path(f"r{{n}}/<slug:s>/<uuid:u>/", views[2])
        yield re_path(rf"^r{{n}}/(?P<year>[0-9]{{{{4}}}})/(?P<rest>.*)$", views[3])


urlpatterns = [
    path(f"app{{app}}/", include((list(routes(app)), f"app{{app}}"))) for app in range(APPS)
]
"""


def write(directory: Path, routes: int) -> None:
    """Write a project of ``routes`` routes, a multiple of a hundred."""
    (directory / "manage.py").write_text(MANAGE)
    (directory / "settings.py").write_text(SETTINGS)
    (directory / "urls.py").write_text(f"APPS = {routes // ROUTES_AN_APP}\n{URLS}")


def paths(routes: int) -> Iterator[str]:
    """Yield one path of each route, in their order, and after each app one that is a 404."""
    uuid = "0d3b9e1c-5f7a-4d7e-9d1b-2a6c8f4e1b30"
    for app in range(routes // ROUTES_AN_APP):
        for name in range(NAMES):
            root = f"/app{app}/r{name}"
            yield f"{root}/"
            yield f"{root}/{app * 1000 + name}/"
            yield f"{root}/a-slug/{uuid}/"
            yield f"{root}/2026/some/more/"
        yield f"/app{app}/nothing/{app}/"
