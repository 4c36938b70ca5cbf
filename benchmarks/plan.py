"""What `tandem plan` takes on a large URLconf, beyond what Django itself needs to set it up."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from results import Ratio, finish, say

ROUTES = 3000
ROUNDS = 5

SETTINGS = """
SECRET_KEY = "benchmark"
ROOT_URLCONF = "urls"
INSTALLED_APPS = []
"""

# Thirty apps of a hundred routes, as a large project has them; one route in a hundred is async.
URLS = """
from django.urls import include, path, re_path

def view(request): ...
async def async_view(request): ...

def routes(app):
    for n in range(25):
        yield path(f"r{{n}}/", view, name=f"list{{n}}")
        yield path(f"r{{n}}/<int:pk>/", view, name=f"detail{{n}}")
        yield path(f"r{{n}}/<slug:s>/<uuid:u>/", async_view if n == 7 else view)
        yield re_path(rf"^r{{n}}/(?P<year>[0-9]{{{{4}}}})/(?P<rest>.*)$", view)

urlpatterns = [
    path(f"app{{app}}/", include((list(routes(app)), f"app{{app}}"))) for app in range({apps})
]
"""

SET_UP = """
import django
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
"""


def seconds(argv: list[str], directory: Path) -> float:
    """Return the wall-clock time of a command that must succeed."""
    started = time.perf_counter()
    subprocess.run(
        argv,
        cwd=directory,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "settings"},
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started


def main() -> int:
    """Alternate the two and print the difference of their medians."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as scratch:
        directory = Path(scratch)
        (directory / "settings.py").write_text(SETTINGS)
        (directory / "urls.py").write_text(URLS.format(apps=ROUTES // 100))
        alone, whole = [], []
        for _ in range(ROUNDS):
            alone.append(seconds([sys.executable, "-c", SET_UP], directory))
            whole.append(seconds([sys.executable, "-m", "django_tandem", "plan"], directory))
    django_s, tandem_s = statistics.median(alone), statistics.median(whole)
    say(f"{ROUTES} routes: Django's set-up {django_s:.2f} s, tandem plan {tandem_s:.2f} s")
    return finish(
        "bench-plan",
        {"seconds beyond Django's set-up": Ratio(value=tandem_s - django_s, at_most=1.0)},
        packages=("django",),
        seconds={"django": django_s, "tandem plan": tandem_s},
    )


if __name__ == "__main__":
    sys.exit(main())
