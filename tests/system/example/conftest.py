"""The example's settings with a separate database; this folder needs its own process."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.test.utils import setup_test_environment

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parents[2] / "example"

if settings.configured:
    raise pytest.UsageError(
        "Django is set up with other settings already. "
        "Run the example's tests alone: pytest tests/system/example"
    )

_place = tempfile.TemporaryDirectory(prefix="example-")
sys.path[:0] = [str(EXAMPLE), str(HERE)]
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
# TEST_DATABASE_URL may name an empty PostgreSQL database to run the same tests on.
os.environ["DATABASE_URL"] = os.environ.get(
    "TEST_DATABASE_URL", f"sqlite:///{_place.name}/db.sqlite3"
)
for name in ("REDIS_URL", "DEBUG", "ALLOWED_HOSTS", "SHIPPING_URL"):
    os.environ.pop(name, None)
django.setup()
# TEST_STATIC_ROOT may name a directory that its static files were collected in.
COLLECTED = os.environ.get("TEST_STATIC_ROOT")
settings.STATIC_ROOT = Path(COLLECTED or f"{_place.name}/staticfiles")
# The default one is slow on purpose.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
setup_test_environment()

from channels.layers import channel_layers  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.core.management import call_command  # noqa: E402

from auctions.models import Bid, Lot, Seller  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def house() -> Iterator[None]:
    call_command("migrate", verbosity=0)
    if not COLLECTED:
        call_command("collectstatic", verbosity=0, interactive=False)
    yield
    django.db.connections.close_all()
    _place.cleanup()


@pytest.fixture(autouse=True)
def _cleared(house: None) -> Iterator[None]:
    yield
    # Not a rolled back transaction: consumers and threads have their own connections.
    Lot.objects.update(best_bid=None)
    Bid.objects.all().delete()
    Lot.objects.all().delete()
    Seller.objects.all().delete()
    User.objects.all().delete()
    cache.clear()
    channel_layers.backends = {}
