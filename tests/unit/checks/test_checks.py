"""The checks keep `tandem up` from starting, show in `manage.py check`, and stop nothing else."""

import re
import socket
from pathlib import Path

import pytest
from checks.managing import found, in_memory, manage

from django_tandem import checks
from harness.stack import tandem

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "checks.md"

E003 = (
    'CHANNEL_LAYERS: (tandem.E003) CHANNEL_LAYERS["default"]["BACKEND"] is '
    '"channels.layers.InMemoryChannelLayer", which keeps every message in its own process: what '
    "a view on WSGI sends never reaches a WebSocket or a Channels worker.\n"
    '\tHINT: Take "channels_redis.core.RedisChannelLayer" with '
    '{"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]}. '
    '`tandem up` sets REDIS_URL when it is not set and "django-tandem[bundled]" is installed.\n'
)


def test_up_refuses_to_start_for_an_error(tmp_path) -> None:
    """It says all that it found, then why it did not start, and exits with 1."""
    done = tandem(in_memory(tmp_path), "up", "--bind", "127.0.0.1:1")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"{E003}Not started: tandem.E003 must be put right first.\n"
        "  Or name it in SILENCED_SYSTEM_CHECKS, if you know better.\n"
    )
    assert not (tmp_path / ".tandem" / "nginx.conf").exists()


def test_a_silenced_check_is_not_heard_of(tmp_path) -> None:
    """Neither by `up`, which goes on to the next refusal, nor by `check`."""
    project = in_memory(tmp_path, 'SILENCED_SYSTEM_CHECKS = ["tandem.E003"]\n')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        up = tandem(project, "up", "--bind", bind)
    check = manage(project, "check", REDIS_URL="redis://127.0.0.1:1")

    assert (up.returncode, found(up)) == (2, [])
    assert f"{bind} is in use by another program.\n" in up.stderr
    assert (check.returncode, check.stdout) == (
        0,
        "System check identified no issues (1 silenced).\n",
    )


@pytest.mark.parametrize("args", [["migrate", "--plan"], ["test"], ["shell", "-c", "pass"]])
def test_an_error_stops_no_other_command(args, tmp_path) -> None:
    """Django checks before nearly every one, and tests are right to have a layer in memory."""
    done = manage(in_memory(tmp_path), *args, REDIS_URL="redis://127.0.0.1:1")

    assert (done.returncode, found(done)) == (0, [])


def test_check_shows_them_by_their_tag(tmp_path) -> None:
    """`--tag tandem` runs ours alone."""
    done = manage(in_memory(tmp_path), "check", "--tag", "tandem", REDIS_URL="redis://127.0.0.1:1")

    assert done.returncode == 1
    assert E003 in done.stderr


def _in(directory: Path) -> set[str]:
    text = "".join(path.read_text() for path in directory.glob("*.py"))
    return set(re.findall(r"\b(?:tandem\.)?([EW]0\d\d)\b", text))


def test_the_page_describes_every_check_and_no_other() -> None:
    """Each under a heading of its own, errors and then warnings, in the order of their ids."""
    described = re.findall(r"^### tandem\.([EW]\d{3})\b", PAGE.read_text(), re.MULTILINE)

    assert described == sorted(_in(Path(checks.__file__).parent))


def test_every_check_has_a_test() -> None:
    """Its id stands in a test beside this one."""
    assert _in(Path(__file__).parent) >= _in(Path(checks.__file__).parent)
