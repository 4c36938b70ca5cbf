"""How long the queue is, when its requests are given up, and what a server can't do."""

import pytest

from builders import plan, verdict
from django_tandem.errors import SettingError


def _wsgi_argv(**wsgi) -> tuple[str, ...]:
    return next(
        each.argv for each in plan(verdict("/"), tandem={"WSGI": wsgi}).processes if each.stack
    )


@pytest.mark.parametrize(
    ("server", "workers", "timeout_s", "queue"),
    [
        ("gunicorn", 5, 30, 600),
        ("gunicorn", 1, 5, 64),
        ("gunicorn", 8, 3600, 1024),
        ("granian", 1, 30, 129),
    ],
)
def test_the_queue_follows_workers_and_timeout(server, workers, timeout_s, queue) -> None:
    """What they answer in time at four a second, a page's burst at least, never beyond 1024."""
    argv = _wsgi_argv(SERVER=server, WORKERS=workers, TIMEOUT_S=timeout_s)

    # The kernel lets one more wait than it is told.
    assert f"--backlog={queue - 1}" in argv


def test_the_client_is_told_before_the_worker_is_ended() -> None:
    """The edge waits as long as is set, and the server a little longer."""
    assert plan(verdict("/"), tandem={"WSGI": {"TIMEOUT_S": 7}}).edge.read_timeout_s == 7
    assert "--timeout=9" in _wsgi_argv(TIMEOUT_S=7)


@pytest.mark.parametrize(
    ("server", "after", "jitter"),
    [("gunicorn", "--max-requests=900", "200"), ("uwsgi", "--max-requests=900", "100")],
)
def test_workers_are_not_all_replaced_at_once(server, after, jitter) -> None:
    """A tenth more or less: by chance on Gunicorn, by its number on each worker of uWSGI."""
    argv = _wsgi_argv(SERVER=server, WORKERS=2, MAX_REQUESTS=1000)

    assert after in argv
    assert argv[argv.index(after) + 1].endswith(f"={jitter}")


@pytest.mark.parametrize("server", ["waitress", "granian"])
def test_a_server_that_replaces_no_workers_is_named(server) -> None:
    """Rather than the setting be ignored."""
    with pytest.raises(SettingError) as caught:
        _wsgi_argv(SERVER=server, MAX_REQUESTS=1000)

    assert str(caught.value) == (
        f'TANDEM["WSGI"]["MAX_REQUESTS"] is 1000, and {server} replaces no worker for what it '
        "has served.\n  Take 0, or gunicorn or uwsgi for the server."
    )


def test_a_server_whose_queue_can_be_no_shorter_is_named() -> None:
    """Granian takes every shorter backlog for its own least."""
    with pytest.raises(SettingError) as caught:
        _wsgi_argv(SERVER="granian", QUEUE=8)

    assert str(caught.value) == (
        'TANDEM["WSGI"]["QUEUE"] is 8, and granian has no queue shorter than 129.\n'
        '  Take "auto" or 129 or more, or another server.'
    )
