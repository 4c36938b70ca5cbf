"""The command line of the master that two servers share."""

from dataclasses import replace

from django_tandem.model.plan import Recycle
from django_tandem.servers import shared_master
from django_tandem.servers.server import Launch
from django_tandem.servers.shared_master import MasterLaunch

WSGI = Launch(
    python="python",
    application="wsgi:application",
    socket="/run/wsgi-1.sock",
    workers=5,
    timeout_s=60,
    grace_s=8,
)
ASGI = replace(WSGI, application="asgi:application", socket="/run/asgi-1.sock", workers=2)
LAUNCH = MasterLaunch(wsgi=WSGI, asgi=replace(ASGI, args=("--limit-concurrency=9",)))


def test_both_servers_have_their_own_command_lines() -> None:
    """Each argument is the server's own, so that its documentation holds."""
    line = shared_master.argv(LAUNCH)
    first, last = line.index("--gunicorn"), line.index("--uvicorn")

    assert line[1:3] == ("-m", "django_tandem.servers.adapters.master")
    assert "--bind=unix:/run/wsgi-1.sock" in line[first:last]
    assert "--uds=/run/asgi-1.sock" in line[last:]
    assert line[-2:] == ("--limit-concurrency=9", "asgi:application")


def test_uvicorn_cancels_before_the_master_kills() -> None:
    """What is cancelled cleans up in between."""
    line = shared_master.argv(LAUNCH)

    assert "--graceful-timeout=8" in line
    assert "--timeout-graceful-shutdown=6" in line


def test_only_the_options_that_are_set_are_listed() -> None:
    """A bound of 0 is none."""
    launch = replace(
        LAUNCH,
        channels=("mail", "thumbs"),
        wsgi_niceness=10,
        recycle=Recycle(age_s=60),
        preload=False,
    )

    line = shared_master.argv(launch)

    assert line[3 : line.index("--gunicorn")] == (
        *("--preload=never", "--channel=mail", "--channel=thumbs"),
        *("--wsgi-nice=10", "--recycle-age=60", "--drain=30"),
    )


def test_only_gunicorn_and_uvicorn_share_a_master() -> None:
    """Every other pair runs as separate programs."""
    assert shared_master.can_share("gunicorn", "uvicorn")
    assert not shared_master.can_share("uwsgi", "uvicorn")
    assert not shared_master.can_share("gunicorn", "daphne")
