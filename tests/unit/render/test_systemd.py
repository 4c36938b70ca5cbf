"""The unit for systemd, as systemd's own tools read it."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from builders import host, plan
from django_tandem.errors import QuotingError, SettingError
from django_tandem.model import Plan, Release
from django_tandem.render import quoting, systemd

# Of systemd-analyze, from 0 to 10; a unit without a sandbox has 9.6.
EXPOSURE = 2


def unit(**changes: Any) -> str:
    (file,) = systemd.render(plan(**changes))
    return file.content


def options(text: str) -> dict[str, list[str]]:
    """Return the values of each option, in their order."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if re.match(r"[A-Z]\w+=", line):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def analyze(*args: str) -> str:
    done = subprocess.run(
        ["systemd-analyze", *args], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(
    params=[{}, {"BIND": ":80", "RUN_DIR": "/run/shop", "USER": "www-data:www-data"}],
    ids=["port 8000", "port 80"],
)
def path(request, tmp_path) -> str:
    """A unit whose program exists."""
    run_dir = request.param.get("RUN_DIR", "/srv/project/.tandem")
    on = host(python=sys.executable, user="www-data")
    (file,) = systemd.render(plan(tandem=request.param, on=on, run_dir=run_dir))
    (tmp_path / file.name).write_text(file.content)
    return str(tmp_path / file.name)


@pytest.mark.processes
def test_systemd_finds_no_fault(path) -> None:
    """Neither an unknown option nor a value that it would ignore."""
    assert analyze("verify", "--man=no", path) == ""


@pytest.mark.processes
def test_the_exposure_is_low(path) -> None:
    """By systemd's own figure."""
    assert analyze("security", "--offline=yes", f"--threshold={EXPOSURE * 10:g}", path)


def test_a_project_below_a_link_is_started_by_the_link() -> None:
    """So that each release is reloaded by its own interpreter, in its own directory."""
    release = Release(link="/srv/shop/current", directory="/srv/shop/releases/42")
    found = options(
        unit(
            directory="/srv/shop/releases/42/site",
            settings_module="shop.settings",
            release=release,
            on=host(python="/srv/shop/releases/42/.venv/bin/python"),
            run_dir="/srv/shop/.tandem-current",
            written_directories=("/srv/shop/media", "/srv/shop/releases/42/site/logs"),
        )
    )

    python = "/srv/shop/current/.venv/bin/python -P -m django_tandem"
    assert found["WorkingDirectory"] == ["/srv/shop/current/site"]
    assert (found["ExecStart"], found["ExecReload"]) == ([f"{python} up"], [f"{python} reload"])
    # The next release writes beside this one, and mounts are those of the start.
    written = "-/srv/shop/.tandem-current -/srv/shop/media -/srv/shop/releases"
    assert found["ReadWritePaths"] == [written]
    assert found["ExecStartPre"] == [
        "-+/usr/sbin/runuser -u web -- /usr/bin/mkdir -p "
        "/srv/shop/.tandem-current /srv/shop/media /srv/shop/releases"
    ]


@pytest.mark.parametrize(
    ("run_dir", "option", "value"),
    [
        ("/run/shop", "RuntimeDirectory", "shop"),
        ("/var/lib/shop/run", "StateDirectory", "shop/run"),
    ],
)
def test_systemd_makes_a_run_directory_of_its_own_places(run_dir, option, value) -> None:
    """With the mode that tandem gives it."""
    found = options(unit(run_dir=run_dir))

    assert (found[option], found[f"{option}Mode"]) == ([value], ["0700"])
    assert "ReadWritePaths" not in found
    assert "ExecStartPre" not in found


def test_the_directory_of_large_bodies_stays_writable() -> None:
    """And below /tmp or /var/tmp, the unit has no private /tmp."""
    (path,) = options(unit(tandem={"EDGE": {"TEMP_DIR": "/srv/temp"}}))["ReadWritePaths"]
    in_tmp = options(unit(tandem={"EDGE": {"TEMP_DIR": "/var/tmp/shop"}}))

    assert path == "-/srv/project/.tandem -/srv/temp"
    assert "PrivateTmp" not in in_tmp


def test_only_a_low_port_needs_a_capability() -> None:
    """Of the edge, the probes or the monitor."""
    high, low = (options(unit(tandem={"HEALTH": health})) for health in ("unix", "127.0.0.1:801"))

    assert (high["CapabilityBoundingSet"], "AmbientCapabilities" in high) == ([""], False)
    assert low["CapabilityBoundingSet"] == low["AmbientCapabilities"] == ["CAP_NET_BIND_SERVICE"]


def test_the_times_follow_from_the_settings() -> None:
    """A stop has STOP_S and what a busy machine may add."""
    found = options(unit(tandem={"STOP_S": 57}))

    assert (found["TimeoutStartSec"], found["TimeoutStopSec"]) == (["180"], ["68"])


def test_the_user_and_group_are_those_of_the_setting() -> None:
    """Else the user who renders the unit."""
    named = options(unit(tandem={"USER": "shop:www-data"}))
    own = options(unit())

    assert (named["User"], named["Group"]) == (["shop"], ["www-data"])
    assert (own["User"], "Group" in own) == (["web"], False)


def test_a_unit_of_root_is_refused_unless_it_is_named() -> None:
    """A service that serves the internet is not root's by accident."""
    with pytest.raises(SettingError) as refused:
        unit(on=host(user="root", is_root=True))

    assert refused.value.message == (
        'TANDEM["USER"] is not set, and a unit that root renders would run as root.'
    )
    assert refused.value.hint == 'Name who is to run the stack, such as "USER": "www-data".'
    assert options(unit(tandem={"USER": "root"}))["User"] == ["root"]


def test_a_run_directory_in_tmp_is_seen_from_outside() -> None:
    """A private /tmp would hide its sockets from `tandem status`."""
    assert "PrivateTmp" not in unit(run_dir="/tmp/tandem-1000-abc")
    assert "PrivateTmp=yes" in unit()


@pytest.mark.parametrize(
    ("settings_module", "changes", "name"),
    [
        ("shop.settings", {}, "shop.service"),
        ("config.settings", {"directory": "/srv/My Shop"}, "my-shop.service"),
        (
            "config.settings",
            {"release": Release(link="/srv/shop/current", directory="/srv/shop/releases/1")},
            "shop.service",
        ),
        (
            "config.settings",
            {"release": Release(link="/srv/shop", directory="/srv/shop-1.4")},
            "shop.service",
        ),
    ],
)
def test_the_unit_has_the_name_of_the_project(settings_module, changes, name) -> None:
    """The package of its settings, or its directory where that has a name of any project."""
    (file,) = systemd.render(plan(settings_module=settings_module, **changes))

    assert file.name == name


def of_roles(roles: str, **tandem: Any) -> Plan:
    """Return the plan of a host with these roles alone."""
    peers = {"WSGI": ["10.0.0.2:9000"], "ASGI": ["10.0.0.3:9001"], "SECRET": "s" * 32}
    settings = {"CHANNEL_WORKERS": ["lots"], "PEERS": peers, **tandem}
    return plan(tandem=settings, roles=roles)


def test_a_role_alone_is_the_program_itself() -> None:
    """It notifies nobody, and is restarted where a stack is reloaded."""
    (file,) = systemd.render(of_roles("wsgi"))
    found = options(file.content)

    assert file.name == "project-wsgi.service"
    assert found["ExecStart"] == ["/venv/bin/python -P -m django_tandem up --role wsgi"]
    assert found["Type"] == ["exec"]
    assert found.keys().isdisjoint({"ExecReload", "NotifyAccess", "WatchdogSec", "KillSignal"})


def test_an_edge_alone_stops_as_nginx_does() -> None:
    """After the delay, which the command waits for."""
    at_once, delayed = (
        options(systemd.render(of_roles("edge", STOP_DELAY_S=delay_s))[0].content)
        for delay_s in (0, 5)
    )

    assert at_once["KillSignal"] == delayed["KillSignal"] == ["SIGQUIT"]
    assert "ExecStop" not in at_once
    assert delayed["ExecStop"] == ["/venv/bin/python -P -m django_tandem down"]


def test_several_roles_are_supervised() -> None:
    """And reload, as all of them do."""
    (file,) = systemd.render(of_roles("edge,wsgi"))
    found = options(file.content)

    assert file.name == "project-edge-wsgi.service"
    assert (found["Type"], "ExecReload" in found) == (["notify"], True)


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("/srv/shop", "/srv/shop"),
        ("/srv/my shop", '"/srv/my shop"'),
        ("100%", "100%%"),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("", '""'),
    ],
)
def test_a_word_is_read_as_it_was(word, quoted) -> None:
    """A percent sign begins a specifier."""
    assert quoting.systemd_word(word) == quoted


def test_a_dollar_sign_of_a_command_is_no_variable() -> None:
    """Elsewhere it stands for itself."""
    assert quoting.systemd_command(["/bin/echo", "$HOME"]) == "/bin/echo $$HOME"
    assert quoting.systemd_word("$HOME") == "$HOME"


@pytest.mark.parametrize("value", ["a\nb", " a", "a\\"])
def test_what_a_unit_cannot_represent_is_refused(value) -> None:
    """The next line would be another option."""
    with pytest.raises(QuotingError) as refused:
        quoting.systemd(value)

    assert refused.value.message == (
        f"{value!r} can't be written to a unit file: it has a control character, a space at "
        "one of its ends, or a backslash at its end."
    )


def test_the_directory_of_the_run_directory_is_written_once() -> None:
    """A SQLite database beside manage.py makes all of the project writable."""
    found = options(unit(written_directories=("/srv/project",)))

    assert found["ReadWritePaths"] == ["-/srv/project"]
    assert Path(found["WorkingDirectory"][0]) == Path("/srv/project")
