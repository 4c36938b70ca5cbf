"""The project as a whole: settings, migrations, sample data, and that it is an ordinary one."""

import io
import runpy
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, override_settings

from auctions.models import Lot, Seller
from auctions.sample import LOTS, USERS

EXAMPLE = Path(__file__).resolve().parents[3] / "example"


def _settings(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict:
    for name in ("DATABASE_URL", "REDIS_URL", "DEBUG", "ALLOWED_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(EXAMPLE / "config" / "settings.py"))


def test_nothing_set_is_safe_and_self_contained(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an empty environment: no debug, local hosts, SQLite, layer in memory."""
    settings = _settings(monkeypatch)

    assert settings["DEBUG"] is False
    assert settings["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert settings["DATABASES"]["default"]["NAME"] == EXAMPLE / "db.sqlite3"
    assert settings["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert settings["CHANNEL_LAYERS"]["default"]["BACKEND"].endswith("InMemoryChannelLayer")


def test_environment_names_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """DATABASE_URL and REDIS_URL, a socket's path too, take the project to production."""
    settings = _settings(
        monkeypatch,
        DATABASE_URL="postgres://ada:s%40@db.example:5433/house",
        REDIS_URL="unix:///run/valkey.sock",
    )

    database = settings["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["HOST"], database["PORT"], database["PASSWORD"]) == ("db.example", 5433, "s@")
    assert database["CONN_MAX_AGE"] == 60
    assert settings["CHANNEL_LAYERS"]["default"]["CONFIG"]["hosts"] == ["unix:///run/valkey.sock"]


def test_check_finds_nothing() -> None:
    """Django's own checks have nothing to say."""
    call_command("check", fail_level="INFO")


def test_migrations_are_up_to_date() -> None:
    """The models are as the migrations leave them."""
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_sample_data_can_be_added_twice() -> None:
    """The second time adds nothing and changes nothing, and names the users again."""
    before = _sample_data()
    lots = list(Lot.objects.values())
    after = _sample_data()

    assert before.splitlines() == [
        "30 lots added, 0 were there already.",
        "Sign in as ada / first-programmer, who may also open /admin/",
        "Sign in as grace / first-compiler",
    ]
    assert after == before.replace("30 lots added, 0", "0 lots added, 30")
    assert len(lots) == 30
    assert list(Lot.objects.values()) == lots
    assert Seller.objects.count() == 6


def test_sample_users_keep_their_own_password() -> None:
    """One who has changed it is not named any more, and nothing is changed back."""
    _sample_data()
    ada = User.objects.get(username="ada")
    ada.set_password("an engine of my own")
    ada.save()

    assert _sample_data().splitlines()[1:] == ["Sign in as grace / first-compiler"]
    ada.refresh_from_db()
    assert ada.check_password("an engine of my own")


def test_nobody_is_let_in_by_a_known_password_outside_of_the_demo() -> None:
    """A site with its own key gets the lots alone."""
    with override_settings(IS_DEMO=False):
        output = _sample_data()

    assert output == "30 lots added, 0 were there already.\n"
    assert not User.objects.exists()


def test_sample_users_are_let_in_as_far_as_they_need() -> None:
    """Ada edits lots and sellers in the admin and looks at bids, Grace has no business there."""
    _sample_data()
    ada, grace = Client(), Client()
    for client, user in ((ada, USERS[0]), (grace, USERS[1])):
        assert client.login(username=user.username, password=user.password)

    pages = ("lot/", "lot/add/", "seller/add/", "bid/")
    assert [ada.get(f"/admin/auctions/{page}").status_code for page in pages] == [200] * 4
    assert ada.get("/admin/auth/user/").status_code == 403
    assert grace.get("/admin/auctions/lot/").status_code == 302


def test_each_sample_lot_names_its_own_picture() -> None:
    """The picture's name is the title's slug."""
    assert len({lot.picture for lot in LOTS}) == 30
    assert LOTS[0].picture == "ships-chronometer-1891"


def _sample_data() -> str:
    output = io.StringIO()
    call_command("sample_data", stdout=output)
    return output.getvalue()


def test_first_sample_lot_stays_open_longest() -> None:
    """Lot 1 is the one people are shown, so it does not close under their eyes."""
    _sample_data()

    assert Lot.objects.order_by("pk").first() == Lot.objects.order_by("-closes_at").first()


def test_project_imports_nothing_of_tandem_but_its_broadcast() -> None:
    """A project needs no change to be served, and one that broadcasts works on any server."""
    sources = [path for path in EXAMPLE.rglob("*.py") if "staticfiles" not in path.parts]
    lines = [line for path in sources for line in path.read_text().splitlines()]

    assert len(sources) > 20
    assert sorted(line for line in lines if "import" in line and "django_tandem" in line) == [
        "from django_tandem.channels import BroadcastMixin",
        "from django_tandem.channels import broadcast_sync",
    ]
